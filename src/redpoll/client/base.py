"""The base of all typed methods: an engine, a session, and the call of one command."""

from __future__ import annotations

from typing import Any, Final, cast

from mypy_extensions import i64

from redpoll.client.folder import StoreFolder
from redpoll.commands import FAMILIES
from redpoll.config.directive import EFFECT
from redpoll.config.schema import DIRECTIVES
from redpoll.config.settings import Config, Effects
from redpoll.engine.command import CATALOGUE
from redpoll.engine.engine import Engine
from redpoll.engine.gates import GATE_MULTI
from redpoll.engine.session import Peer, Session
from redpoll.engine.settings import default_config
from redpoll.env.clock import Clock
from redpoll.env.files import Files
from redpoll.env.random import Random
from redpoll.persistence.points import SaveSettings
from redpoll.protocol.words import to_python

CLOSED: Final = "the store is closed"


ASKED_FOR: Final = (b"rdb-format", b"rdbcompression", b"rdb-version-check", b"rdb-save-incremental-fsync")
"""Directives that what acts on them asks for each time, so that nobody listens to them."""


class ServerOnly(Effects):
    """Refuses settings about listeners, connections, the log or the process: these belong to the program."""

    def apply(self, name: bytes, config: Config) -> bytes:
        return b"it is for servers: this engine runs inside a program"


def gates_of(*names: bytes) -> i64:
    """The gates that can stop one of these commands, except the gate of a transaction."""
    gates: i64 = 0
    for name in names:
        gates |= CATALOGUE[name].gates
    return gates & ~GATE_MULTI


class Calls:
    """The engine behind a `Store`.  A call runs one command, through the gates of every command."""

    def __init__(
        self,
        clock: Clock | None = None,
        random: Random | None = None,
        databases: int = 16,
        files: Files | None = None,
    ) -> None:
        """Open an empty engine.  With `files`, the folder of a store, it listens to settings of save points."""
        assert FAMILIES, "importing the commands registers them"
        self.engine: Final = Engine(
            clock if clock is not None else Clock(),
            random if random is not None else Random(),
            config=default_config(databases, files),
        )
        if files is not None:
            SaveSettings(self.engine).connect()
        self.session: Final[Session] = self.engine.open_session(Peer())
        self.session.may_block = False
        config = self.engine.config
        for directive in DIRECTIVES:
            outside = directive.group in ("network", "logging") and directive.name != b"proto-max-bulk-len"
            heard = directive.name in config.listeners or directive.name in ASKED_FOR
            unheard = directive.applies == EFFECT and not heard
            if outside or unheard:
                config.listen(directive.name, ServerOnly())
        self.unit: Final = self.engine.unit
        self.moment: Final = self.engine.moment
        # Typed methods run at once, also between MULTI and EXEC, so the transaction gate does not stop them.
        self.read_gates: i64 = gates_of(b"get", b"hget", b"zrank")
        self.write_gates: i64 = gates_of(b"set", b"incrby", b"hset", b"zadd")
        self.closed = False
        self.folder: StoreFolder | None = None
        """Where the store is saved; None if it lives in memory only."""

    def _close_calls(self) -> None:
        """Make every typed method take the long way, which complains that the store is closed.

        The short ways test their gates anyway, so an open store pays nothing for this.
        """
        self.closed = True
        self.session.gates |= GATE_MULTI
        self.read_gates = GATE_MULTI
        self.write_gates = GATE_MULTI

    def _any(self, args: list[bytes]) -> Any:
        """The reply of a command as Python values.  Raises CommandError, or ValueError if the store is closed."""
        if self.closed:
            raise ValueError(CLOSED)
        session = self.session
        transaction = session.transaction
        session.transaction = None
        session.gates &= ~GATE_MULTI
        self.engine.start_call()
        reply = self.engine.execute(session, args)
        if transaction is not None:
            session.transaction = transaction
            session.gates |= GATE_MULTI
        return to_python(reply)

    def _done(self, args: list[bytes]) -> None:
        self._any(args)

    def _int(self, args: list[bytes]) -> int:
        return cast(int, self._any(args))

    def _int_or_none(self, args: list[bytes]) -> int | None:
        return cast("int | None", self._any(args))

    def _flag(self, args: list[bytes]) -> bool:
        return cast(int, self._any(args)) == 1

    def _bytes(self, args: list[bytes]) -> bytes | None:
        return cast("bytes | None", self._any(args))

    def _text(self, args: list[bytes]) -> bytes:
        return cast(bytes, self._any(args))

    def _float(self, args: list[bytes]) -> float | None:
        found = self._any(args)
        return None if found is None else float(found)

    def _number(self, args: list[bytes]) -> float:
        return float(self._any(args))

    def _list(self, args: list[bytes]) -> list[Any]:
        return cast("list[Any]", self._any(args))

    def _entries(self, args: list[bytes]) -> dict[bytes, list[Any]]:
        found = self._any(args)
        return {} if found is None else cast("dict[bytes, list[Any]]", found)

    def _set(self, args: list[bytes]) -> set[bytes]:
        return set(cast("list[bytes]", self._any(args)))

    def _dict(self, args: list[bytes]) -> dict[bytes, bytes]:
        found = self._any(args)
        if isinstance(found, dict):
            return cast("dict[bytes, bytes]", found)
        return {found[n]: found[n + 1] for n in range(0, len(found), 2)}
