"""The machine without a socket: databases, sessions, and `execute`, the way of every command.

Time comes from a Clock, chance from a Random; nothing here knows the wire.
"""

from __future__ import annotations

import traceback
from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.config.settings import Config
from redpoll.engine import gate
from redpoll.engine.command import CATALOGUE, Command
from redpoll.engine.counters import CELL_BITS, CELL_MASK, Counters, Traffic
from redpoll.engine.gates import GATE_BLOCK, GATE_DEBUG, GATE_MULTI, GATE_NO_TOUCH, GATE_NOAUTH, GATE_SHOWN
from redpoll.engine.interest import Interest
from redpoll.engine.latency import EXPIRE_CYCLE
from redpoll.engine.monitors import Monitors
from redpoll.engine.pause import Pause
from redpoll.engine.redact import redacted
from redpoll.engine.sampler import Sampler
from redpoll.engine.session import UNKNOWN, Peer, Session
from redpoll.engine.settings import EngineSettings, Options, default_config
from redpoll.engine.unit import Unit
from redpoll.engine.waiting import Waiting
from redpoll.engine.watch import Watch
from redpoll.env.clock import Clock
from redpoll.env.random import Random
from redpoll.errors import (
    EXECABORT_BECAUSE,
    INTERNAL,
    NOAUTH,
    CommandError,
    out_of_memory,
    unknown_command,
    unknown_subcommand,
    wrong_arity,
)
from redpoll.keyspace.database import Database
from redpoll.keyspace.moment import Moment
from redpoll.keyspace.reclaim import Reclaimer
from redpoll.protocol.reply import BLOCKED, NO_REPLY, Error, Marker

HTTP: Final = (b"post", b"host:")
"""What HTTP requests begin with, and their lines."""
RECLAIM_US: Final[i64] = 500
RECLAIM_STEP: Final[i64] = 16
RECLAIM_STEPS: Final[i64] = 400
"""How long one tick frees what was dropped, how many small objects between two looks at the clock, and how often."""

BEHIND_MS: Final[i64] = 3
"""When a turn found more keys past their deadline than it may delete, the next one comes so soon: about a quarter of
the time then goes into them, as the reference allows its cycle."""

FIRST_ID: Final[i64] = 3
"""The id of the first client, as the reference counts."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Host:
    """What the engine asks of the program around it; the server subclasses it."""

    def log(self, message: str) -> None:
        """Write a warning for the operator."""

    def note(self, message: str) -> None:
        """Write what an operator wants to read in a normal life."""

    def shut_down(self, session: Session, who: bytes) -> bool:
        """End the program in good order, as `who` asks for (a line of CLIENT LIST); whether it is ending now."""
        return False

    def facts(self) -> dict[str, str]:
        """What INFO says of the program: port, executable, configuration file …"""
        return {}

    def end_by_fault(self, signal: int, last_words: str) -> bool:
        """End the program as a fault would; False where nobody may."""
        return False

    def restart(self, session: Session, who: bytes, delay_ms: i64, orderly: bool) -> bool:
        """Start the program anew after so long, after an orderly end or at once; False if it cannot be."""
        return False

    def listeners(self) -> list[str]:
        """The sockets that clients may come to, as INFO tells them: `name=tcp,bind=127.0.0.1,port=6379`."""
        return []


class Engine:
    """See the module's docstring."""

    def __init__(
        self,
        clock: Clock,
        random: Random,
        databases: int = 16,
        host: Host | None = None,
        most_buckets: i64 = 1 << 26,
        config: Config | None = None,
    ) -> None:
        self.clock: Final = clock
        self.random: Final = random
        self.host: Final = host if host is not None else Host()
        self.interest: Final = Interest(self)
        self.moment: Final = Moment(self.interest)
        self.reclaimer: Final = Reclaimer()
        self.config: Final = config if config is not None else default_config(databases)
        databases = self.config.integer(b"databases")
        self.databases: Final = [Database(n, self.moment, self.reclaimer, most_buckets) for n in range(databases)]
        self.unit: Final = Unit(self.moment)
        self.pause: Final = Pause(self)
        self.monitors: Final = Monitors(self)
        self.counters: Final = Counters(len(CATALOGUE))
        self.watch: Final = Watch(self.counters)
        self.traffic: Final = Traffic()
        self.commands: Final = spellings()
        self.gates: i64 = GATE_DEBUG
        self.session_gates: i64 = 0
        self.password: bytes = b""
        self.most_bulk_bytes: i64 = 512 * 1024 * 1024
        self.active_expire = True
        self.is_behind = False
        """Whether more keys are past their deadline than the last turn was allowed to delete."""
        self.expires_next: i64 = 0
        self.cron_paused = False
        self.lazy_flush = True
        self.sessions: Final[dict[int, Session]] = {}
        self.next_id: i64 = FIRST_ID
        self.connections: i64 = 0
        self.rejected_connections: i64 = 0
        self.refused_passwords: i64 = 0
        self.attacked_us: i64 = 0
        self.query_limit_closes: i64 = 0
        self.output_limit_closes: i64 = 0
        self.in_transaction = False
        self.run_id: Final = random.hex_digits(40)
        self.replication_id = random.hex_digits(40)
        self.waits_with_deadline: list[Session] = []
        self.moment.set_time(clock.now_us())
        self.read_us: i64 = self.moment.now_us
        """When the clock was read last: the start of what runs next.  In EXEC `moment` stands still, this does not."""
        self.started_us: i64 = self.moment.now_us
        self.options: Final = Options()
        EngineSettings(self).connect(self.config)
        self.expiry_us: i64 = 0
        self.tick_us: i64 = 0
        self.sampler: Final = Sampler(self)
        self.base_bytes: i64 = 0
        """What a server takes without any data; 0 inside another program, whose memory is not ours."""
        self.startup_bytes: i64 = self.used_memory()

    # Sessions.

    def open_session(self, peer: Peer) -> Session:
        """A new session; the caller closes it."""
        session = Session(self, self.next_id, peer)
        self.next_id += 1
        self.sessions[session.id] = session
        return session

    def close_session(self, session: Session) -> None:
        """Forget a session: what it watched, waited for and collected."""
        self.interest.unwatch(session)
        self.monitors.remove(session)
        self._stop_waiting(session)
        session.transaction = None
        self.sessions.pop(session.id, None)

    def allows_debug(self, session: Session) -> bool:
        """Whether `enable-debug-command` lets this session use DEBUG."""
        return allows(self.options.enable_debug_command, session)

    def allows_modules(self, session: Session) -> bool:
        """Whether `enable-module-command` lets this session load modules."""
        return allows(self.options.enable_module_command, session)

    # The way of a command.

    def start_unit(self) -> None:
        """Read the clock: once before the first command of a batch; every end is then the next one's start."""
        self.read_us = self.clock.now_us()
        self.moment.set_time(self.read_us)

    def execute(self, session: Session, args: list[bytes]) -> object:
        """Run one command, or queue it, or refuse it; its reply.

        `start_unit` has been called since the program last waited.  Never raises for what a client sent.
        """
        command = self.commands.get(args[0])
        if command is None or command.subcommands is not None:
            found = self._resolve(session, args)
            if not isinstance(found, Command):
                return found
            command = found
        count: i64 = len(args)
        arity = command.arity
        if count != arity and (arity >= 0 or count < -arity):
            return self.refuse(session, command, wrong_arity(command.name))
        if command.gates & (self.gates | session.gates) != 0:
            held = gate.check(self, session, command, args)
            if held is not gate.MAY_RUN:
                return held
        reply = self.run(session, command, args)
        self._end_unit(session)
        return reply

    def run(self, session: Session, command: Command, args: list[bytes]) -> object:
        """Run a command that has passed the gates, and count it; no unit ends here."""
        moment = self.moment
        began = self.read_us
        try:
            reply = command.handler(session, args)
        except CommandError as refused:
            reply = Error(refused.text)
        except MemoryError:
            reply = Error(out_of_memory(command.name))
        except Exception:
            reply = self._internal_error(command, args)
        index = command.index
        counters = self.counters
        if isinstance(reply, Error):
            counters.error(reply.text)
            counters.failed[index] += 1
        ended = self.clock.now_us()
        self.read_us = ended
        took = ended - began
        if took < counters.quick_us:
            counters.cells[(index << CELL_BITS) | (took & CELL_MASK)] += 1
        else:
            self.watch.note(session, command, args, reply, took, ended)
        session.last_command = command.spec.name
        session.commands += 1
        if self.unit.journal is not None:
            self.unit.note(session.db.index, args)
        # Inside EXEC time stands still: the whole of it is one moment.
        if not self.in_transaction:
            moment.set_time(ended)
            session.active_us = ended
        return reply

    def run_queued(self, session: Session, args: list[bytes]) -> object:
        """Run a command that MULTI had collected; its gates were checked then."""
        found = self._resolve(session, args)
        if not isinstance(found, Command):
            return found
        if (self.gates | session.gates) & (GATE_SHOWN | GATE_NO_TOUCH) != 0:
            return self._run_watched(session, found, args)
        return self.run(session, found, args)

    def run_aside(self, session: Session, command: Command, args: list[bytes]) -> object:
        """Run a command while somebody monitors, or for a session that leaves the access clock alone."""
        reply = self._run_watched(session, command, args)
        self._end_unit(session)
        return reply

    def _run_watched(self, session: Session, command: Command, args: list[bytes]) -> object:
        moment = self.moment
        touching = moment.touching
        moment.touching = session.gates & command.gates & GATE_NO_TOUCH == 0
        reply = self.run(session, command, args)
        moment.touching = touching
        if self.gates & command.gates & GATE_SHOWN != 0:
            self.monitors.tell(session, command, args)
        return reply

    def _internal_error(self, command: Command, args: list[bytes]) -> Error:
        self.counters.internal_errors += 1
        shown = "" if self.options.hide_user_data_from_log else f" {redacted(command.name, args)!r}"
        self.host.log(f"internal error in '{command.name.decode()}'{shown}: {traceback.format_exc()}")
        return Error(INTERNAL)

    def _resolve(self, session: Session, args: list[bytes]) -> Command | Error | Marker:
        """The command in any spelling, or the subcommand of a container; the reply if there is none."""
        name = args[0].lower()
        command = self.commands.get(name)
        if command is None and name in HTTP and session.peer.descriptor() >= 0:
            return self._hang_up(session)
        if session.gates & GATE_NOAUTH != 0 and (command is None or command.gates & GATE_NOAUTH != 0):
            return self._spoil(session, Error(NOAUTH))
        if command is None:
            session.last_command = UNKNOWN
            return self._spoil(session, Error(unknown_command(args)))
        subcommands = command.subcommands
        if subcommands is not None and len(args) > 1:
            found = subcommands.get(args[1].lower())
            if found is None:
                session.last_command = UNKNOWN
                return self._spoil(session, Error(unknown_subcommand(args[1], name)))
            return found
        return command

    def meant(self, args: list[bytes]) -> Command | None:
        """The command that `args` call, in any spelling, by the name that it has here; a container without a word."""
        command = self.commands.get(args[0].lower())
        if command is not None and command.subcommands is not None and len(args) > 1:
            return command.subcommands.get(args[1].lower(), command)
        return command

    def _hang_up(self, session: Session) -> Marker:
        """A web page makes a browser talk to us: end it before more of its request is taken for commands."""
        if self.moment.now_us - self.attacked_us >= 60_000_000:
            self.attacked_us = self.moment.now_us
            source = session.peer.source().decode("utf-8", "surrogateescape")
            self.host.log(
                "Possible SECURITY ATTACK detected. POST and Host: come from browsers that a web page sends against "
                f"this server. Connection from {source} aborted."
            )
        session.peer.close()
        return NO_REPLY

    def require_password(self, password: bytes) -> None:
        """Set `requirepass`, empty for none.  Who is in stays in."""
        self.password = password
        self.session_gates = GATE_NOAUTH if password else 0
        for session in self.sessions.values():
            if password and not session.authenticated:
                session.gates |= GATE_NOAUTH
            else:
                session.gates &= ~GATE_NOAUTH

    def end_call(self, session: Session) -> None:
        """The end of the unit of a typed call in process."""
        self._end_unit(session)

    def refuse(self, session: Session, command: Command, text: bytes) -> Error:
        """Count a refusal of a known command; the reply."""
        if session.gates & command.gates & GATE_NOAUTH != 0:
            # Comes before everything else, the number of arguments included.
            text = NOAUTH
        session.last_command = command.name
        self.counters.rejected[command.index] += 1
        if command.name == b"exec":
            return self._abort(session, text)
        return self._spoil(session, Error(text))

    def _spoil(self, session: Session, refused: Error) -> Error:
        """Count a refusal; a transaction that is being collected will not run."""
        self.watch.refused = refused
        self.counters.error(refused.text)
        transaction = session.transaction
        if transaction is not None:
            transaction.spoiled = True
            transaction.queued = []
        return refused

    def _abort(self, session: Session, text: bytes) -> Error:
        self.end_transaction(session)
        aborted = Error(EXECABORT_BECAUSE + text.removeprefix(b"ERR "))
        self.counters.error(aborted.text)
        return aborted

    def end_transaction(self, session: Session) -> None:
        """Leave MULTI, by whatever way, and stop watching."""
        session.transaction = None
        session.gates &= ~GATE_MULTI
        self.interest.unwatch(session)

    # The end of a unit.

    def _end_unit(self, session: Session) -> None:
        if self.unit.journal is not None:
            self.unit.end()
        if len(self.interest.ready) > 0:
            self.serve_ready()

    def serve_ready(self) -> None:
        """Serve who waits for keys that became ready: keys in the order of their signals, sessions first come first.

        Who comes after the last element was taken is not even tried, however many wait.
        """
        interest = self.interest
        while len(interest.ready) > 0:
            round_of = interest.ready
            interest.ready = []
            interest.is_ready.clear()
            for place in round_of:
                for session in list(interest.waiters.get(place, [])):
                    if not self.databases[place[0]].find(place[1]):
                        break
                    self._try_again(session)

    def _try_again(self, session: Session) -> None:
        waiting = session.waiting
        if waiting is None:
            return
        command = self.commands[waiting.args[0].lower()]
        session.waiting = None
        self.moment.touching = session.gates & GATE_NO_TOUCH == 0
        reply = self.run(session, command, waiting.args)
        self.moment.touching = True
        if reply is BLOCKED:
            # Found nothing again: it goes on waiting, with its place in the queue and its deadline.
            session.waiting = waiting
            return
        if self.unit.journal is not None:
            self.unit.end()
        self._forget_wait(session, waiting)
        self.watch.note_reply(session, waiting.args, reply, self.read_us)
        session.peer.deliver(session, reply)
        session.peer.resume(session)

    # Waiting.

    def block(
        self, session: Session, args: list[bytes], keys: list[bytes], deadline_ms: i64, on_timeout: object
    ) -> object:
        """Let the session wait for one of `keys` until `deadline_ms` (0 = for ever); BLOCKED, or at once `on_timeout`.

        Sessions that must not block (inside EXEC, in process) get what a time-out would give them.
        """
        if not session.may_block or session.gates & GATE_BLOCK != 0:
            return on_timeout
        if session.waiting is None:
            waiting = Waiting(args, session.db.index, keys, deadline_ms, on_timeout)
            session.waiting = waiting
            self.interest.wait(session, session.db.index, keys)
            if deadline_ms > 0 and session not in self.waits_with_deadline:
                self.waits_with_deadline.append(session)
        self.watch.attend()
        return BLOCKED

    def unblock(self, session: Session, reply: object) -> None:
        """End a wait from outside, with `reply` (a time-out, CLIENT UNBLOCK)."""
        waiting = session.waiting
        if waiting is not None:
            self._stop_waiting(session)
            if not waiting.postponed:
                self._count_wait(session, waiting, reply)
            if isinstance(reply, Error):
                self.counters.error(reply.text)
            session.active_us = self.moment.now_us
            session.peer.deliver(session, reply)
            session.peer.resume(session)

    def _count_wait(self, session: Session, waiting: Waiting, reply: object) -> None:
        """A command that waited in vain is over: it counts as a call now."""
        command = self.commands[waiting.args[0].lower()]
        session.commands += 1
        if isinstance(reply, Error):
            self.counters.failed[command.index] += 1
        self.watch.note(session, command, waiting.args, reply, waiting.spent_us, self.moment.now_us)
        self.watch.note_reply(session, waiting.args, reply, self.moment.now_us)

    def _stop_waiting(self, session: Session) -> None:
        waiting = session.waiting
        if waiting is not None:
            session.waiting = None
            self._forget_wait(session, waiting)

    def _forget_wait(self, session: Session, waiting: Waiting) -> None:
        if waiting.postponed:
            self.pause.waiting.remove(session)
            return
        self.interest.stop_waiting(session, waiting.db, waiting.keys)
        if session in self.waits_with_deadline:
            self.waits_with_deadline.remove(session)

    # Timers.

    def tick(self) -> None:
        """What must happen by itself, every 10 ms: waits that are over, keys whose time has come, memory to give back.

        Bounded: some hundred small keys, or what takes as long to delete, and RECLAIM_US of freeing a turn.
        """
        self.start_unit()
        if self.cron_paused:
            return
        now_ms = self.moment.now_ms
        for session in list(self.waits_with_deadline):
            waiting = session.waiting
            if waiting is not None and waiting.deadline_ms <= now_ms:
                self.unblock(session, waiting.timeout_reply)
        self.pause.tick()
        began = self.clock.now_us()
        self.expire_some(450 + 50 * self.options.active_expire_effort)
        expired = self.clock.now_us()
        self.expiry_us += expired - began
        self.watch.latency.note(EXPIRE_CYCLE, expired - began, expired)
        if self.reclaimer.pending() > 0:
            self._give_memory_back()
        self.tick_us += self.clock.now_us() - self.read_us

    def _give_memory_back(self) -> None:
        """Free what was dropped, for some RECLAIM_US.

        In small steps, for the last object of an arena takes a thousand times as long as any other: it gives a
        megabyte back to the system.  A clock that stands still gets RECLAIM_STEPS.
        """
        clock = self.clock
        until: i64 = clock.now_us() + RECLAIM_US
        steps: i64 = 0
        while self.reclaimer.run(RECLAIM_STEP) and steps < RECLAIM_STEPS and clock.now_us() < until:
            steps += 1

    def expire_some(self, most: i64 = 500) -> i64:
        """Delete about `most` keys whose deadline has come; how many.  Each one is a unit of its own."""
        self.is_behind = False
        if not self.active_expire or not self.moment.deleting_expired:
            return 0
        expired: i64 = 0
        first = self.expires_next
        count: i64 = len(self.databases)
        for n in range(count):
            db = self.databases[(first + n) % count]
            if db.table.volatile > 0:
                expired += db.expire_due(most - expired)
                if self.unit.journal is not None:
                    self.unit.end_each()
                if expired >= most:
                    # The rest waits for the next turn, and another database comes first then.
                    self.is_behind = True
                    self.expires_next = (db.index + 1) % count
                    break
        return expired

    def next_deadline_ms(self) -> i64:
        """When `tick` has something to do again, in ms since 1970; 0 if never."""
        if self.reclaimer.pending() > 0:
            return self.moment.now_ms + 1
        if self.is_behind:
            return self.moment.now_ms + BEHIND_MS
        first: i64 = self.pause.until_ms
        for session in self.waits_with_deadline:
            waiting = session.waiting
            if waiting is not None and (first == 0 or waiting.deadline_ms < first):
                first = waiting.deadline_ms
        for db in self.databases:
            if db.table.volatile > 0:
                at = self.moment.now_ms + 10
                if first == 0 or at < first:
                    first = at
        return first

    def reset_statistics(self) -> None:
        """CONFIG RESETSTAT: the counters of INFO go to zero."""
        self.counters.reset()
        moment = self.moment
        moment.hits = 0
        moment.misses = 0
        moment.expired = 0
        self.connections = 0
        self.rejected_connections = 0
        self.query_limit_closes = 0
        self.output_limit_closes = 0
        self.expiry_us = 0
        self.tick_us = 0
        self.traffic.reset()
        self.sampler.reset()
        self.reclaimer.freed = 0

    def count_program(self, resident: i64) -> None:
        """Count the memory of the program itself from now on: what is resident before there is any data."""
        self.base_bytes = resident
        self.startup_bytes = self.used_memory()

    def used_memory(self) -> i64:
        """Memory of the program and all databases, in bytes, by the engine's own accounting.  O(databases)."""
        total = self.base_bytes
        for db in self.databases:
            total += db.table.size_bytes()
        return total


def allows(whom: bytes, session: Session) -> bool:
    """Whether a directive that says `no`, `local` or `yes` means this session too."""
    return whom == b"yes" or (whom == b"local" and session.peer.is_local())


def spellings() -> dict[bytes, Command]:
    """Commands by name in lower and in upper case; other spellings take the slow way."""
    found: dict[bytes, Command] = {}
    for name, command in CATALOGUE.items():
        if b"|" not in name:
            found[name] = command
            found[name.upper()] = command
    return found
