"""The slots whose keys clients do not see.  `foo` has the slot 12182, `bar` the slot 5061."""

from __future__ import annotations

from redpoll.keyspace.hidden import Hidden


def test_only_the_keys_of_hidden_slots_are_hidden() -> None:
    hidden = Hidden()
    assert not hidden.holds(b"foo")
    hidden.hide([12182])
    assert hidden.any
    assert hidden.holds(b"foo") and hidden.holds(b"{foo}2") and not hidden.holds(b"bar")
    assert hidden.hides(12182) and not hidden.hides(5061)


def test_slots_are_shown_one_by_one() -> None:
    hidden = Hidden()
    hidden.hide([2, 1])
    assert hidden.slots == [1, 2]
    hidden.show([1])
    assert hidden.any and hidden.slots == [2] and not hidden.hides(1)
    hidden.show([2])
    assert not hidden.any and hidden.slots == []
