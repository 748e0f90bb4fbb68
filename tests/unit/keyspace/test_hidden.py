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


def test_keys_are_counted_for_each_slot_and_database() -> None:
    hidden = Hidden()
    hidden.hide([1, 2])
    hidden.add(0, 1, 3, 1)
    hidden.add(0, 2, 5, 0)
    hidden.add(1, 1, 7, 2)
    hidden.add(0, 1, -1, 1)
    assert (hidden.keys_in(0), hidden.timed_in(0)) == (7, 2)
    assert (hidden.keys_in(1), hidden.timed_in(1)) == (7, 2)
    hidden.forget([2])
    assert hidden.keys_in(0) == 2 and hidden.hides(2)


def test_a_slot_that_is_shown_takes_its_counts_with_it() -> None:
    hidden = Hidden()
    hidden.hide([1, 2])
    hidden.add(0, 1, 3, 1)
    hidden.add(0, 2, 5, 2)
    hidden.show([1])
    assert hidden.any and not hidden.hides(1)
    assert (hidden.keys_in(0), hidden.timed_in(0)) == (5, 2)
    hidden.show([2])
    assert not hidden.any
    assert (hidden.keys_in(0), hidden.timed_in(0)) == (0, 0)
