"""Choosing at random: as many as asked for, none twice, each choice as likely as any other."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest

from redpoll.env.random import Random
from redpoll.structures.members import insert_member
from redpoll.structures.sampling import INDEX_BITS, INDEX_MASK, distinct, distinct_records
from redpoll.structures.table import Table

DRAWS = 30_000

# Chi-square by degrees of freedom, above which it lies one time in a thousand; the seeds make the draws repeat.
ONE_IN_A_THOUSAND = {9: 27.9, 99: 148.3, 199: 266.4}


def chi_square(seen: Counter[object], kinds: int, draws: int) -> float:
    expected = draws / kinds
    return sum((count - expected) ** 2 / expected for count in seen.values()) + (kinds - len(seen)) * expected


@pytest.mark.parametrize(
    ("count", "stop"), [(0, 5), (1, 1), (1, 5), (2, 5), (4, 5), (5, 5), (9, 5), (3, 100), (60, 100)]
)
def test_so_many_different_ones_in_order(count: int, stop: int) -> None:
    random = Random(1)
    for _ in range(50):
        found = list(distinct(random, count, stop))
        assert len(found) == min(count, stop)
        assert found == sorted(set(found))
        assert all(0 <= n < stop for n in found)


def test_every_choice_is_as_likely_as_any_other() -> None:
    random = Random(2)
    seen: Counter[object] = Counter()
    for _ in range(DRAWS):
        seen[tuple(distinct(random, 2, 5))] += 1
    assert set(seen) == set(combinations(range(5), 2))
    assert chi_square(seen, 10, DRAWS) < ONE_IN_A_THOUSAND[9]


@pytest.mark.parametrize("count", [10, 40, 90])
def test_every_one_is_as_likely_as_any_other(count: int) -> None:
    random = Random(3)
    seen: Counter[object] = Counter()
    rounds = DRAWS // count
    for _ in range(rounds):
        seen.update(distinct(random, count, 100))
    # Those of one round are no independent draws: they differ, which makes the sum less than chance would.
    assert chi_square(seen, 100, rounds * count) < ONE_IN_A_THOUSAND[99]


def test_records_of_a_table() -> None:
    table = Table()
    for n in range(200):
        assert not table.find(b"%d" % n)
        insert_member(table, b"%d" % n)
    random = Random(4)
    seen: Counter[object] = Counter()
    for _ in range(DRAWS // 20):
        places = list(distinct_records(random, 20, table))
        assert len(set(places)) == 20
        for place in places:
            table.seek_index(place >> INDEX_BITS, place & INDEX_MASK)
            seen[table.key()] += 1
    assert chi_square(seen, 200, DRAWS) < ONE_IN_A_THOUSAND[199]
