"""When memory is given back, and when it is left alone."""

from __future__ import annotations

from tests.unit.engine.machine import Machine

from redpoll.engine.trimming import LITTLE_BYTES, LOOK_MS, MORE_BYTES, REST_MS, RETRY_US, EngineCompaction
from redpoll.env.allocator import glibc
from redpoll.env.process import resident_bytes
from redpoll.structures.mover import Mover


def run(machine: Machine) -> int:
    """Run to the end of an attempt; how many turns it took."""
    trimming = machine.engine.trimming
    turns = 1
    while trimming.run() == REST_MS:
        turns += 1
    return turns


def test_a_process_as_small_as_its_data_is_left_alone() -> None:
    machine = Machine()
    machine.engine.count_program(resident_bytes())
    assert machine.engine.trimming.run() == LOOK_MS
    assert not machine.engine.trimming.is_running


def test_nothing_is_given_back_before_what_waits_is_freed() -> None:
    machine = Machine()
    machine.do("SET", "k", "v")
    machine.do("FLUSHALL")
    assert machine.engine.trimming.run() == LOOK_MS
    assert not machine.engine.trimming.is_running


def test_what_an_attempt_has_left_is_not_tried_again() -> None:
    machine = Machine()
    machine.engine.count_program(resident_bytes() // 4)
    trimming = machine.engine.trimming
    # The clock stands still, so that a turn goes on to the end: of all passes, as this process has no more to give.
    assert trimming.run() == LOOK_MS
    assert not trimming.is_running
    if glibc() is not None:
        assert trimming.left > LITTLE_BYTES
        assert trimming.passes > 0
    passes = trimming.passes
    trimming.passes = -1
    assert trimming.run() == LOOK_MS
    assert trimming.passes == -1
    trimming.ask()
    assert trimming.run() == LOOK_MS
    assert trimming.passes >= min(passes, 1)


def test_after_a_while_another_attempt_is_made_if_data_has_changed() -> None:
    machine = Machine()
    trimming = machine.engine.trimming
    machine.engine.count_program(resident_bytes() // 4)

    def tries() -> bool:
        """Whether the next turn makes an attempt.  The growth of the excess must not be the reason."""
        trimming.left = max(trimming.left, trimming.excess() - MORE_BYTES // 2)
        trimming.passes = -1
        assert trimming.run() == LOOK_MS
        return trimming.passes >= 0

    trimming.ask()
    assert tries()
    machine.clock.advance_ms(RETRY_US // 1000 + 1)
    assert not tries(), "nothing has changed"
    machine.do("SET", "k", "v")
    assert tries()
    machine.do("SET", "k", "w")
    machine.clock.advance_ms(RETRY_US // 1000)
    assert not tries(), "the last attempt ended too recently"
    machine.clock.advance_ms(1)
    assert tries()
    assert not tries()


def test_the_entries_of_the_logs_move_too() -> None:
    machine = Machine()
    machine.do("CONFIG", "SET", "slowlog-log-slower-than", "0")
    for n in range(5):
        machine.do("SET", f"k{n}", "v" * 50)
    log = machine.engine.outliers.slow
    before = list(log.entries)
    assert len(before) >= 5
    compaction = EngineCompaction(machine.engine, Mover())
    while compaction.step():
        pass
    assert [(one.id, one.at_s, one.amount, one.args, one.address, one.name) for one in log.entries] == [
        (one.id, one.at_s, one.amount, one.args, one.address, one.name) for one in before
    ]
    assert not any(one is other for one, other in zip(before, log.entries, strict=True))
