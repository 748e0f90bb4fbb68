"""The migrations of this node, in both roles: messages, events of links and ticks in; decisions out.

The source takes the first step: it dials the target and sends ESTABLISH.  Then it sends the keys of the slots, and all
changes since.  At the target's word it pauses writes; when the target has all, it takes the slots with a new config
epoch.  The source learns that from the bus.  Until the slots have a new owner, a failure changes nothing.

    source                                  target
    ESTABLISH SOURCE NAME SLOTSRANGE   ─▶   hides the slots, +OK
    ACK, keys, SNAPSHOT-EOF            ─▶   REQUEST-PAUSE
    changes, pause of writes, PAUSED   ─▶   REQUEST-FAILOVER
    FAILOVER-GRANTED                   ─▶   owns the slots, shows the keys, tells the bus

The target passes everything on to its replicas, which hide the same slots until FINISH.
Source: spec/cluster.md, section 14.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from redpoll.cluster import claims, outgoing
from redpoll.cluster.migration_job import (
    CANCELLED,
    CLEANING_UP,
    CONNECTING,
    EXPORT,
    FAILED,
    FAILOVER_GRANTED,
    FAILOVER_PAUSED,
    FAILOVER_REQUESTED,
    HANDSHAKE,
    IMPORT,
    OCCURRING_ON_PRIMARY,
    READING_AUTH,
    READING_ESTABLISH,
    RECEIVING_SNAPSHOT,
    REPLICATING,
    SENDING_AUTH,
    SENDING_ESTABLISH,
    SNAPSHOTTING,
    SUCCESS,
    TRACKED,
    WAITING_FOR_ACK,
    WAITING_FOR_PAUSED,
    WAITING_TO_PAUSE,
    WAITING_TO_SNAPSHOT,
    Job,
)
from redpoll.cluster.migration_outside import MigrationOutside
from redpoll.cluster.node import Node

if TYPE_CHECKING:
    from redpoll.cluster.machine import Machine

ACK_EVERY_MS: Final = 1000
GRANTED_MS: Final = 2000
"""The pause goes on for at least so long after the target was allowed to take over."""

# The messages of failed jobs, as CLUSTER GETSLOTMIGRATIONS shows them.
LOST_TO_SOURCE: Final = (
    b"Connection lost to source. Check CLUSTER GETSLOTMIGRATIONS on the source node for more information."
)
LOST_TO_TARGET: Final = (
    b"Connection lost to target. Check CLUSTER GETSLOTMIGRATIONS on the target node for more information."
)
TIMED_OUT: Final = b"Timed out after too long with no interaction"
FLUSHED: Final = b"Data was flushed"
NOT_MINE: Final = b"Slots are no longer owned by myself"
NOT_OF_SOURCE: Final = b"Slots are no longer owned by source node"
MINE_ALREADY: Final = b"Slots were unexpectedly assigned to myself during import"
FAILED_OVER: Final = b"A failover occurred during slot import"
UNPAUSED: Final = b"Unpaused before failover completed"
UNPAUSED_LATE: Final = b"Unpaused before migration completed (migration may have succeeded with lost writes)"
COMMAND_FAILED: Final = b"Failed to process command during slot migration. Check logs for more information"
SNAPSHOT_FAILED: Final = b"Failed to perform snapshot"
NOT_CONNECTED: Final = b"Unable to connect to target node: "
NO_TARGET: Final = b"target node not found"
UNKNOWN_WORD: Final = b"Unknown SYNCSLOTS subcommand used"
NOT_LOGGED_IN: Final = b"Failed to AUTH to target node: "
REFUSED: Final = b"Received error during handshake to target: "

ACK: Final = b"ACK"
CLUSTER: Final = b"CLUSTER"
SYNCSLOTS: Final = b"SYNCSLOTS"


def syncslots(*words: bytes) -> list[bytes]:
    return [CLUSTER, SYNCSLOTS, *words]


class Migrations:
    """See the module's docstring."""

    def __init__(self, machine: Machine) -> None:
        self.machine: Final = machine
        self.outside: MigrationOutside = MigrationOutside()
        self.active: list[Job] = []
        """The newest one first."""
        self.ended: list[Job] = []
        """The newest one first."""
        self.created = 0
        """How many jobs there have been."""
        self.most_ended = 1000
        self.timeout_ms = 60000
        """How long the other side may be silent (`repl-timeout`)."""
        self.most_unsent = 0
        """Writes are paused when so many bytes or fewer are unsent; below 0, at once."""
        self.prevents_pause = False
        self.prevents_failover = False
        """Set by DEBUG."""
        self.paused_until = 0
        """The end of the pause of writes; 0 while there is none."""

    # What others ask.

    def jobs(self) -> list[Job]:
        """All jobs, the newest one first."""
        return sorted(self.active + self.ended, key=creation, reverse=True)

    def exports(self) -> list[Job]:
        return [job for job in self.active if job.kind == EXPORT]

    def imports(self) -> list[Job]:
        """The imports of this node or of its primary."""
        return [job for job in self.active if job.kind != EXPORT]

    def exported(self) -> int:
        """The slots that are leaving."""
        return slots_of(self.exports())

    def imported(self) -> int:
        """The slots that are arriving."""
        return slots_of(self.imports())

    def find(self, name: bytes) -> Job | None:
        for job in self.active:
            if job.name == name:
                return job
        return None

    # Beginnings.

    def _begin(self, job: Job) -> None:
        self.created += 1
        job.number = self.created
        self.active.insert(0, job)

    def export(self, ranges: list[tuple[int, int]], target: Node) -> Job:
        """Begin to move slots to another node."""
        job = Job(self.machine.random.hex_digits(40), EXPORT, ranges, self.machine.now)
        job.source = self.machine.view.myself.name
        job.target = target.name
        self._begin(job)
        return job

    def connect(self, job: Job) -> None:
        """Dial the target of a new export."""
        node = self.machine.view.nodes.get(job.target)
        if node is None:
            self.outside.warn(
                f"Slot migration {job.shown()}: target node {job.target.decode()} not found in cluster, aborting "
                "connection attempt."
            )
            self.fail(job, NO_TARGET)
            return
        self.outside.note(f"Connecting slot migration {job.shown()} (ip: {node.ip.decode()}, port {node.port})")
        self.outside.dial(job, node)

    def connected(self, job: Job) -> None:
        """The link to the target is there."""
        if job.state != CONNECTING:
            return
        self.outside.note(f"Slot migration {job.shown()} connection established.")
        job.heard = self.machine.now
        login = self.outside.login()
        if login:
            self.enter(job, SENDING_AUTH)
            self.outside.send(job, login)
            self.enter(job, READING_AUTH)
        else:
            self._establish(job)

    def _establish(self, job: Job) -> None:
        self.enter(job, SENDING_ESTABLISH)
        words = syncslots(b"ESTABLISH", b"SOURCE", job.source, b"NAME", job.name, b"SLOTSRANGE")
        for first, last in job.ranges:
            words += [b"%d" % first, b"%d" % last]
        self.outside.send(job, words)
        self.enter(job, READING_ESTABLISH)

    def answered(self, job: Job, line: bytes) -> None:
        """The target has answered AUTH or ESTABLISH."""
        job.heard = self.machine.now
        if not line.startswith(b"+") and job.state == READING_AUTH:
            self.fail(job, NOT_LOGGED_IN + line)
        elif not line.startswith(b"+"):
            self.fail(job, REFUSED + line + b"\r\n")
        elif job.state == READING_AUTH:
            self.outside.note(f"Successfully authenticated slot migration {job.shown()}")
            self._establish(job)
        elif job.state == READING_ESTABLISH:
            self.enter(job, WAITING_TO_SNAPSHOT)
            self._acknowledge(job)

    def accept(self, name: bytes, source: Node, ranges: list[tuple[int, int]]) -> Job:
        """Another node has sent ESTABLISH: begin an import."""
        job = Job(name, IMPORT, ranges, self.machine.now)
        job.source = source.name
        job.target = self.machine.view.myself.name
        job.state = WAITING_FOR_ACK
        self._begin(job)
        self.outside.hide(job.slots)
        self.outside.note(f"New slot import job created: {job.shown()}.")
        return job

    def track(self, name: bytes, ranges: list[tuple[int, int]]) -> None:
        """Our primary, or the node that wrote the file that is being loaded, imports slots."""
        if self.find(name) is not None:
            return
        job = Job(name, TRACKED, ranges, self.machine.now)
        job.state = OCCURRING_ON_PRIMARY
        self._begin(job)
        self.outside.hide(job.slots)

    def finish_tracked(self, name: bytes, state: bytes, message: bytes) -> None:
        """Our primary has ended an import."""
        job = self.find(name)
        if job is not None and job.kind == TRACKED:
            job.message = message
            self.outside.show(job.slots)
            self._end(job, state)

    def forget_tracked(self) -> None:
        """The data is replaced: what is known about the imports of the primary does not hold any longer."""
        for job in [job for job in self.active if job.kind == TRACKED]:
            self.active.remove(job)
            self.outside.show(job.slots)

    # Messages.

    def told(self, job: Job, words: list[bytes]) -> None:
        """The other side has sent `CLUSTER SYNCSLOTS word ...`."""
        job.heard = self.machine.now
        word = words[2].upper() if len(words) > 2 else b""
        if word == ACK:
            if job.state == WAITING_FOR_ACK:
                self.enter(job, RECEIVING_SNAPSHOT)
        elif job.kind == EXPORT:
            self._told_by_target(job, word)
        else:
            self._told_by_source(job, word)

    def _told_by_target(self, job: Job, word: bytes) -> None:
        if word == b"REQUEST-PAUSE":
            if job.state == SNAPSHOTTING or job.state == REPLICATING:
                self.enter(job, WAITING_TO_PAUSE)
                self._consider_pause(job)
                return
            self.outside.warn(
                f"Received CLUSTER SYNCSLOTS REQUEST-PAUSE for slot migration {job.shown()}, but the client was not "
                "streaming incremental updates. Failing migration."
            )
        elif word == b"REQUEST-FAILOVER":
            if job.state == FAILOVER_PAUSED:
                self._grant(job)
                return
            self.outside.warn(
                f"Received CLUSTER SYNCSLOTS REQUEST-FAILOVER for slot migration {job.shown()}, but the client was not "
                "in the paused state. Failing migration."
            )
        else:
            self._unknown(job)
            return
        self.fail(job, COMMAND_FAILED)

    def _told_by_source(self, job: Job, word: bytes) -> None:
        if word == b"SNAPSHOT-EOF":
            if job.state == RECEIVING_SNAPSHOT:
                self.outside.note(
                    f"Slot migration {job.shown()} successfully received slot snapshot. Beginning incremental stream..."
                )
                self.enter(job, WAITING_FOR_PAUSED)
                self.outside.send(job, syncslots(b"REQUEST-PAUSE"))
                return
            self.outside.warn(
                f"Received CLUSTER SYNCSLOTS SNAPSHOT-EOF from slot migration {job.shown()}, but not currently loading "
                "an AOF snapshot. Failing migration."
            )
        elif word == b"PAUSED":
            if job.state == WAITING_FOR_PAUSED:
                self.enter(job, FAILOVER_REQUESTED)
                self.outside.send(job, syncslots(b"REQUEST-FAILOVER"))
                return
            self.outside.warn(
                f"Received unexpected CLUSTER SYNCSLOTS PAUSED from slot migration {job.shown()}. Failing migration."
            )
        elif word == b"FAILOVER-GRANTED":
            if job.state == FAILOVER_REQUESTED:
                self.enter(job, FAILOVER_GRANTED)
                self._take_over(job)
                return
            self.outside.warn(
                f"Received CLUSTER SYNCSLOTS FAILOVER-GRANTED from slot migration {job.shown()}, but we never sent a "
                "failover request. Failing migration."
            )
        else:
            self._unknown(job)
            return
        self.fail(job, COMMAND_FAILED)

    def _unknown(self, job: Job) -> None:
        self.outside.warn(
            f"Received unknown SYNCSLOTS subcommand from slot migration {job.shown()}. Failing the migration."
        )
        self.fail(job, UNKNOWN_WORD)

    def command_failed(self, job: Job, text: bytes) -> None:
        """A command of the stream has failed here, or the target says so."""
        self.outside.warn(
            f"A command of slot migration {job.shown()} failed: {text.decode('utf-8', 'backslashreplace')}"
        )
        self.fail(job, COMMAND_FAILED)

    def lost(self, job: Job, reason: str) -> None:
        """The link has broken, or could not be made."""
        if job.has_ended():
            return
        if job.state == CONNECTING:
            self.fail(job, NOT_CONNECTED + reason.encode())
            return
        self.outside.note(f"Slot migration {job.shown()} connection lost")
        if job.kind == EXPORT and job.state == FAILOVER_GRANTED:
            # The target has closed it because it has taken over; the bus will say so.
            return
        self.fail(job, LOST_TO_TARGET if job.kind == EXPORT else LOST_TO_SOURCE)

    # The source.

    def snapshot_ended(self, job: Job, worked: bool) -> None:
        """All keys are on their way to the target, or that has failed."""
        if job.has_ended():
            return
        if not worked:
            self.outside.warn(f"Child process failed to snapshot slot migration {job.shown()}")
            self.fail(job, SNAPSHOT_FAILED)
            return
        if job.state == SNAPSHOTTING:
            self.enter(job, REPLICATING)
            self.outside.note(f"Slot migration {job.shown()} snapshot finished, starting streaming.")

    def _consider_pause(self, job: Job) -> None:
        """Pause writes if little enough is left to be sent."""
        unsent = self.outside.unsent(job)
        if self.prevents_pause or 0 <= self.most_unsent < unsent:
            return
        self.outside.note(
            f"Pausing writes (remaining_repl_size is {unsent}) to allow slot migration {job.shown()} to finalize "
            "failover."
        )
        self._pause(2 * self.machine.settings.manual_failover_timeout)
        self.enter(job, FAILOVER_PAUSED)
        self.outside.send(job, syncslots(b"PAUSED"))

    def _pause(self, span_ms: int) -> None:
        machine = self.machine
        self.paused_until = max(self.paused_until, machine.now + span_ms)
        self.outside.pause_writes(self.paused_until + machine.wall_offset)

    def _grant(self, job: Job) -> None:
        if self.paused_until <= self.machine.now:
            self.outside.warn(
                f"Received CLUSTER SYNCSLOTS REQUEST-FAILOVER on slot migration {job.shown()}, but we are not paused. "
                "Denying failover."
            )
            self.fail(job, UNPAUSED)
            return
        self._pause(GRANTED_MS)
        self.enter(job, FAILOVER_GRANTED)
        self.outside.send(job, syncslots(b"FAILOVER-GRANTED"))

    # The target.

    def _take_over(self, job: Job) -> None:
        """Own the slots.  The caller calls `Machine.finish`, which saves that and tells the others."""
        if self.prevents_failover:
            return
        machine = self.machine
        view = machine.view
        view.assign(job.slots, view.myself)
        machine.changed()
        if not claims.bump_epoch(machine):
            outgoing.broadcast_pong(machine)
        self.outside.note(
            f"Slot migration {job.shown()} completed successfully. This node is now the owner of the slots"
        )
        self.outside.show(job.slots)
        self._end(job, SUCCESS)

    # Events of the node.

    def review(self) -> None:
        """Look at the owners of slots again: they decide about running jobs."""
        view = self.machine.view
        for job in list(self.active):
            if job.kind == EXPORT:
                if job.slots & ~view.myself.slots == 0:
                    continue
                target = view.nodes.get(job.target)
                if job.state == FAILOVER_GRANTED and target is not None and job.slots & ~target.slots == 0:
                    self.outside.note(f"Slot migration {job.shown()} slots are now owned by target node.")
                    self._end(job, SUCCESS)
                else:
                    self.outside.warn(
                        f"Slot migration {job.shown()} contains slots that are no longer all owned by myself"
                    )
                    self.fail(job, NOT_MINE)
            elif job.kind == IMPORT:
                source = view.nodes.get(job.source)
                if view.myself.is_replica():
                    self.fail(job, FAILED_OVER)
                elif job.slots & view.myself.slots:
                    self.fail(job, MINE_ALREADY)
                elif source is None or job.slots & ~source.slots:
                    self.fail(job, NOT_OF_SOURCE)
            elif view.myself.is_primary() and not self.machine.outside.follows():
                # We have taken the place of the primary that imported them, or have loaded its file.
                self.fail(job, FAILED_OVER)

    def flushed(self) -> None:
        """The data of this node was deleted (FLUSHALL, FLUSHDB)."""
        for job in list(self.active):
            if job.kind != TRACKED:
                self.fail(job, FLUSHED)

    def cancel(self) -> None:
        """Cancel all exports."""
        for job in self.exports():
            self._end(job, CANCELLED)

    def tick(self) -> None:
        """Timers; every 100 ms."""
        for job in list(self.active):
            if job.kind == EXPORT:
                self._tick_export(job)
            elif job.kind == IMPORT:
                self._tick_import(job)
        if self.paused_until and (self.machine.now >= self.paused_until or not self._needs_pause()):
            self._resume()

    def _tick_export(self, job: Job) -> None:
        now = self.machine.now
        if job.state == FAILOVER_GRANTED:
            if now >= self.paused_until:
                self.outside.warn(
                    f"Write loss risk! During slot migration {job.shown()}, new owner did not broadcast ownership "
                    "before we unpaused ourselves. Any writes we have recorded since unpausing may be lost!"
                )
                self.fail(job, UNPAUSED_LATE)
            return
        if job.state == FAILOVER_PAUSED and now >= self.paused_until:
            self.outside.warn(f"Slot migration {job.shown()} timed out during slot failover.")
            self.fail(job, UNPAUSED)
            return
        if self._has_timed_out(job):
            return
        if job.state == CONNECTING and not job.dialed:
            job.dialed = True
            self.connect(job)
        if job.state == WAITING_TO_SNAPSHOT:
            reason = self.outside.begin_snapshot(job)
            if reason:
                if not job.postponed:
                    job.postponed = True
                    self.outside.note(
                        f"Slot migration {job.shown()} waiting before snapshotting due to {reason.decode()}."
                    )
            else:
                self.outside.note(f"Beginning snapshot of slot migration {job.shown()}.")
                self.enter(job, SNAPSHOTTING)
        elif job.state == WAITING_TO_PAUSE:
            self._consider_pause(job)
        if job.state not in HANDSHAKE:
            self._acknowledge(job)

    def _tick_import(self, job: Job) -> None:
        if job.state == FAILOVER_GRANTED:
            self._take_over(job)
        elif not self._has_timed_out(job) and job.state != WAITING_FOR_ACK:
            self._acknowledge(job)

    def _has_timed_out(self, job: Job) -> bool:
        if self.machine.now - job.heard <= self.timeout_ms:
            return False
        self.outside.warn(f"Timing out slot migration {job.shown()} after not receiving ack for too long")
        self.fail(job, TIMED_OUT)
        return True

    def _acknowledge(self, job: Job) -> None:
        if self.machine.now - job.acked >= ACK_EVERY_MS or job.acked == 0:
            job.acked = self.machine.now
            self.outside.send(job, syncslots(ACK))

    def _needs_pause(self) -> bool:
        return any(job.kind == EXPORT and job.state in (FAILOVER_PAUSED, FAILOVER_GRANTED) for job in self.active)

    def _resume(self) -> None:
        self.paused_until = 0
        self.outside.resume_writes()

    # Ends.

    def enter(self, job: Job, state: bytes) -> None:
        """Change the state of a job."""
        self.outside.note(f"Slot migration {job.shown()} state transition: {job.state.decode()} -> {state.decode()}")
        job.state = state
        job.updated = self.machine.now

    def fail(self, job: Job, message: bytes) -> None:
        """End a job: the slots stay where they are."""
        if job.has_ended():
            return
        if job.kind != EXPORT:
            self.enter(job, CLEANING_UP)
            self.outside.note(f"Cleaning up slot migration {job.shown()} after failed")
            self.outside.delete_hidden(job.slots)
        job.message = message
        self._end(job, FAILED)

    def _end(self, job: Job, state: bytes) -> None:
        self.enter(job, state)
        self.active.remove(job)
        text = f"Slot migration {job.shown()} finished. State: {state.decode()}, Message: "
        text += job.message.decode("utf-8", "backslashreplace")
        if state == FAILED:
            self.outside.warn(text)
        else:
            self.outside.note(text)
        if job.kind == IMPORT:
            self.outside.propagate(
                syncslots(b"FINISH", b"STATE", state.upper(), b"NAME", job.name, b"MESSAGE", job.message)
            )
        elif job.kind == EXPORT:
            self.outside.end_export(job)
            if self.paused_until and not self._needs_pause():
                self._resume()
        self.outside.close(job)
        self.ended.insert(0, job)
        self.trim()

    def trim(self) -> None:
        """Forget the oldest jobs that have ended (`cluster-slot-migration-log-max-len`)."""
        del self.ended[self.most_ended :]


def slots_of(jobs: list[Job]) -> int:
    """The set of the slots of jobs."""
    slots = 0
    for job in jobs:
        slots |= job.slots
    return slots


def creation(job: Job) -> int:
    return job.number
