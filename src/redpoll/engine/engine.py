"""The engine, without sockets: databases, sessions, and `execute`, which runs every command.

Time comes from a Clock, randomness from a Random.  Nothing here knows the wire protocol.
"""

from __future__ import annotations

import traceback
from typing import Final

from mypy_extensions import i64

from redpoll.config.settings import Config
from redpoll.engine import gate
from redpoll.engine.blocking import Blocking
from redpoll.engine.command import CATALOGUE, Command, spellings
from redpoll.engine.counters import CELL_BITS, CELL_MASK, Counters, Traffic
from redpoll.engine.durability import Durability
from redpoll.engine.eviction import Eviction
from redpoll.engine.expiry import ActiveExpiry
from redpoll.engine.gates import (
    GATE_CLUSTER,
    GATE_DEBUG,
    GATE_MULTI,
    GATE_NO_TOUCH,
    GATE_NOAUTH,
    GATE_SHOWN,
    GATES_IN_EXEC,
)
from redpoll.engine.host import Host
from redpoll.engine.hot_keys import HotKeys
from redpoll.engine.interest import Interest
from redpoll.engine.monitors import Monitors
from redpoll.engine.notifications import Notifications
from redpoll.engine.outliers import Outliers
from redpoll.engine.pause import Pause
from redpoll.engine.pubsub import PubSub
from redpoll.engine.redact import redacted
from redpoll.engine.remotes import Remotes
from redpoll.engine.reply_buffers import ReplyBuffers
from redpoll.engine.role import Role
from redpoll.engine.routing import NOTHING_SERVED, Router, misplaced
from redpoll.engine.sampler import Sampler
from redpoll.engine.scripts import ScriptHost, ScriptStatistics
from redpoll.engine.session import UNKNOWN, Peer, Session
from redpoll.engine.settings import EngineSettings, Options, default_config
from redpoll.engine.trimming import Trimming
from redpoll.engine.unit import Unit
from redpoll.env.clock import Clock
from redpoll.env.collation import Collation
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
from redpoll.keyspace.slots import SLOTS
from redpoll.protocol.reply import NO_REPLY, CountedError, Error, Marker
from redpoll.script_errors import busy

HTTP: Final = (b"post", b"host:")
"""The beginnings of HTTP requests and of their header lines."""
RECLAIM_US: Final[i64] = 500
"""How long one tick frees memory."""

REST_US: Final[i64] = 10000
SHORT_REST_US: Final[i64] = 2000
"""In process there are no timers, so calls do a little of a tick's work: again after so long, or if much is left."""
CALL_KEYS: Final[i64] = 200
CALL_RECLAIM_US: Final[i64] = 250
"""The share of one call: about half a millisecond."""

BEHIND_MS: Final[i64] = 3
"""If a turn found more expired keys than it may delete, the next one follows after this time.

Expiry then takes about a quarter of the time, as in the reference.
"""

FIRST_ID: Final[i64] = 3
"""The id of the first client, as the reference counts."""


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
        self.collation: Final = Collation()
        """The order of SORT ALPHA."""
        self.host: Final = host if host is not None else Host()
        self.interest: Final = Interest(self)
        self.moment: Final = Moment(self.interest)
        self.reclaimer: Final = Reclaimer()
        self.config: Final = config if config is not None else default_config(databases)
        in_cluster = self.config.flag(b"cluster-enabled")
        databases = self.config.integer(b"cluster-databases" if in_cluster else b"databases")
        slots = SLOTS if in_cluster else i64(1)
        self.databases: Final = [
            Database(n, self.moment, self.reclaimer, most_buckets, slots) for n in range(databases)
        ]
        self.unit: Final = Unit(self.moment)
        self.unwritten = False
        """Whether the append-only file has effects in memory, which `commit` writes before replies are sent."""
        self.pause: Final = Pause(self)
        self.monitors: Final = Monitors(self)
        self.counters: Final = Counters(len(CATALOGUE))
        self.outliers: Final = Outliers(self.counters)
        self.reply_buffers: Final = ReplyBuffers()
        self.blocking: Final = Blocking(self)
        self.pubsub: Final = PubSub(self)
        self.remotes: Final = Remotes()
        self.notifications: Final = Notifications(self)
        self.traffic: Final = Traffic()
        self.commands: Final = spellings()
        self.last_name: bytes = b""
        self.last_command: Command | None = None
        """The command that ran last.  Clients repeat commands, and the parser makes each name one object."""
        self.gates: i64 = GATE_DEBUG
        self.session_gates: i64 = 0
        self.router: Router | None = None
        """Set while this is a node of a cluster."""
        self.served: bytes = NOTHING_SERVED
        """In a node of a cluster 1 for each slot that it serves whatever the command is, else 0."""
        self.password: bytes = b""
        self.most_bulk_bytes: i64 = 512 * 1024 * 1024
        self.expiry: Final = ActiveExpiry(self)
        self.cron_paused = False
        self.saves_itself = True
        """Whether `tick` continues a running snapshot, because no timer does."""
        self.sessions: Final[dict[int, Session]] = {}
        self.next_id: i64 = FIRST_ID
        self.frozen: i64 = 0
        """The nesting of running transactions and scripts.  While it is not 0, the time does not change."""
        self.run_id: Final = random.hex_digits(40)
        self.role: Role = Role(random.hex_digits(40))
        """Its part in replication; `replication/` sets another one."""
        self.moment.set_time(clock.now_us())
        self.read_us: i64 = self.moment.now_us
        """The last reading of the clock: the start of the next command.

        Unlike `moment`, it also advances inside EXEC.
        """
        self.started_us: i64 = self.moment.now_us
        self.durability: Final = Durability(self.started_us // 1000000)
        self.options: Final = Options()
        self.eviction: Final = Eviction(self)
        self.until_sample: i64 = -1
        """How many commands run until one is looked at for hot keys; below 0, none is."""
        self.hot_keys: Final = HotKeys(self)
        self.scripts: ScriptHost | None = None
        """The scripts, from the first one on."""
        self.script_statistics: Final = ScriptStatistics()
        self.moment.access.seed(random.below(1 << 32))
        EngineSettings(self).connect(self.config)
        self.eviction.started = True
        self.tick_us: i64 = 0
        self.rests_until_us: i64 = 0
        """When a call in process does some of the work of `tick` again."""
        self.sampler: Final = Sampler(self)
        self.base_bytes: i64 = 0
        """The memory of a server without data; 0 in process, where the memory belongs to the program."""
        self.startup_bytes: i64 = self.used_memory()
        self.trimming: Final = Trimming(self)

    # Sessions.

    def open_session(self, peer: Peer) -> Session:
        """A new session; the caller closes it."""
        session = Session(self, self.next_id, peer)
        self.next_id += 1
        self.sessions[session.id] = session
        return session

    def close_session(self, session: Session) -> None:
        """Close a session: it stops watching and waiting, and drops its transaction."""
        self.interest.unwatch(session)
        self.monitors.remove(session)
        self.blocking.stop(session)
        self.pubsub.leave(session)
        session.leave_links()
        session.transaction = None
        self.sessions.pop(session.id, None)

    def allows_debug(self, session: Session) -> bool:
        """Whether `enable-debug-command` lets this session use DEBUG."""
        return allows(self.options.enable_debug_command, session)

    def allows_modules(self, session: Session) -> bool:
        """Whether `enable-module-command` lets this session load modules."""
        return allows(self.options.enable_module_command, session)

    # The path of a command.

    def start_unit(self) -> None:
        """Read the clock.

        Called once before the first command of a batch; the end of each command is the start of the next.
        """
        self.read_us = self.clock.now_us()
        if self.frozen == 0:
            self.moment.set_time(self.read_us)

    def start_call(self) -> None:
        """`start_unit` for a call in process.

        As no timer runs there, it also does background work: a bounded amount, every REST_US.
        """
        now_us = self.clock.now_us()
        self.read_us = now_us
        self.moment.set_time(now_us)
        left = self.rests_until_us - now_us
        # A long wait means that the clock was set back.
        if left <= 0 or left > REST_US:
            self.tick(CALL_KEYS, CALL_RECLAIM_US)
            self.start_unit()
            busy = self.expiry.is_behind or self.eviction.is_behind or self.reclaimer.pending() > 0
            busy = busy or self.durability.running is not None
            self.rests_until_us = self.read_us + (SHORT_REST_US if busy else REST_US)

    def execute(self, session: Session, args: list[bytes]) -> object:
        """Run, queue or reject one command; return its reply.

        The caller has called `start_unit` since the program last waited.  Never raises for client input.
        """
        name = args[0]
        last = self.last_command
        if last is not None and name is self.last_name:
            command = last
        else:
            known = self.commands.get(name)
            if known is None or known.subcommands is not None:
                found = self._resolve(session, args)
                if not isinstance(found, Command):
                    return found
                command = found
            else:
                command = known
                self.last_name = name
                self.last_command = known
        count: i64 = len(args)
        arity = command.arity
        if count != arity and (arity >= 0 or count < -arity):
            return self.refuse(session, command, wrong_arity(command.name))
        closed = command.gates & (self.gates | session.gates)
        if closed != 0:
            reply = self._run_gated(session, command, args, closed)
        else:
            reply = self.run(session, command, args)
        self.end_unit(session)
        return reply

    def run_again(self, session: Session, command: Command, args: list[bytes]) -> object:
        """Run a blocked command again, through the same gates, as a unit of its own; return its reply."""
        closed = command.gates & (self.gates | session.gates)
        if closed != 0:
            reply = self._run_gated(session, command, args, closed)
        else:
            reply = self.run(session, command, args)
        if self.unit.journal is not None:
            self._write_effects(session)
        return reply

    def run_queued(self, session: Session, args: list[bytes]) -> object:
        """Run a command that MULTI queued, through the gates that EXEC checks again.  No unit ends here."""
        found = self._resolve(session, args)
        if not isinstance(found, Command):
            return found
        closed = found.gates & (self.gates | session.gates) & GATES_IN_EXEC
        if closed != 0:
            return self._run_gated(session, found, args, closed)
        return self.run(session, found, args)

    def _run_gated(self, session: Session, command: Command, args: list[bytes], closed: i64) -> object:
        """Run a command unless the checks of its `closed` gates stop it; return its reply, or that of the check."""
        if closed == GATE_CLUSTER:
            # Every command with keys of a node comes here, most with one key of a slot that is served.
            at = command.key_at
            if at > 0 and self.served[self.moment.find_slot(args[at])] == 1:
                return self.run(session, command, args)
            moved = misplaced(self, session, command, args)
            return self.run(session, command, args) if moved is None else moved
        held = gate.check(self, session, command, args, closed)
        if held is not gate.MAY_RUN:
            return held
        if closed & (GATE_SHOWN | GATE_NO_TOUCH) == 0:
            return self.run(session, command, args)
        moment = self.moment
        touching = moment.touching
        moment.touching = closed & GATE_NO_TOUCH == 0
        reply = self.run(session, command, args)
        moment.touching = touching
        # MONITOR shows a blocked command once, when it arrives.
        if self.gates & command.gates & GATE_SHOWN != 0 and session.tried is None:
            self.monitors.show(session, command, args)
        return reply

    def run(self, session: Session, command: Command, args: list[bytes]) -> object:
        """Run a command that has passed the gates, and count it.  No unit ends here."""
        moment = self.moment
        began = self.read_us
        try:
            reply = command.handler.run(session, args)
        except CommandError as refused:
            reply = Error(refused.text)
        except MemoryError:
            reply = Error(out_of_memory(command.name))
        except Exception:
            reply = self._internal_error(command, args)
        index = command.index
        counters = self.counters
        if isinstance(reply, Error):
            if not isinstance(reply, CountedError):
                counters.error(reply.text)
            counters.failed[index] += 1
        ended = self.clock.now_us()
        self.read_us = ended
        took = ended - began
        waiting = session.waiting
        if waiting is not None:
            # A blocked command counts once, when it ends.
            waiting.spent_us = took
        else:
            if took < counters.quick_us:
                counters.cells[(index << CELL_BITS) | (took & CELL_MASK)] += 1
            else:
                self.outliers.record(session, command, args, took, ended)
                measuring = self.outliers.measuring
                if measuring is not None:
                    measuring.add(session, command, args, reply, took)
            session.commands += 1
        left = self.until_sample - 1
        self.until_sample = left
        if left == 0:
            self.hot_keys.sample(session, command, args)
        session.last_command = command.spec.name
        if self.unit.journal is not None:
            self.unit.note(session.db.index, args)
        # Inside EXEC the time does not change: EXEC is one moment.
        if self.frozen == 0:
            moment.set_time(ended)
            session.active_us = ended
        return reply

    def busy_text(self) -> bytes:
        """The error for commands that must wait for the end of a script."""
        scripts = self.scripts
        functions = scripts is not None and scripts.runs_function()
        return busy(functions, self.options.extended_redis_compatibility)

    def _internal_error(self, command: Command, args: list[bytes]) -> Error:
        self.counters.internal_errors += 1
        shown = "" if self.options.hide_user_data_from_log else f" {redacted(command.name, args)!r}"
        self.host.log(f"internal error in '{command.name.decode()}'{shown}: {traceback.format_exc()}")
        return Error(INTERNAL)

    def _resolve(self, session: Session, args: list[bytes]) -> Command | Error | Marker:
        """Find a command in any case, or the subcommand of a container; return the error reply if there is none."""
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
        """The command that `args` call, by its name in this engine; the container if no subcommand is given."""
        command = self.commands.get(args[0].lower())
        if command is not None and command.subcommands is not None and len(args) > 1:
            return command.subcommands.get(args[1].lower(), command)
        return command

    def _hang_up(self, session: Session) -> Marker:
        """Close the connection of a browser that a web page sent here, so that its request is not read as commands."""
        if self.moment.now_us - self.traffic.attacked_us >= 60_000_000:
            self.traffic.attacked_us = self.moment.now_us
            source = session.peer.source().decode("utf-8", "surrogateescape")
            self.host.log(
                "Possible SECURITY ATTACK detected. A client sent POST or Host:, as a browser does when a web page "
                f"attacks this server. Connection from {source} aborted."
            )
        session.peer.close()
        return NO_REPLY

    def require_password(self, password: bytes) -> None:
        """Set `requirepass`, empty for none.  Authenticated sessions stay authenticated."""
        self.password = password
        self.session_gates = GATE_NOAUTH if password else i64(0)
        for session in self.sessions.values():
            if password and not session.authenticated:
                session.gates |= GATE_NOAUTH
            else:
                session.gates &= ~GATE_NOAUTH

    def refuse(self, session: Session, command: Command, text: bytes) -> Error:
        """Count the rejection of a known command; return the reply."""
        if session.gates & command.gates & GATE_NOAUTH != 0:
            # This check comes before all others, including the number of arguments.
            text = NOAUTH
        session.last_command = command.name
        self.counters.rejected[command.index] += 1
        if command.name == b"exec":
            return self._abort(session, text)
        return self._spoil(session, Error(text))

    def _spoil(self, session: Session, refused: Error) -> Error:
        """Count a rejection.  ASKING ends, and a transaction that is being queued will fail."""
        self.outliers.refused = refused
        self.counters.error(refused.text)
        session.asks_until = -1
        transaction = session.transaction
        if transaction is not None:
            transaction.spoiled = True
            transaction.queued = []
        return refused

    def _abort(self, session: Session, text: bytes) -> Error:
        self.end_transaction(session)
        session.asks_until = -1
        aborted = Error(EXECABORT_BECAUSE + text.removeprefix(b"ERR "))
        self.counters.error(aborted.text)
        return aborted

    def end_transaction(self, session: Session) -> None:
        """End the transaction of a session, and stop watching."""
        session.transaction = None
        session.gates &= ~GATE_MULTI
        self.interest.unwatch(session)

    # The end of a unit.

    def end_unit(self, session: Session) -> None:
        """End the unit: write its effects to the journal, and serve the sessions that wait for ready keys.

        While a script runs and other clients are served, their commands are in the middle of its unit.
        """
        if self.frozen != 0:
            return
        if self.unit.journal is not None:
            self._write_effects(session)
        if len(self.blocking.ready) > 0:
            self.blocking.serve()

    def _write_effects(self, session: Session) -> None:
        """Write the effects of the unit to the journal, and store in the session what WAIT and WAITAOF wait for."""
        if not self.unit.end():
            return
        session.journaled = self.unit.count
        session.stream_offset = self.role.offset
        if self.saves_itself:
            # A program commits at once, because it may make no further call.
            self.commit()

    def deletion_word(self, expired: bool) -> bytes:
        """How the journal tells that the server deleted a key: because it has `expired`, or for another reason.

        All deletions are alike here.  Other servers that read the journal may free large values at once for DEL.
        """
        options = self.options
        lazily = options.lazyfree_lazy_expire if expired else options.lazyfree_lazy_server_del
        return b"UNLINK" if lazily else b"DEL"

    def commit(self) -> None:
        """Write effects to the append-only file.  Called while `unwritten`, before replies are sent."""
        log = self.durability.append_only
        if log is not None:
            log.commit()

    # Timers.

    def tick(self, most_keys: i64 = 0, reclaim_us: i64 = RECLAIM_US) -> None:
        """Background work, every 10 ms: end overdue waits, delete expired keys, free memory.

        Bounded: about `most_keys` small keys (0: as `active-expire-effort` says), and `reclaim_us` of freeing memory.
        """
        self.start_unit()
        if self.cron_paused or self.frozen != 0:
            return
        now_ms = self.moment.now_ms
        self.blocking.end_overdue(now_ms)
        self.pause.tick()
        self.expiry.turn(most_keys if most_keys > 0 else 450 + 50 * self.options.active_expire_effort)
        if self.eviction.is_behind:
            self.eviction.make_room()
        if len(self.blocking.ready) > 0:
            # Who waits until a stream goes (XREADGROUP) learns that it has.
            self.blocking.serve()
        if self.reclaimer.pending() > 0:
            self.reclaimer.run_for(self.clock, reclaim_us)
        if len(self.remotes.open) > 0:
            self.remotes.close_idle(self.moment.now_us)
        if self.saves_itself:
            running = self.durability.running
            points = self.durability.points
            if running is not None:
                running.step(reclaim_us)
            elif points is not None:
                points.look()
            log = self.durability.append_only
            if log is not None:
                log.tick()
        self.tick_us += self.clock.now_us() - self.read_us

    def next_deadline_ms(self) -> i64:
        """When `tick` has something to do again, in ms since 1970; 0 if never."""
        if self.reclaimer.pending() > 0 or self.eviction.is_behind:
            return self.moment.now_ms + 1
        if self.expiry.is_behind:
            return self.moment.now_ms + BEHIND_MS
        first: i64 = self.pause.until_ms
        waits_until = self.blocking.first_deadline_ms()
        if waits_until != 0 and (first == 0 or waits_until < first):
            first = waits_until
        for db in self.databases:
            if db.may_expire():
                at = self.moment.now_ms + 10
                if first == 0 or at < first:
                    first = at
        return first

    def review_expiry(self) -> None:
        """Decide whether expired keys are deleted: not while clients are paused, and not on a replica."""
        self.moment.deleting_expired = not self.pause.is_on() and not self.role.is_replica

    def reset_statistics(self) -> None:
        """CONFIG RESETSTAT: the counters of INFO go to zero."""
        self.counters.reset()
        moment = self.moment
        moment.hits = 0
        moment.misses = 0
        moment.expired = 0
        moment.expired_fields = 0
        moment.lags.reset()
        self.expiry.took_us = 0
        self.tick_us = 0
        self.traffic.reset()
        self.sampler.reset()
        self.reclaimer.freed = 0
        log = self.durability.append_only
        if log is not None:
            log.delayed = 0
        self.eviction.reset()
        self.script_statistics.evicted = 0
        self.trimming.moved = 0
        self.trimming.took_us = 0
        if self.router is not None:
            self.router.reset_statistics()

    def count_program(self, resident: i64) -> None:
        """Count the memory of the program itself: its resident size before there is any data."""
        self.base_bytes = resident
        self.startup_bytes = self.used_memory()

    def unsaved_changes(self) -> i64:
        """The changes since the data was last saved."""
        return self.moment.changes - self.durability.changes_saved

    def used_memory(self) -> i64:
        """Memory of the program, all databases and subscriptions, in bytes, by the engine's own accounting.  O(1)."""
        return self.base_bytes + self.moment.used_bytes + self.pubsub.size_bytes()


def allows(whom: bytes, session: Session) -> bool:
    """Whether a directive with the values `no`, `local` and `yes` allows this session."""
    return whom == b"yes" or (whom == b"local" and session.peer.is_local())
