"""Keys expire by themselves, in bounded turns."""

from __future__ import annotations

from tests.unit.engine.machine import Machine

from redpoll.engine.engine import BEHIND_MS


def engine_with(keys: int, db: int = 0, ms: int = 10) -> Machine:
    machine = Machine()
    machine.do("SELECT", db)
    for n in range(keys):
        machine.do("SET", f"key:{n}", "v", "PX", ms)
    machine.do("SELECT", 0)
    return machine


def test_keys_expire_by_themselves_in_bounded_turns() -> None:
    machine = engine_with(3000)
    engine = machine.engine
    machine.clock.advance_ms(10)
    engine.tick()
    left = engine.databases[0].table.size
    assert 0 < left <= 3000 - 500
    assert (engine.expiry.is_behind, engine.next_deadline_ms()) == (True, engine.moment.now_ms + BEHIND_MS)
    turns = 0
    while engine.databases[0].table.size:
        engine.tick()
        turns += 1
    assert turns <= 6
    engine.tick()
    assert (engine.expiry.is_behind, engine.next_deadline_ms()) == (False, 0)


def test_databases_take_turns_when_there_is_too_much() -> None:
    machine = engine_with(1000, 1)
    machine.do("SELECT", 2)
    for n in range(1000):
        machine.do("SET", f"key:{n}", "v", "PX", 10)
    engine = machine.engine
    machine.clock.advance_ms(10)
    engine.start_unit()
    assert engine.expiry.expire(100) >= 100
    sizes = [db.table.size for db in engine.databases]
    assert sizes[1] < sizes[2] == 1000 and engine.expiry.keys_from == 2
    assert engine.expiry.expire(100) >= 100
    assert (engine.databases[2].table.size < 1000, engine.expiry.keys_from) == (True, 3)
    assert engine.expiry.expire(100) >= 100
    assert engine.expiry.keys_from == 2


def test_nothing_expires_while_that_is_held_back() -> None:
    machine = engine_with(10)
    engine = machine.engine
    machine.clock.advance_ms(10)
    engine.expiry.is_on = False
    engine.tick()
    assert engine.databases[0].table.size == 10
    engine.expiry.is_on = True
    engine.cron_paused = True
    engine.tick()
    assert engine.databases[0].table.size == 10
    engine.cron_paused = False
    engine.moment.deleting_expired = False
    engine.tick()
    assert engine.databases[0].table.size == 10
    engine.moment.deleting_expired = True
    engine.tick()
    assert engine.databases[0].table.size == 0
