"""Walks over sets of every form, and asking sets of every form for the member that a walk stands at."""

from __future__ import annotations

import pytest

from redpoll.structures.hashing import hash_of
from redpoll.types.kinds import SET_HASHTABLE, SET_INTSET, SET_LISTPACK, EncodingLimits
from redpoll.types.set import Set
from redpoll.types.set_walk import holds, walk_over

# Equal lengths that differ in one place, numbers and what only looks like one, both ends of 64 bits, long ones.
WORDS = [
    b"", b"a", b"b", b"a" * 8, b"a" * 7 + b"b", b"a" * 20, b"b" + b"a" * 19, b"a" * 19 + b"b", b"a" * 9 + b"b" + b"a" * 10,
    b"01", b"-0", b"+1", b"9223372036854775808",
]  # fmt: skip
NUMBERS = [b"0", b"1", b"-1", b"7", b"70000", b"-4611686018427387904", b"9223372036854775807", b"-9223372036854775808"]


def set_of(members: list[bytes]) -> Set:
    """A set that has taken the form that its members give it."""
    value = Set()
    limits = EncodingLimits()
    for member in members:
        value.expect(member, 1, limits)
        value.add(member, limits)
    return value


FORMS = {
    "nothing": [],
    "numbers": NUMBERS[::2],
    "other numbers": NUMBERS[1::2],
    "words": WORDS[::2],
    "words and numbers": [*WORDS[1::2], *NUMBERS[::3]],
    "a table of words": [*WORDS[::3], *(b"filling:%d" % n for n in range(300)), b"a" * 300],
    "a table of numbers": [*NUMBERS, *(b"%d" % (n * 1_000_003) for n in range(1, 3000))],
}


@pytest.mark.parametrize("members", FORMS.values(), ids=FORMS)
def test_a_walk_comes_to_every_member_once(members: list[bytes]) -> None:
    value = set_of(members)
    walk = walk_over(value)
    found = []
    while walk.step():
        found.append(walk.member())
        if walk.hash >= 0:
            assert walk.hash == hash_of(walk.member())
        if walk.numeric:
            assert b"%d" % walk.number == walk.member()
        else:
            assert walk.blob[walk.start : walk.stop] == walk.member()
    assert not walk.step()
    assert found == value.rows()
    assert sorted(found) == sorted(members)


def test_the_forms_are_those_that_are_meant() -> None:
    forms = {name: set_of(members) for name, members in FORMS.items()}
    assert {name: value.kind for name, value in forms.items() if name != "nothing"} == {
        "numbers": SET_INTSET,
        "other numbers": SET_INTSET,
        "words": SET_LISTPACK,
        "words and numbers": SET_LISTPACK,
        "a table of words": SET_HASHTABLE,
        "a table of numbers": SET_HASHTABLE,
    }
    assert [name for name, value in forms.items() if value.is_large()] == ["a table of words", "a table of numbers"]


@pytest.mark.parametrize("ours", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("theirs", FORMS.values(), ids=FORMS)
def test_a_set_says_whether_it_holds_what_a_walk_stands_at(ours: list[bytes], theirs: list[bytes]) -> None:
    value, content = set_of(ours), set(ours)
    walk = walk_over(set_of(theirs))
    while walk.step():
        assert holds(value, walk) == (walk.member() in content), walk.member()
