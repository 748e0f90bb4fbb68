"""A keeper is told of each bucket before it changes: what it then reads is what there was when it came."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from mypy_extensions import i64

from redpoll.structures.keeper import Keeper
from redpoll.structures.members import found_score, insert_scored, set_score
from redpoll.structures.table import Table
from redpoll.structures.table_walk import Records, read_bucket


class Copyist(Keeper):
    """Reads each bucket once, before it changes or in the end."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.done = [False] * int(table.buckets)
        self.found: dict[bytes, tuple[bytes, int]] = {}

    def changes(self, table: Table, b: i64) -> None:
        if not self.done[b]:
            self.done[b] = True
            records = Records()
            read_bucket(table, b, records, True)
            for n in range(len(records.keys)):
                assert records.keys[n] not in self.found
                self.found[records.keys[n]] = (records.values[n], int(records.deadlines[n]))

    def parts(self, table: Table) -> None:
        self.done.append(True)

    def joins(self, table: Table) -> None:
        self.done.pop()

    def finish(self) -> None:
        assert len(self.done) == self.table.buckets
        for b in range(len(self.done)):
            self.changes(self.table, b)


ways = st.lists(st.tuples(st.sampled_from("prdddiik"), st.integers(0, 400)), max_size=400)


def act(table: Table, way: str, n: int, at: int) -> None:
    key = b"key:%d" % n
    there = table.find(key)
    if way == "d" and there:
        table.remove()
    elif way == "i" and not there:
        table.insert(key, b"v%d" % at, 2)
    elif way == "r" and there:
        table.replace(b"w" * (at % 50), 1)
    elif way == "k" and there:
        table.set_deadline(at)
    elif way == "p" and there:
        table.set_kind(at % 3)


@given(ways, ways, st.integers(0, 400))
def test_what_it_reads_is_what_there_was(
    before: list[tuple[str, int]], after: list[tuple[str, int]], fill: int
) -> None:
    table = Table()
    for n in range(fill):
        act(table, "i", n, n)
    for at, (way, n) in enumerate(before):
        act(table, way, n, at + 1)
    whole = Copyist(table)
    whole.finish()
    keeper = Copyist(table)
    table.keeper = keeper
    for at, (way, n) in enumerate(after):
        act(table, way, n, at + 7)
    # Nearly all go, and the table shrinks.
    for n in range(0, 400, 1 + len(after) % 3):
        act(table, "d", n, 0)
    table.keeper = None
    keeper.finish()
    assert keeper.found == whole.found


class Told(Keeper):
    """Counts what it hears."""

    def __init__(self) -> None:
        self.changed = 0
        self.freed = 0

    def changes(self, table: Table, b: i64) -> None:
        self.changed += 1

    def released(self) -> None:
        self.freed += 1


def test_a_table_with_a_keeper_is_not_freed() -> None:
    table = Table()
    act(table, "i", 1, 1)
    keeper = Told()
    table.keeper = keeper
    assert table.release(100) == 99
    assert (keeper.freed, table.size, len(table.segments)) == (1, 1, 1)


def test_the_score_of_a_long_member_changes_after_its_bucket_is_kept() -> None:
    table = Table()
    member = b"m" * 300
    table.find(member)
    insert_scored(table, member, 1.0, 0)
    keeper = Told()
    table.keeper = keeper
    assert table.find(member)
    set_score(table, 2.0)
    assert (keeper.changed, found_score(table)) == (1, 2.0)
