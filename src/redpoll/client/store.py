"""The engine in the caller's own process: no socket, no thread, well under a microsecond a call.

Names and values may be `str` (taken as UTF-8) or `bytes`; what comes back is `bytes`.  Errors are
`redpoll.errors.CommandError` with the reference's text.  An engine is for one thread at a time; several may run in as
many threads.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.commands.hash_fields import tell_overwritten
from redpoll.commands.strings import add
from redpoll.commands.zsets import put_one
from redpoll.config.directive import EFFECT
from redpoll.config.schema import DIRECTIVES
from redpoll.config.settings import Config, Effects
from redpoll.engine.engine import Engine
from redpoll.engine.session import Peer, Session
from redpoll.env.clock import Clock
from redpoll.env.random import Random
from redpoll.errors import NOT_A_FLOAT, NOT_AN_INTEGER, CommandError
from redpoll.keyspace.events import HSET, SET, ZADD
from redpoll.protocol.numbers import format_double, int_text
from redpoll.protocol.reply import (
    Attribute,
    BigNumber,
    Boolean,
    Coordinate,
    Double,
    Error,
    Map,
    NullArray,
    Pairs,
    Push,
    Sequence,
    SetOf,
    Spoken,
    Status,
    Verbatim,
    View,
)
from redpoll.types.zset import ADDED, ALWAYS

Text = bytes | str


class ServerOnly(Effects):
    """Refuses what would have to move a listener, a connection, a log or the process, which are the program's own."""

    def apply(self, name: bytes, config: Config) -> bytes:
        return b"it is for servers: this engine runs inside a program"


class Store:
    """An open engine.  Typed methods for what is called most; `execute` for every command.

    Typed methods run at once, also between MULTI and EXEC, and are no commands: nothing counts or logs them.
    """

    def __init__(self, clock: Clock | None = None, random: Random | None = None, databases: int = 16) -> None:
        self.engine: Final = Engine(
            clock if clock is not None else Clock(), random if random is not None else Random(), databases
        )
        self.session: Final[Session] = self.engine.open_session(Peer())
        self.session.may_block = False
        config = self.engine.config
        for directive in DIRECTIVES:
            outside = directive.group in ("network", "logging") and directive.name != b"proto-max-bulk-len"
            nobodys = directive.applies == EFFECT and directive.name not in config.listeners
            if outside or nobodys:
                config.listen(directive.name, ServerOnly())
        self.unit: Final = self.engine.unit
        self.moment: Final = self.engine.moment

    def get(self, key: Text) -> bytes | None:
        """The string at `key`, or None.  O(1)."""
        self.engine.start_call()
        found = self.session.db.string(to_bytes(key))
        if self.unit.journal is not None:
            self.unit.end()
        return found

    def set(self, key: Text, value: Text) -> None:
        """Make `key` hold a string.  O(1)."""
        self.engine.start_call()
        name = to_bytes(key)
        text = to_bytes(value)
        session = self.session
        session.db.set_string(name, text)
        session.changed(name, None, SET, 1)
        if self.unit.journal is not None:
            self._note([b"SET", name, text])
        self.engine.end_unit(session)

    def delete(self, *keys: Text) -> int:
        """Delete keys; how many there were."""
        names = [to_bytes(key) for key in keys]
        self.engine.start_call()
        deleted = 0
        for name in names:
            if self.session.db.delete(name):
                deleted += 1
        if self.unit.journal is not None:
            self._note([b"DEL", *names])
        self.engine.end_unit(self.session)
        return deleted

    def incr(self, key: Text, amount: int = 1) -> int:
        """Add to the integer at `key`; the sum.  O(1)."""
        self.engine.start_call()
        if not -(1 << 63) <= amount < 1 << 63:
            raise CommandError(NOT_AN_INTEGER)
        name = to_bytes(key)
        total = add(self.session, name, amount)
        if self.unit.journal is not None:
            self._note([b"INCRBY", name, int_text(amount)])
        self.engine.end_unit(self.session)
        assert isinstance(total, int)
        return total

    def hset(self, key: Text, field: Text, value: Text) -> int:
        """Set a field of a hash; 1 if it is new.  O(1)."""
        self.engine.start_call()
        name = to_bytes(key)
        session = self.session
        found = session.db.hash_to_change(name, True)
        assert found is not None
        item = to_bytes(value)
        word = to_bytes(field)
        added = found.put(word, item)
        tell_overwritten(session, name, found)
        session.changed(name, found, HSET, 1)
        if self.unit.journal is not None:
            self._note([b"HSET", name, word, item])
        self.engine.end_unit(session)
        return int(added)

    def hget(self, key: Text, field: Text) -> bytes | None:
        """The value of a field of a hash, or None.  O(1)."""
        self.engine.start_call()
        found = self.session.db.hash(to_bytes(key))
        value = found.get(to_bytes(field)) if found is not None else None
        if self.unit.journal is not None:
            self.unit.end()
        return value

    def zadd(self, key: Text, member: Text, score: float) -> int:
        """Give a member of a sorted set a score; 1 if it is new.  O(log n)."""
        self.engine.start_call()
        if score != score:
            raise CommandError(NOT_A_FLOAT)
        name = to_bytes(key)
        word = to_bytes(member)
        session = self.session
        found = session.db.zset_to_change(name, True)
        assert found is not None
        added = put_one(session, name, found, ALWAYS, score, word, ZADD) == ADDED
        if self.unit.journal is not None:
            self._note([b"ZADD", name, format_double(score), word])
        self.engine.end_unit(session)
        return int(added)

    def zrank(self, key: Text, member: Text) -> int | None:
        """How many members come before one, or None.  O(log n)."""
        self.engine.start_call()
        found = self.session.db.zset(to_bytes(key))
        rank: i64 = found.rank(to_bytes(member)) if found is not None else -1
        if self.unit.journal is not None:
            self.unit.end()
        return rank if rank >= 0 else None

    def execute(self, *words: Text | int | float) -> object:
        """Run any command; its reply as Python values (`bytes`, `int`, `None`, `list`, `dict` for maps, `float`)."""
        if len(words) == 0:
            raise CommandError(b"ERR no command given")
        self.engine.start_call()
        args = [as_word(word) for word in words]
        reply = self.engine.execute(self.session, args)
        return to_python(reply)

    def _note(self, effect: list[bytes]) -> None:
        """Tell the journal what a typed method did, as the command that does the same."""
        self.unit.note(self.session.db.index, effect)

    def tick(self) -> None:
        """Delete what is past its deadline and give memory back, for a program that makes no calls for long.

        Every call does a little of it by itself; look-ups hide expired keys in any case.
        """
        self.engine.tick()


def to_bytes(text: Text) -> bytes:
    """A name or a value as plain bytes."""
    if type(text) is bytes:
        return text
    # A member of an enumeration has a hash of its own, by which no key would be found.
    return bytes(text) if isinstance(text, bytes) else text.encode()


def as_word(word: object) -> bytes:
    """A word of a command as bytes.  Raises TypeError for what has no one obvious spelling: None, True, a list …"""
    if isinstance(word, bytes) or isinstance(word, str):
        return to_bytes(word)
    if isinstance(word, bool):
        raise TypeError("a word of a command is bytes, str, int or float, not bool")
    # Of a number's subclass the number counts: `str` would spell a member of an enumeration with its name.
    if isinstance(word, int):
        return int.__repr__(word).encode()
    if isinstance(word, float):
        return float.__repr__(word).encode()
    raise TypeError(f"a word of a command is bytes, str, int or float, not {type(word).__name__}")


def to_python(reply: object) -> object:
    """A reply as plain Python values; raises CommandError for an error reply at the top."""
    if isinstance(reply, Error):
        raise CommandError(reply.text)
    return plain(reply)


def plain(reply: object) -> object:
    """A reply as plain Python values; an error inside an array stays an exception object in it."""
    if reply is None or isinstance(reply, bytes) or isinstance(reply, int):
        return reply
    if isinstance(reply, Status):
        return reply.text
    if isinstance(reply, list):
        return [plain(item) for item in reply]
    if isinstance(reply, NullArray):
        return None
    if isinstance(reply, Double):
        return reply.value
    if isinstance(reply, Boolean):
        return reply.value
    if isinstance(reply, Coordinate):
        return reply.value
    if isinstance(reply, Map):
        return paired([plain(item) for item in reply.items])
    if isinstance(reply, View):
        items = reply.to_list()
        return paired(items) if reply.shape == 1 else items
    if isinstance(reply, Pairs):
        values = [plain(item) for item in reply.items]
        return [(values[n], values[n + 1]) for n in range(0, len(values), 2)]
    if isinstance(reply, Error):
        return CommandError(reply.text)
    if isinstance(reply, Verbatim):
        return reply.text
    if isinstance(reply, BigNumber):
        return int(reply.digits)
    if isinstance(reply, SetOf):
        return [plain(item) for item in reply.items]
    if isinstance(reply, Push):
        return [plain(item) for item in reply.items]
    if isinstance(reply, Attribute):
        return plain(reply.reply)
    if isinstance(reply, Spoken):
        return plain(reply.reply)
    if isinstance(reply, Sequence):
        return [plain(item) for item in reply.replies]
    raise TypeError(f"no reply: {reply!r}")


def paired(items: list[object]) -> object:
    """Keys and values by turns as a dict."""
    return {items[n]: items[n + 1] for n in range(0, len(items), 2)}
