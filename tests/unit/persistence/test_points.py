"""Save points: when they call for a snapshot."""

from __future__ import annotations

from tests.unit.persistence.contents import opened

from redpoll.engine.engine import Engine
from redpoll.engine.gates import GATE_WRITE_DISK
from redpoll.persistence.points import SaveSettings, due_point, review_gate


def after(engine: Engine, seconds: int, changes: int) -> str:
    engine.moment.set_time(engine.started_us + seconds * 1_000_000)
    engine.moment.changes = changes
    return due_point(engine)


def test_a_point_calls_when_its_seconds_are_over_and_its_changes_there() -> None:
    engine = opened(save="3600 1 300 100 60 10000")
    assert after(engine, 61, 9999) == ""
    assert after(engine, 60, 10000) == ""
    assert after(engine, 61, 10000) == "10000 changes in 60 seconds. Saving..."
    assert after(engine, 301, 100) == "100 changes in 300 seconds. Saving..."
    assert after(engine, 4000, 0) == ""
    assert after(engine, 4000, 1) == "1 changes in 3600 seconds. Saving..."
    assert after(opened(save=""), 10**6, 10**6) == ""


def test_after_a_failure_it_waits() -> None:
    engine = opened(save="1 1")
    engine.durability.last_save_worked = False
    engine.durability.tried_s = engine.started_us // 1_000_000 + 10
    assert after(engine, 15, 5) == ""
    assert after(engine, 16, 5) != ""


def test_writes_are_held_up_by_what_the_settings_say() -> None:
    engine = opened(save="1 1")
    SaveSettings(engine).connect()
    engine.durability.last_save_worked = False
    review_gate(engine)
    assert engine.gates & GATE_WRITE_DISK
    for pairs, held in (
        ([b"stop-writes-on-bgsave-error", b"no"], False),
        ([b"stop-writes-on-bgsave-error", b"yes"], True),
        ([b"save", b""], False),
        ([b"save", b"5 5"], True),
    ):
        assert engine.config.set(pairs) == b""
        assert bool(engine.gates & GATE_WRITE_DISK) == held
