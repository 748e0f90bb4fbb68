"""Memory of what was dropped comes back in slices, objects first."""

from __future__ import annotations

from tests.unit.structures.tables import filled

from redpoll.keyspace.reclaim import LARGE_BYTES, Reclaimer
from redpoll.structures.table import Table
from redpoll.types.hash import Hash
from redpoll.types.string import LongString


def large(count: int = 500) -> Hash:
    made = Hash()
    for n in range(count):
        made.put(b"field:%d" % n, b"v" * 100)
    return made


def test_large_containers_wait_and_everything_else_goes_at_once() -> None:
    reclaimer = Reclaimer()
    small, whole = Hash(), large()
    small.put(b"f", b"v")
    reclaimer.drop(small)
    reclaimer.drop(LongString(bytes(1 << 20)))
    assert reclaimer.pending() == 0
    assert whole.size_bytes() >= LARGE_BYTES
    reclaimer.drop(whole)
    assert reclaimer.objects == [whole]
    assert reclaimer.pending() == 1


def test_a_container_on_the_brink() -> None:
    reclaimer = Reclaimer()
    value = large(10)
    while value.size_bytes() < LARGE_BYTES:
        before = value.size_bytes()
        reclaimer.drop(value)
        assert reclaimer.pending() == 0, before
        value.put(b"another field:%d" % value.count(), b"")
    reclaimer.drop(value)
    assert reclaimer.pending() == 1


def test_a_slice_frees_about_its_budget() -> None:
    reclaimer = Reclaimer()
    reclaimer.drop(large(3000))
    steps = 0
    while reclaimer.run(16):
        steps += 1
        assert reclaimer.freed == 0
    # Two units a bucket of some 8 records.
    assert steps > 25
    assert (reclaimer.freed, reclaimer.pending()) == (1, 0)
    assert not reclaimer.run(16)


def test_objects_go_before_tables_and_a_table_counts_its_keys() -> None:
    reclaimer = Reclaimer()
    whole = large()
    table = filled(1000)
    reclaimer.tables.append(table)
    reclaimer.drop(whole)
    assert reclaimer.pending() == 2
    assert reclaimer.run(1)
    assert (len(reclaimer.objects), len(table.segments)) == (1, 1)
    while reclaimer.objects:
        reclaimer.run(16)
    assert reclaimer.freed == 1
    while reclaimer.run(16):
        assert reclaimer.freed == 1
    assert reclaimer.freed == 1 + 1000
    assert table.segments == []


def test_one_slice_may_do_all() -> None:
    reclaimer = Reclaimer()
    for _ in range(3):
        reclaimer.drop(large())
        reclaimer.tables.append(filled(10))
    reclaimer.tables.append(Table())
    assert not reclaimer.run(1 << 30)
    assert (reclaimer.pending(), reclaimer.freed) == (0, 3 + 30)


def test_no_budget_frees_nothing() -> None:
    reclaimer = Reclaimer()
    reclaimer.drop(large())
    assert reclaimer.run(0)
    assert reclaimer.pending() == 1


def test_copies_are_freed_in_slices_but_not_counted() -> None:
    reclaimer = Reclaimer()
    reclaimer.drop_copy(Hash())
    assert reclaimer.pending() == 0
    reclaimer.drop_copy(large())
    assert (reclaimer.pending(), reclaimer.pending_objects()) == (1, 0)
    while reclaimer.pending() > 0:
        reclaimer.run(1000)
    assert reclaimer.freed == 0
