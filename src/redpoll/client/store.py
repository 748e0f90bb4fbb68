"""`Store`: the engine in the caller's own process, without a socket or a thread.  A `get` takes well under 1 µs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mypy_extensions import i64

from redpoll.client.base import CLOSED
from redpoll.client.folder import StoreFolder
from redpoll.client.places import PlaceCalls
from redpoll.client.pubsub import PubSub
from redpoll.commands.hash_fields import tell_overwritten
from redpoll.commands.strings import add
from redpoll.commands.zsets import put_one
from redpoll.config.schema import BY_NAME
from redpoll.config.values import BadValue
from redpoll.env.clock import Clock
from redpoll.env.files import FolderFiles
from redpoll.errors import NOT_A_FLOAT, NOT_AN_INTEGER, CommandError
from redpoll.keyspace.events import HSET, SET, ZADD
from redpoll.protocol.numbers import format_double, int_text
from redpoll.protocol.words import Text, Word, as_word, to_bytes, to_python
from redpoll.scripting.scripts import register_function
from redpoll.types.zset import ADDED, ALWAYS


class Store(PlaceCalls):
    """An open engine.  Typed methods for the commands that programs use; `execute` for every command.

    Keys may be `str` (encoded as UTF-8) or `bytes`; values may also be `int` or `float`.  Strings come back as `bytes`.
    Errors are `redpoll.CommandError` with the reference's text.  One thread at a time may call a store: nothing checks
    this, so use one lock around all calls if several threads share it.

    `get`, `set`, `incr`, `hset`, `hget`, `zadd` and `zrank` skip the command table, so INFO does not count them.
    All typed methods run at once, also between MULTI and EXEC.
    """

    @staticmethod
    def in_folder(
        path: bytes,
        databases: int,
        save: str,
        clock: Clock | None = None,
        appending: bool | None = False,
        sync: str = "",
    ) -> Store:
        """Open a store in a folder; `save` as in a configuration file.  Raises StoreError and ValueError."""
        store = Store(clock, databases=databases, files=FolderFiles(path))
        config = store.engine.config
        complaint = config.set([b"save", save.encode()])
        if complaint:
            raise ValueError(f"save={save!r}: {complaint.decode()}")
        if sync:
            try:
                config.assign(BY_NAME[b"appendfsync"], [sync.encode()])
            except BadValue as wrong:
                raise ValueError(f"appendfsync={sync!r}: {wrong.reason.decode()}") from None
        store.folder = StoreFolder(store.engine, appending)
        return store

    def get(self, key: Text) -> bytes | None:
        """Return the string at `key`, or None.  O(1)."""
        if (self.engine.gates | self.session.gates) & self.read_gates != 0:
            return self._bytes([b"GET", to_bytes(key)])
        self.engine.start_call()
        found = self.session.db.string(to_bytes(key))
        if self.unit.journal is not None:
            self.unit.end()
        return found

    def set(self, key: Text, value: Word, ex: float = 0.0) -> None:
        """Set a string that expires after `ex` seconds (0: never).  O(1)."""
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
        """Add to the integer at `key` and return the sum.  O(1)."""
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
        """Set a field of a hash; return 1 if it is new.  O(1)."""
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
        """Return the value of a field of a hash, or None.  O(1)."""
        if (self.engine.gates | self.session.gates) & self.read_gates != 0:
            return self._bytes([b"HGET", to_bytes(key), to_bytes(field)])
        self.engine.start_call()
        found = self.session.db.hash(to_bytes(key))
        value = found.get(to_bytes(field)) if found is not None else None
        if self.unit.journal is not None:
            self.unit.end()
        return value

    def zadd(self, key: Text, member: Word, score: float) -> int:
        """Set the score of a member of a sorted set; return 1 if it is new.  O(log n)."""
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
        """Return how many members come before this one, or None.  O(log n)."""
        if (self.engine.gates | self.session.gates) & self.read_gates != 0:
            return self._int_or_none([b"ZRANK", to_bytes(key), as_word(member)])
        self.engine.start_call()
        found = self.session.db.zset(to_bytes(key))
        rank: i64 = found.rank(as_word(member)) if found is not None else i64(-1)
        if self.unit.journal is not None:
            self.unit.end()
        return rank if rank >= 0 else None

    def register_function(self, function: Callable[..., object]) -> None:
        """Let FCALL call a function that `redpoll.function` decorates.

        The functions of a module are a library, as for `redpoll server --functions`.  Raises TypeError for a function
        without the decorator, and ValueError if there is another function or Lua library of this name.
        """
        if self.closed:
            raise ValueError(CLOSED)
        register_function(self.engine, function)

    def execute(self, *words: Word) -> Any:
        """Run any command and return its reply: `bytes`, `int`, `float`, `None`, `list`, or `dict` for a map.

        Raises CommandError for an error reply, TypeError for a word that is not bytes, str, int or float, and
        ValueError if the store is closed.
        """
        if self.closed:
            raise ValueError(CLOSED)
        if len(words) == 0:
            raise CommandError(b"ERR no command given")
        args = [as_word(word) for word in words]
        self.engine.start_call()
        return to_python(self.engine.execute(self.session, args))

    def publish(self, channel: Text, message: Word) -> int:
        """Send a message to who subscribes to a channel; how many deliveries.  O(deliveries + patterns)."""
        return self._int([b"PUBLISH", to_bytes(channel), as_word(message)])

    def pubsub(self) -> PubSub:
        """A subscriber, which subscribes to nothing yet."""
        return PubSub(self.engine)

    def _note(self, effect: list[bytes]) -> None:
        """Write what a typed method did to the journal, as the command with the same effect."""
        self.unit.note(self.session.db.index, effect)

    def tick(self) -> None:
        """Delete expired keys and free their memory.

        Every call does a little of this work, so only a program that makes no calls for a long time needs `tick`.  An
        expired key is never returned in any case.
        """
        if self.closed:
            raise ValueError(CLOSED)
        self.engine.tick()

    def close(self, save: bool = True) -> None:
        """Close the store.  Every later call but `close` raises ValueError.

        A store in a folder is saved there first, unless `save` is False.  If that fails, StoreError is raised and the
        store stays open.  The data of any other store is dropped.
        """
        if self.closed:
            return
        if self.folder is not None:
            self.folder.end(save)
        running = self.engine.durability.running
        if running is not None:
            running.cancel("the store closes")
        for db in self.engine.databases:
            db.flush()
        self.engine.reclaimer.finish()
        self._close_calls()

    def __enter__(self) -> Store:
        if self.closed:
            raise ValueError(CLOSED)
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close()
