"""redis.call and redis.pcall: one command from a script, through the checks that the reference makes, in its order.

All scripts of an engine share one inner session: it has the database that SELECT chose, the user of the caller, and no
connection, so nothing blocks.  The commands run as part of the unit of EVAL, at its moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.catalogue.spec import DENYOOM, NOSCRIPT, STALE, WRITE
from redpoll.engine.command import MAY_REPLICATE, Command
from redpoll.engine.gate import write_complaint
from redpoll.engine.gates import (
    GATE_CLUSTER,
    GATE_FEW_REPLICAS,
    GATE_NO_TOUCH,
    GATE_OOM,
    GATE_READONLY,
    GATE_SHOWN,
    GATE_STALE,
    GATE_WRITE_DISK,
)
from redpoll.engine.session import Peer, Session
from redpoll.engine.unit import ALL_JOURNALS
from redpoll.errors import (
    NO_ROOM,
    unknown_subcommand,
)
from redpoll.protocol.reply import Error
from redpoll.script_errors import (
    SCRIPT_ARGUMENT_KIND,
    SCRIPT_COMMAND_CLOSED,
    SCRIPT_CROSSES_SLOTS,
    SCRIPT_NO_ARGUMENT,
    SCRIPT_NO_WRITES,
    SCRIPT_NOT_LOCAL,
    SCRIPT_OUT_OF_MEMORY,
    SCRIPT_STALE,
    SCRIPT_UNKNOWN_COMMAND,
    SCRIPT_WRONG_ARITY,
)
from redpoll.scripting.convert import SMALL, NoRoomError, argument_text, to_lua
from redpoll.scripting.shebang import ALLOW_CROSS_SLOT_KEYS, ALLOW_OOM, PLAIN

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine
    from redpoll.scripting.runtime import Runtime

GATES_IN_SCRIPTS: Final[i64] = (
    GATE_OOM
    | GATE_SHOWN
    | GATE_NO_TOUCH
    | GATE_WRITE_DISK
    | GATE_FEW_REPLICAS
    | GATE_READONLY
    | GATE_STALE
    | GATE_CLUSTER
)
"""The gates that a call from a script meets.  The others belong to the client that runs the script."""

ENDS_SCRIPT: Final = 3


class ScriptError(Exception):
    """Becomes the error that a script sees: the table {err=text}.

    `counted` is 1 if the error is in the statistics already, else 0; or ENDS_SCRIPT for an error that ends the script
    through every pcall.
    """

    def __init__(self, text: bytes, counted: int) -> None:
        super().__init__("script")
        self.text: Final = text
        self.counted: Final = counted


class ScriptPeer(Peer):
    """The peer of the inner session: logs show the address of the client that runs the script."""

    def __init__(self) -> None:
        self.caller: Session | None = None

    def address(self) -> bytes:
        caller = self.caller
        return caller.peer.address() if caller is not None else b"?:0"

    def source(self) -> bytes:
        # Also for functions in Python: clients of MONITOR know no other word.
        return b"lua"


class Calls:
    """The state of the script that runs, and its calls."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine
        self.peer: Final = ScriptPeer()
        self.session: Final = Session(engine, 0, self.peer)
        self.session.may_block = False
        self.session.resp = 2
        self.runtime: Runtime | None = None
        self.resp: i64 = 2
        self.read_only = False
        self.allows_oom = False
        self.was_over = False
        """Whether memory was over `maxmemory` when the script began."""
        self.wrote = False
        """Whether a command that writes has been called."""
        self.asking = False
        """Whether the caller has sent ASKING: keys of a slot that moves here may be used."""
        self.one_slot = False
        """Whether all calls of the script must use one slot of a cluster: that of its first call with keys."""
        self.slot: i64 = -1
        """This slot; -1 before that call."""

    def begin(self, caller: Session, read_only: bool, flags: i64) -> None:
        """A script with these flags begins."""
        session = self.session
        self.peer.caller = caller
        session.db = caller.db
        session.user = caller.user
        session.name = caller.name
        session.gates = caller.gates & GATES_IN_SCRIPTS
        session.resp = 2
        self.resp = 2
        self.read_only = read_only
        self.allows_oom = flags & ALLOW_OOM != 0
        session.readonly = caller.readonly
        self.asking = caller.is_asking()
        self.one_slot = flags & (PLAIN | ALLOW_CROSS_SLOT_KEYS) == 0
        self.slot = -1
        self.was_over = self.engine.gates & GATE_OOM != 0 and not self.engine.eviction.make_room()
        self.wrote = False

    def end(self) -> None:
        """The script has ended."""
        self.peer.caller = None
        self.engine.unit.targets = ALL_JOURNALS

    def call(self, *words: object) -> object:
        """redis.call: the reply as Lua sees it, or ScriptError."""
        self.require_room(0)
        args: list[bytes] = []
        for word in words:
            if isinstance(word, bytes):
                args.append(word)
            else:
                text = argument_text(word)
                if text is None:
                    raise ScriptError(SCRIPT_ARGUMENT_KIND, 0)
                args.append(text)
        if len(args) == 0:
            raise ScriptError(SCRIPT_NO_ARGUMENT, 0)
        reply = self.perform(args)
        if isinstance(reply, bytes):
            if len(reply) > SMALL:
                self.require_room(len(reply))
            return reply
        if isinstance(reply, Error):
            raise ScriptError(reply.text, 1)
        return self.converted(reply)

    def pcall(self, *words: object) -> object:
        """redis.pcall: the reply as Lua sees it; an error as a table."""
        self.require_room(0)
        runtime = self.runtime
        assert runtime is not None
        args: list[bytes] = []
        for word in words:
            if isinstance(word, bytes):
                args.append(word)
            else:
                text = argument_text(word)
                if text is None:
                    return runtime.error_table(SCRIPT_ARGUMENT_KIND, False)
                args.append(text)
        if len(args) == 0:
            return runtime.error_table(SCRIPT_NO_ARGUMENT, False)
        reply = self.perform(args)
        if isinstance(reply, bytes):
            if len(reply) > SMALL:
                self.require_room(len(reply))
            return reply
        if isinstance(reply, Error):
            return runtime.error_table(reply.text, True)
        return self.converted(reply)

    def converted(self, reply: object) -> object:
        """A reply that is no string and no error, as Lua sees it."""
        if isinstance(reply, int) and not isinstance(reply, bool):
            return reply
        runtime = self.runtime
        assert runtime is not None
        try:
            return to_lua(runtime, reply, self.resp)
        except NoRoomError:
            runtime.lift_limit()
            raise ScriptError(SCRIPT_OUT_OF_MEMORY, ENDS_SCRIPT) from None

    def require_room(self, size: i64) -> None:
        """End the script if Lua has no memory for a reply of `size` bytes."""
        runtime = self.runtime
        assert runtime is not None
        if not runtime.has_room(size):
            runtime.lift_limit()
            raise ScriptError(SCRIPT_OUT_OF_MEMORY, ENDS_SCRIPT)

    def perform(self, args: list[bytes]) -> object:
        """Run one command; return its reply, or the error of the first check that stops it."""
        engine = self.engine
        command = engine.commands.get(args[0])
        if command is None or command.subcommands is not None:
            command = self.find(args)
            if command is None:
                return self._unknown(args)
        count: i64 = len(args)
        arity = command.arity
        if count != arity and (arity >= 0 or count < -arity):
            return self._refuse(command, SCRIPT_WRONG_ARITY)
        flags = command.spec.flags
        if flags & (NOSCRIPT | WRITE) != 0 or self.read_only:
            complaint = self._check_kind(command, flags)
            if complaint:
                return self._refuse(command, complaint)
        session = self.session
        closed = command.gates & (engine.gates | session.gates) & GATES_IN_SCRIPTS
        if closed != 0:
            return self._run_gated(command, args, closed)
        if flags & WRITE != 0:
            self.wrote = True
        return engine.run(session, command, args)

    def _check_kind(self, command: Command, flags: i64) -> bytes:
        """The checks that depend on the command and the script alone, but for those of memory."""
        if flags & NOSCRIPT != 0 and not self.engine.script_statistics.deny_disabled:
            return SCRIPT_COMMAND_CLOSED
        if self._wants_memory(flags):
            return NO_ROOM
        if self.read_only and (flags & WRITE != 0 or command.name in MAY_REPLICATE):
            return SCRIPT_NO_WRITES
        return b""

    def _wants_memory(self, flags: i64) -> bool:
        """Whether a command is refused because memory was over `maxmemory` when the script began."""
        return self.was_over and flags & DENYOOM != 0 and not self.wrote and not self.allows_oom

    def _run_gated(self, command: Command, args: list[bytes], closed: i64) -> object:
        """Run a command that meets closed gates."""
        engine = self.engine
        session = self.session
        flags = command.spec.flags
        if self._wants_memory(flags):
            return self._refuse(command, NO_ROOM)
        if flags & WRITE != 0 and not self.wrote:
            complaint = write_complaint(engine, closed)
            if complaint:
                return self._refuse(command, complaint)
        if closed & GATE_STALE != 0 and flags & STALE == 0:
            return self._refuse(command, SCRIPT_STALE)
        if closed & GATE_CLUSTER != 0:
            complaint = self._misplaced(command, args)
            if complaint:
                return self._refuse(command, complaint)
        if flags & WRITE != 0:
            self.wrote = True
        moment = engine.moment
        touching = moment.touching
        moment.touching = closed & GATE_NO_TOUCH == 0
        reply = engine.run(session, command, args)
        moment.touching = touching
        if closed & GATE_SHOWN != 0:
            # Afterwards: the line of SELECT has the database that it chose.
            engine.monitors.show(session, command, args)
        return reply

    def _misplaced(self, command: Command, args: list[bytes]) -> bytes:
        """Why a call must not use its keys in a cluster; empty if it may."""
        router = self.engine.router
        if router is None:
            return b""
        session = self.session
        session.asks_until = session.commands if self.asking else i64(-1)
        if router.refusal(session, command, args):
            return SCRIPT_NOT_LOCAL
        if self.one_slot:
            slot = router.slot(command, args)
            if slot >= 0:
                if self.slot >= 0 and slot != self.slot:
                    return SCRIPT_CROSSES_SLOTS
                self.slot = slot
        return b""

    def find(self, args: list[bytes]) -> Command | None:
        """A command in any case, or the subcommand of a container."""
        command = self.engine.commands.get(args[0].lower())
        if command is not None and command.subcommands is not None and len(args) > 1:
            return command.subcommands.get(args[1].lower())
        return command

    def _unknown(self, args: list[bytes]) -> Error:
        """Count a command that does not exist."""
        name = args[0].lower()
        text = unknown_subcommand(args[1], name) if name in self.engine.commands else SCRIPT_UNKNOWN_COMMAND
        self.engine.counters.error(text)
        return Error(text)

    def _refuse(self, command: Command, text: bytes) -> Error:
        """Count a command that did not run."""
        counters = self.engine.counters
        counters.rejected[command.index] += 1
        counters.error(text)
        return Error(text)
