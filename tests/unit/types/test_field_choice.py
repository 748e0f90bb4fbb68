"""Fields by chance: as many as asked for, none past its deadline, each as likely as any other."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.unit.structures.test_sampling import ONE_IN_A_THOUSAND, chi_square

from redpoll.env.random import Random
from redpoll.types.field_choice import different, repeated
from redpoll.types.hash import Hash

DRAWS = 30_000


def filled(count: int, past: int, large: bool) -> Hash:
    """`count` fields that live and `past` ones that do not."""
    made = Hash()
    if large:
        made.put(b"long", b"v" * 2000)
        made.remove(b"long")
    for n in range(count + past):
        field = b"field:%d" % n
        made.put(field, b"value:%d" % n)
        if n >= count:
            assert made.locate(field)
            made.set_located_deadline(5)
    made.set_time(10)
    return made


def pairs(rows: list[bytes]) -> list[bytes]:
    for field, value in zip(rows[::2], rows[1::2], strict=True):
        assert field.replace(b"field", b"value") == value
    return rows[::2]


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("past", [0, 10, 200])
def test_each_draw_is_as_likely_as_any_other(large: bool, past: int) -> None:
    value = filled(10, past, large)
    seen: Counter[object] = Counter(pairs(repeated(value, Random(1), DRAWS)))
    assert set(seen) == {b"field:%d" % n for n in range(10)}
    assert chi_square(seen, 10, DRAWS) < ONE_IN_A_THOUSAND[9]


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("past", [0, 50, 900])
@pytest.mark.parametrize("count", [1, 10, 40, 90])
def test_each_of_several_is_as_likely_as_any_other(large: bool, past: int, count: int) -> None:
    value = filled(100, past, large)
    random = Random(2)
    seen: Counter[object] = Counter()
    rounds = 6000 // count
    for _ in range(rounds):
        drawn = pairs(different(value, random, count, 100))
        assert len(drawn) == len(set(drawn)) == count
        seen.update(drawn)
    assert len(seen) <= 100
    # Those of one round are no independent draws: they differ, which makes the sum less than chance would.
    assert chi_square(seen, 100, rounds * count) < ONE_IN_A_THOUSAND[99]


@pytest.mark.parametrize("large", [False, True])
def test_nothing_to_draw(large: bool) -> None:
    assert repeated(filled(0, 30, large), Random(3), 5) == []
    assert repeated(filled(1, 3000, large), Random(3), 2) == [b"field:0", b"value:0"] * 2
