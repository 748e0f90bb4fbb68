"""The present: its three clocks, and what it is before anything happens."""

from __future__ import annotations

from redpoll.keyspace.access import COUNTING, FIRST_COUNT
from redpoll.keyspace.events import SET
from redpoll.keyspace.moment import AWAITED, NOTIFIED, REPLACEMENT_AWAITED, TRACKED, WATCHED, Listener, Moment


def test_one_instant_in_three_units() -> None:
    moment = Moment(Listener())
    moment.set_time(1_700_000_000_123_999)
    assert (moment.now_us, moment.now_ms, moment.clock) == (
        1_700_000_000_123_999, 1_700_000_000_123, 1_700_000_000 & 0xFFFFFF,
    )  # fmt: skip
    moment.set_time(0)
    assert (moment.now_us, moment.now_ms, moment.clock) == (0, 0, 0)


def test_at_first_nobody_listens_and_everything_is_deleted_and_touched() -> None:
    moment = Moment(Listener())
    assert (moment.interest, moment.awaited, moment.used_bytes, moment.changes) == (0, 0, 0, 0)
    assert (moment.hits, moment.misses, moment.expired) == (0, 0, 0)
    assert moment.touching
    assert moment.deleting_expired


def test_interests_are_bits_of_their_own() -> None:
    bits = (WATCHED, TRACKED, NOTIFIED, AWAITED, REPLACEMENT_AWAITED)
    assert sum(bits) == 2 ** len(bits) - 1


def test_a_listener_may_ignore_all_that_it_is_told() -> None:
    listener = Listener()
    listener.changed(0, b"k", SET)
    listener.grown(0, b"k")
    listener.replaced(0, None)
    listener.exchanged(0)
    listener.expiring()
    listener.expired(0, b"k")
    listener.evicted(0, b"k")
    listener.over_limit()


def test_a_new_key_starts_with_the_present_clock_under_either_kind_of_policy() -> None:
    moment = Moment(Listener())
    moment.set_time(1_700_000_000_123_999)
    assert moment.first_clock() == 1_700_000_000 & 0xFFFFFF
    moment.counting = COUNTING
    moment.set_time(moment.now_us)
    # No key's clock is equal to it: each look-up counts.
    assert moment.clock > 0xFFFFFF
    assert moment.first_clock() == (1_700_000_000 // 60 & 0xFFFF) << 8 | FIRST_COUNT
