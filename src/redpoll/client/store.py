"""The engine in the caller's own process: no socket, no thread, well under a microsecond a call."""

from __future__ import annotations

from typing import Any

from mypy_extensions import i64

from redpoll.client.places import PlaceCalls
from redpoll.client.words import Text, Word, as_word, to_bytes, to_python
from redpoll.commands.hash_fields import tell_overwritten
from redpoll.commands.strings import add
from redpoll.commands.zsets import put_one
from redpoll.errors import NOT_A_FLOAT, NOT_AN_INTEGER, CommandError
from redpoll.keyspace.events import HSET, SET, ZADD
from redpoll.protocol.numbers import format_double, int_text
from redpoll.types.zset import ADDED, ALWAYS


class Store(PlaceCalls):
    """An open engine.  Typed methods for the commands that programs use; `execute` for every command.

    Names and values may be `str` (taken as UTF-8) or `bytes`, values also `int` or `float`; strings come back as
    `bytes`.  Errors are `redpoll.CommandError` with the reference's text.  An engine is for one thread at a time.

    `get`, `set`, `incr`, `hset`, `hget`, `zadd` and `zrank` take a short way past the command table: they run
    at once, also between MULTI and EXEC, and INFO does not count them.
    """

    def get(self, key: Text) -> bytes | None:
        """The string at `key`, or None.  O(1)."""
        if (self.engine.gates | self.session.gates) & self.read_gates != 0:
            return self._bytes([b"GET", to_bytes(key)])
        self.engine.start_call()
        found = self.session.db.string(to_bytes(key))
        if self.unit.journal is not None:
            self.unit.end()
        return found

    def set(self, key: Text, value: Word, ex: float = 0.0) -> None:
        """Make `key` hold a string, which expires after `ex` seconds (0: never).  O(1)."""
        if ex != 0.0 or (self.engine.gates | self.session.gates) & self.write_gates != 0:
            self._set_slowly(key, value, ex)
            return
        name = to_bytes(key)
        text = value if type(value) is bytes else as_word(value)
        self.engine.start_call()
        session = self.session
        session.db.set_string(name, text)
        session.changed(name, None, SET, 1)
        if self.unit.journal is not None:
            self._note([b"SET", name, text])
        self.engine.end_unit(session)

    def _set_slowly(self, key: Text, value: Word, ex: float) -> None:
        args = [b"SET", to_bytes(key), as_word(value)]
        if ex != 0.0:
            args += [b"PX", as_word(round(ex * 1000))]
        self._done(args)

    def incr(self, key: Text, amount: int = 1) -> int:
        """Add to the integer at `key`; the sum.  O(1)."""
        if (self.engine.gates | self.session.gates) & self.write_gates != 0:
            return self._int([b"INCRBY", to_bytes(key), as_word(amount)])
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

    def hset(self, key: Text, field: Text, value: Word) -> int:
        """Set a field of a hash; 1 if it is new.  O(1)."""
        if (self.engine.gates | self.session.gates) & self.write_gates != 0:
            return self._int([b"HSET", to_bytes(key), to_bytes(field), as_word(value)])
        name = to_bytes(key)
        word = to_bytes(field)
        item = value if type(value) is bytes else as_word(value)
        self.engine.start_call()
        session = self.session
        found = session.db.hash_to_change(name, True)
        assert found is not None
        added = found.put(word, item)
        tell_overwritten(session, name, found)
        session.changed(name, found, HSET, 1)
        if self.unit.journal is not None:
            self._note([b"HSET", name, word, item])
        self.engine.end_unit(session)
        return int(added)

    def hget(self, key: Text, field: Text) -> bytes | None:
        """The value of a field of a hash, or None.  O(1)."""
        if (self.engine.gates | self.session.gates) & self.read_gates != 0:
            return self._bytes([b"HGET", to_bytes(key), to_bytes(field)])
        self.engine.start_call()
        found = self.session.db.hash(to_bytes(key))
        value = found.get(to_bytes(field)) if found is not None else None
        if self.unit.journal is not None:
            self.unit.end()
        return value

    def zadd(self, key: Text, member: Word, score: float) -> int:
        """Give a member of a sorted set a score; 1 if it is new.  O(log n)."""
        if (self.engine.gates | self.session.gates) & self.write_gates != 0:
            return self._int([b"ZADD", to_bytes(key), as_word(score), as_word(member)])
        name = to_bytes(key)
        word = member if type(member) is bytes else as_word(member)
        self.engine.start_call()
        if score != score:
            raise CommandError(NOT_A_FLOAT)
        session = self.session
        found = session.db.zset_to_change(name, True)
        assert found is not None
        added = put_one(session, name, found, ALWAYS, score, word, ZADD) == ADDED
        if self.unit.journal is not None:
            self._note([b"ZADD", name, format_double(score), word])
        self.engine.end_unit(session)
        return int(added)

    def zrank(self, key: Text, member: Word) -> int | None:
        """How many members come before one, or None.  O(log n)."""
        if (self.engine.gates | self.session.gates) & self.read_gates != 0:
            return self._int_or_none([b"ZRANK", to_bytes(key), as_word(member)])
        self.engine.start_call()
        found = self.session.db.zset(to_bytes(key))
        rank: i64 = found.rank(as_word(member)) if found is not None else i64(-1)
        if self.unit.journal is not None:
            self.unit.end()
        return rank if rank >= 0 else None

    def execute(self, *words: Word) -> Any:
        """Run any command; its reply as Python values: `bytes`, `int`, `float`, `None`, `list`, `dict` for maps.

        Raises CommandError for an error reply, TypeError for a word that is no bytes, str, int or float.
        """
        if len(words) == 0:
            raise CommandError(b"ERR no command given")
        args = [as_word(word) for word in words]
        self.engine.start_call()
        return to_python(self.engine.execute(self.session, args))

    def _note(self, effect: list[bytes]) -> None:
        """Tell the journal what a typed method did, as the command that does the same."""
        self.unit.note(self.session.db.index, effect)

    def tick(self) -> None:
        """Delete what is past its deadline and give memory back, for a program that makes no calls for long.

        Every call does a little of it by itself; look-ups hide expired keys in any case.
        """
        self.engine.tick()

    def close(self) -> None:
        """Drop all data.  The store is not to be used afterwards."""
        for db in self.engine.databases:
            db.flush()
        self.engine.reclaimer.finish()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close()
