"""Reports look at the data and leave no trace."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import Machine

from redpoll.observe.aside import Aside
from redpoll.protocol.reply import Status


def test_what_was_moved_is_put_back_even_after_a_failure() -> None:
    machine = Machine()
    moment = machine.engine.moment
    before = (moment.hits, moment.misses, moment.touching, moment.deleting_expired, moment.now_ms)
    with pytest.raises(MemoryError), Aside(moment, also_expired=True):
        assert not moment.touching
        machine.engine.databases[0].string(b"nothing")
        raise MemoryError
    assert (moment.hits, moment.misses, moment.touching, moment.deleting_expired, moment.now_ms) == before


def test_the_length_of_a_string_past_its_deadline_is_told_and_the_string_stays() -> None:
    machine = Machine()
    machine.engine.expiry.is_on = False
    machine.do("SET", "k", "x" * 100_000, "PX", 10)
    machine.clock.advance_ms(20)
    hits = machine.lines("stats")["keyspace_hits"]
    told = machine.do("DEBUG", "SDSLEN", "k")
    assert isinstance(told, Status)
    assert b" val_sds_len:100000 " in told.text
    assert machine.engine.databases[0].table.size == 1
    assert machine.lines("stats")["keyspace_hits"] == hits
