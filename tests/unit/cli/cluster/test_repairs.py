"""Plans for troubled slots, carried out against a small model: one owner, all keys, nothing open."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from redpoll.cli.cluster.findings import Open
from redpoll.cli.cluster.repairs import Repair, Slot, plan_repair

NAMES = ["a", "b", "c", "d"]
EPOCHS = {name: n for n, name in enumerate(NAMES)}
LOADS = {"a": 10, "b": 5, "c": 7, "d": 9}


def plan(claims: str = "", migrating: str = "", importing: str = "", **keys: int) -> Repair:
    """`migrating="ab"`: a exports the slot to b; `importing="ba"`: b imports it from a."""
    marks = Open(dict([tuple(migrating)]) if migrating else {}, dict([tuple(importing)]) if importing else {})
    return plan_repair(Slot(7, list(claims), marks, {name: keys.get(name, 0) for name in NAMES}), EPOCHS, LOADS)


def test_a_move_that_stopped_half_way_is_finished() -> None:
    found = plan("a", "ab", "ba", a=3, b=4)
    assert (found.owner, found.finish_from, found.gather) == ("b", "a", [])


def test_keys_elsewhere_follow_a_finished_move() -> None:
    assert plan("a", "ab", "ba", a=3, c=1).gather == ["c"]


def test_a_slot_that_only_its_owner_has_opened_is_closed() -> None:
    found = plan("a", "ab", a=3, b=2)
    assert (found.owner, found.finish_from, found.close, found.gather, found.claim) == ("a", "", ["a"], ["b"], False)


def test_a_slot_that_only_another_node_has_opened_is_closed() -> None:
    found = plan("a", "", "ba", b=2)
    assert (found.owner, found.close, found.gather) == ("a", ["b"], ["b"])


def test_marks_that_do_not_fit_together_are_no_move() -> None:
    assert plan("a", "ab", "bc").finish_from == ""
    assert plan("a", "ab", "ca").finish_from == ""
    assert plan("ab", "ab", "ba").finish_from == ""
    assert plan("b", "bb", "bb").finish_from == ""


def test_of_several_owners_the_one_with_most_keys_keeps_it() -> None:
    found = plan("abc", a=1, b=5, c=2)
    assert (found.owner, found.claim, found.drop, found.gather) == ("b", True, ["a", "c"], ["a", "c"])


def test_of_several_owners_without_keys_the_newest_keeps_it() -> None:
    assert plan("abc").owner == "c"


def test_a_slot_without_an_owner_goes_where_its_keys_are() -> None:
    found = plan("", c=2, a=1)
    assert (found.owner, found.claim, found.gather) == ("c", True, ["a"])


def test_a_slot_without_an_owner_and_keys_goes_to_a_marked_node_or_the_least_loaded() -> None:
    assert plan("", "ab").owner == "a"
    assert plan("").owner == "b"


slots = st.builds(
    lambda claims, migrating, importing, keys: Slot(7, sorted(claims), Open(migrating, importing), keys),
    st.sets(st.sampled_from(NAMES)),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from([*NAMES, "gone"]), max_size=3),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from([*NAMES, "gone"]), max_size=3),
    st.fixed_dictionaries({name: st.integers(0, 3) for name in NAMES}),
)


@given(slots)
def test_every_slot_ends_with_one_owner_that_has_all_keys(slot: Slot) -> None:
    repair = plan_repair(slot, EPOCHS, LOADS)
    owners = set(slot.claims)
    marked = {*slot.marks.migrating, *slot.marks.importing}
    keys = dict(slot.keys)
    assert repair.owner in NAMES
    if repair.finish_from:
        assert repair.finish_from in owners
        keys[repair.owner] += keys[repair.finish_from]
        keys[repair.finish_from] = 0
        owners = {repair.owner}
        marked -= {repair.finish_from, repair.owner}
    marked -= set(repair.close)
    owners -= set(repair.drop)
    if repair.claim:
        owners.add(repair.owner)
    for name in repair.gather:
        assert name not in owners
        keys[repair.owner] += keys[name]
        keys[name] = 0
    assert owners == {repair.owner}
    assert marked == set()
    assert keys[repair.owner] == sum(slot.keys.values())
