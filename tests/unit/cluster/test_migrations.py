"""The state machine of migrations: two nodes on virtual time, with a link and a bus that the test drives."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.cluster.scene import Lone

from redpoll.cluster.machine import Machine, new_view
from redpoll.cluster.migration_job import FAILED, FAILOVER_GRANTED, FAILOVER_PAUSED, SUCCESS, Job
from redpoll.cluster.migration_outside import MigrationOutside
from redpoll.cluster.migrations import (
    COMMAND_FAILED,
    FAILED_OVER,
    FLUSHED,
    LOST_TO_SOURCE,
    LOST_TO_TARGET,
    MINE_ALREADY,
    NOT_MINE,
    NOT_OF_SOURCE,
    TIMED_OUT,
    UNPAUSED,
    UNPAUSED_LATE,
)
from redpoll.cluster.node import Node
from redpoll.cluster.outside import Settings
from redpoll.cluster.slot_sets import ALL_SLOTS, span
from redpoll.env.random import Random

MOVING = [(100, 199), (300, 300)]
SLOTS = span(100, 199) | span(300, 300)
START = 100_000


class Side(MigrationOutside):
    """What one node does: messages wait in `sent`, the rest is remembered."""

    def __init__(self) -> None:
        self.sent: list[list[bytes]] = []
        self.hidden = 0
        self.deleted = 0
        self.paused_until = 0
        self.passed_on: list[list[bytes]] = []
        self.closed: list[bytes] = []
        self.busy = b""
        self.waiting_bytes = 0
        self.dialed = 0
        self.snapshots = 0
        self.password: list[bytes] = []
        self.lines: list[str] = []

    def dial(self, job: Job, node: Node) -> None:
        self.dialed += 1

    def send(self, job: Job, words: list[bytes]) -> None:
        self.sent.append(words)

    def close(self, job: Job) -> None:
        self.closed.append(job.name)

    def login(self) -> list[bytes]:
        return self.password

    def unsent(self, job: Job) -> int:
        return self.waiting_bytes

    def begin_snapshot(self, job: Job) -> bytes:
        if not self.busy:
            self.snapshots += 1
        return self.busy

    def pause_writes(self, until_ms: int) -> None:
        self.paused_until = until_ms

    def resume_writes(self) -> None:
        self.paused_until = 0

    def hide(self, slots: int) -> None:
        self.hidden |= slots

    def show(self, slots: int) -> None:
        self.hidden &= ~slots

    def delete_hidden(self, slots: int) -> None:
        self.deleted |= slots
        self.hidden &= ~slots

    def propagate(self, words: list[bytes]) -> None:
        self.passed_on.append(words)

    def note(self, text: str) -> None:
        self.lines.append(text)

    warn = note


class One:
    """A node that knows the other one."""

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        self.machine = Machine(new_view(random, 1), Settings(), random, Lone(), START, START)
        self.migrations = self.machine.migrations
        self.side = Side()
        self.migrations.outside = self.side

    def name(self) -> bytes:
        return self.machine.view.myself.name

    def meet(self, other: One) -> Node:
        return self.machine.new_node(1, other.name())

    def job(self) -> Job:
        return self.migrations.jobs()[0]


class Two:
    """The source owns all slots; the target none."""

    def __init__(self) -> None:
        self.now = START
        self.source = One(1)
        self.target = One(2)
        self.there = self.source.meet(self.target)
        self.here = self.target.meet(self.source)
        self.source.machine.view.assign(ALL_SLOTS, self.source.machine.view.myself)
        self.target.machine.view.assign(ALL_SLOTS, self.here)
        for one in (self.source, self.target):
            one.machine.finish()
            one.machine.set_time(START, START)

    def wait(self, span_ms: int) -> None:
        """Both nodes tick every 100 ms."""
        for _ in range(span_ms // 100):
            self.now += 100
            for one in (self.source, self.target):
                one.machine.set_time(self.now, self.now)
                one.migrations.tick()
                one.machine.finish()

    def establish(self) -> tuple[Job, Job]:
        """Begin, up to the answer to ESTABLISH."""
        leaving = self.source.migrations.export(MOVING, self.there)
        self.wait(100)
        self.source.migrations.connected(leaving)
        words = self.source.side.sent.pop()
        assert words[:3] == [b"CLUSTER", b"SYNCSLOTS", b"ESTABLISH"]
        assert words[3:] == [
            b"SOURCE", self.source.name(), b"NAME", leaving.name, b"SLOTSRANGE", b"100", b"199", b"300", b"300",
        ]  # fmt: skip
        arriving = self.target.migrations.accept(leaving.name, self.here, MOVING)
        self.source.migrations.answered(leaving, b"+OK")
        self.deliver()
        return leaving, arriving

    def deliver(self) -> None:
        """Give each side what the other one has sent, until there is nothing left."""
        sides = ((self.source, self.target), (self.target, self.source))
        while any(one.side.sent for one, _ in sides):
            for one, other in sides:
                sent, one.side.sent = one.side.sent, []
                for words in sent:
                    found = other.migrations.find(one.job().name)
                    if found is not None:
                        other.migrations.told(found, words)

    def replicate(self) -> tuple[Job, Job]:
        """Begin, up to the end of the snapshot."""
        leaving, arriving = self.establish()
        self.wait(100)
        assert self.source.side.snapshots == 1
        self.target.migrations.told(arriving, [b"CLUSTER", b"SYNCSLOTS", b"SNAPSHOT-EOF"])
        self.source.migrations.snapshot_ended(leaving, True)
        return leaving, arriving

    def tell_owner(self) -> None:
        """What the bus tells the source."""
        self.source.machine.view.assign(SLOTS, self.there)
        self.source.machine.changed()
        self.source.machine.finish()


def states(one: One) -> list[str]:
    """The states in the order in which the log has them."""
    return [line.rpartition(" -> ")[2] for line in one.side.lines if "state transition" in line]


def test_slots_move() -> None:
    two = Two()
    leaving, arriving = two.replicate()
    assert two.target.side.hidden == SLOTS
    two.deliver()
    assert (leaving.state, arriving.state) == (FAILOVER_GRANTED, SUCCESS)
    view = two.target.machine.view
    assert view.myself.slots == SLOTS
    assert view.myself.config_epoch == view.greatest_epoch() > 0
    assert two.target.side.hidden == 0 and two.target.side.deleted == 0
    assert two.target.side.passed_on[-1] == [
        b"CLUSTER", b"SYNCSLOTS", b"FINISH", b"STATE", b"SUCCESS", b"NAME", leaving.name, b"MESSAGE", b"",
    ]  # fmt: skip
    assert two.source.side.paused_until > 0, "until the source knows the new owner"
    two.source.migrations.lost(leaving, "closed")
    assert leaving.state == FAILOVER_GRANTED
    two.tell_owner()
    assert leaving.state == SUCCESS
    assert two.source.side.paused_until == 0
    assert states(two.source) == [
        "sending-establish-command", "reading-establish-response", "waiting-to-snapshot", "snapshotting", "replicating",
        "waiting-to-pause", "failover-paused", "failover-granted", "success",
    ]  # fmt: skip
    assert states(two.target) == [
        "receiving-snapshot", "waiting-for-paused", "failover-requested", "failover-granted", "success",
    ]  # fmt: skip
    assert two.source.migrations.active == two.target.migrations.active == []


def test_the_source_logs_in_first() -> None:
    two = Two()
    two.source.side.password = [b"AUTH", b"secret"]
    leaving = two.source.migrations.export(MOVING, two.there)
    two.wait(100)
    two.source.migrations.connected(leaving)
    assert two.source.side.sent.pop() == [b"AUTH", b"secret"]
    two.source.migrations.answered(leaving, b"+OK")
    assert two.source.side.sent.pop()[2] == b"ESTABLISH"
    two.source.migrations.answered(leaving, b"-ERR no")
    assert leaving.message == b"Received error during handshake to target: -ERR no\r\n"
    assert two.source.migrations.exports() == []


def test_the_snapshot_waits_for_another_one() -> None:
    two = Two()
    two.source.side.busy = b"a snapshot"
    leaving, _ = two.establish()
    two.wait(2000)
    assert leaving.state == b"waiting-to-snapshot"
    two.source.side.busy = b""
    two.wait(100)
    assert leaving.state == b"snapshotting"


@pytest.mark.parametrize(
    ("limit", "unsent", "pauses"), [(0, 1, False), (0, 0, True), (10, 10, True), (-1, 1 << 40, True)]
)
def test_writes_are_paused_when_little_is_unsent(limit: int, unsent: int, pauses: bool) -> None:
    two = Two()
    two.source.migrations.most_unsent = limit
    two.source.side.waiting_bytes = unsent
    leaving, _ = two.replicate()
    two.target.side.sent, request = [], two.target.side.sent.pop()
    two.source.migrations.told(leaving, request)
    assert (leaving.state == FAILOVER_PAUSED) == pauses
    two.source.side.waiting_bytes = 0
    two.wait(100)
    assert leaving.state == FAILOVER_PAUSED


def test_a_pause_without_an_answer_ends() -> None:
    two = Two()
    leaving, _ = two.replicate()
    two.source.migrations.told(leaving, two.target.side.sent.pop())
    span_ms = 2 * two.source.machine.settings.manual_failover_timeout
    assert two.source.side.paused_until == two.now + span_ms
    two.wait(span_ms)
    assert (leaving.state, leaving.message) == (FAILED, UNPAUSED)
    assert two.source.side.paused_until == 0


def test_a_takeover_that_nobody_hears_of_ends_the_pause_with_a_warning() -> None:
    two = Two()
    two.target.migrations.prevents_failover = True
    leaving, arriving = two.replicate()
    two.deliver()
    assert leaving.state == arriving.state == FAILOVER_GRANTED
    two.wait(2 * two.source.machine.settings.manual_failover_timeout)
    assert (leaving.state, leaving.message) == (FAILED, UNPAUSED_LATE)
    assert any(line.startswith("Write loss risk!") for line in two.source.side.lines)
    two.target.migrations.prevents_failover = False
    two.wait(100)
    assert arriving.state == SUCCESS


def test_prevented_steps_go_on_when_they_are_allowed() -> None:
    two = Two()
    two.source.migrations.prevents_pause = True
    leaving, arriving = two.replicate()
    two.deliver()
    two.wait(3000)
    assert leaving.state == b"waiting-to-pause"
    two.source.migrations.prevents_pause = False
    two.wait(100)
    two.deliver()
    assert arriving.state == SUCCESS


def test_silence_ends_both_sides() -> None:
    two = Two()
    leaving, arriving = two.replicate()
    two.source.migrations.timeout_ms = two.target.migrations.timeout_ms = 3000
    two.wait(2800)
    assert not leaving.has_ended() and not arriving.has_ended()
    two.wait(400)
    assert leaving.message == arriving.message == TIMED_OUT
    assert two.target.side.deleted == SLOTS


def test_acknowledgements_go_out_every_second() -> None:
    two = Two()
    two.source.migrations.prevents_pause = True
    two.replicate()
    two.deliver()
    for one in (two.source, two.target):
        one.side.sent = []
    two.wait(5000)
    for one in (two.source, two.target):
        assert one.side.sent == [[b"CLUSTER", b"SYNCSLOTS", b"ACK"]] * 5


Fault = Callable[[Two, Job, Job], None]


def lose_target(two: Two, leaving: Job, arriving: Job) -> None:
    two.source.migrations.lost(leaving, "closed")


def lose_source(two: Two, leaving: Job, arriving: Job) -> None:
    two.target.migrations.lost(arriving, "closed")


def flush_source(two: Two, leaving: Job, arriving: Job) -> None:
    two.source.migrations.flushed()


def flush_target(two: Two, leaving: Job, arriving: Job) -> None:
    two.target.migrations.flushed()


def fail_command(two: Two, leaving: Job, arriving: Job) -> None:
    two.target.migrations.command_failed(arriving, b"WRONGTYPE")


def move_away(two: Two, leaving: Job, arriving: Job) -> None:
    two.tell_owner()


def move_elsewhere(two: Two, leaving: Job, arriving: Job) -> None:
    view = two.target.machine.view
    view.assign(span(100, 100), two.target.machine.new_node(1, b"c" * 40))
    two.target.machine.changed()
    two.target.machine.finish()


def move_here(two: Two, leaving: Job, arriving: Job) -> None:
    view = two.target.machine.view
    view.assign(span(100, 100), view.myself)
    two.target.machine.changed()
    two.target.machine.finish()


def demote(two: Two, leaving: Job, arriving: Job) -> None:
    view = two.target.machine.view
    view.set_replica(view.myself, two.here)
    two.target.machine.changed()
    two.target.machine.finish()


@pytest.mark.parametrize(
    ("fault", "of_source", "message"),
    [
        (lose_target, True, LOST_TO_TARGET), (lose_source, False, LOST_TO_SOURCE), (flush_source, True, FLUSHED),
        (flush_target, False, FLUSHED), (fail_command, False, COMMAND_FAILED), (move_away, True, NOT_MINE),
        (move_elsewhere, False, NOT_OF_SOURCE), (move_here, False, MINE_ALREADY), (demote, False, FAILED_OVER),
    ],
)  # fmt: skip
def test_a_failure_leaves_the_slots_where_they_are(fault: Fault, of_source: bool, message: bytes) -> None:
    two = Two()
    leaving, arriving = two.replicate()
    before = two.target.machine.view.myself.slots
    fault(two, leaving, arriving)
    ended, one = (leaving, two.source) if of_source else (arriving, two.target)
    assert (ended.state, ended.message) == (FAILED, message)
    assert one.side.closed == [ended.name]
    assert one.migrations.active == []
    if not of_source:
        assert one.side.deleted == SLOTS and one.side.hidden == 0
        assert one.side.passed_on[-1][2:5] == [b"FINISH", b"STATE", b"FAILED"]
        assert one.side.passed_on[-1][-1] == message
        if fault is not move_here:
            assert one.machine.view.myself.slots == before


@pytest.mark.parametrize("word", [b"PAUSED", b"FAILOVER-GRANTED", b"NONSENSE"])
def test_words_out_of_order_fail_an_import(word: bytes) -> None:
    two = Two()
    _, arriving = two.establish()
    two.target.migrations.told(arriving, [b"CLUSTER", b"SYNCSLOTS", word])
    assert arriving.state == FAILED
    assert two.target.machine.view.myself.slots == 0


@pytest.mark.parametrize("word", [b"REQUEST-PAUSE", b"REQUEST-FAILOVER", b"NONSENSE"])
def test_words_out_of_order_fail_an_export(word: bytes) -> None:
    two = Two()
    leaving, _ = two.establish()
    two.source.migrations.told(leaving, [b"CLUSTER", b"SYNCSLOTS", word])
    assert leaving.state == FAILED
    assert two.source.side.paused_until == 0


def test_cancelled_jobs_are_exports_only() -> None:
    two = Two()
    leaving, arriving = two.establish()
    two.source.migrations.cancel()
    two.target.migrations.cancel()
    assert leaving.state == b"cancelled"
    assert not arriving.has_ended()


def test_a_pause_lasts_as_long_as_any_job_needs_it() -> None:
    two = Two()
    first = two.source.migrations.export([(0, 0)], two.there)
    second = two.source.migrations.export([(1, 1)], two.there)
    for job in (first, second):
        job.state = b"replicating"
        two.source.migrations.told(job, [b"CLUSTER", b"SYNCSLOTS", b"REQUEST-PAUSE"])
        assert job.state == FAILOVER_PAUSED
    two.source.migrations.lost(first, "closed")
    assert two.source.side.paused_until > 0
    two.source.migrations.lost(second, "closed")
    assert two.source.side.paused_until == 0


def test_a_replica_follows_the_import_of_its_primary() -> None:
    one = One(1)
    primary = one.machine.new_node(1, b"p" * 40)
    one.machine.view.set_replica(one.machine.view.myself, primary)
    for state in (SUCCESS, FAILED):
        name = state.ljust(40, b"x")
        one.migrations.track(name, MOVING)
        one.migrations.track(name, MOVING)
        assert one.side.hidden == SLOTS
        one.migrations.flushed()
        one.machine.finish()
        assert one.job().state == b"occurring-on-primary"
        one.migrations.finish_tracked(name, state, b"why")
        assert (one.job().state, one.job().message) == (state, b"why")
        assert one.side.hidden == 0 and one.side.passed_on == []


def test_a_replica_that_is_promoted_ends_the_import() -> None:
    one = One(1)
    one.migrations.track(b"j" * 40, MOVING)
    one.machine.changed()
    one.machine.finish()
    assert (one.job().state, one.job().message) == (FAILED, FAILED_OVER)
    assert one.side.deleted == SLOTS


def test_the_log_of_ended_jobs_is_bounded() -> None:
    two = Two()
    two.source.migrations.most_ended = 3
    for _ in range(5):
        two.source.migrations.export(MOVING, two.there)
        two.source.migrations.cancel()
    jobs = two.source.migrations.jobs()
    assert [job.number for job in jobs] == [5, 4, 3]
    two.source.migrations.most_ended = 0
    two.source.migrations.trim()
    assert two.source.migrations.jobs() == []


def test_an_unknown_target_fails_the_job() -> None:
    two = Two()
    leaving = two.source.migrations.export(MOVING, two.there)
    two.source.machine.view.delete(two.there)
    two.wait(100)
    assert leaving.state == FAILED
    assert two.source.side.dialed == 0
