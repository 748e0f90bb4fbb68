"""What calls in process do by the way: delete keys past their deadline and free what was dropped, a little at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from redpoll.client.store import Store
from redpoll.engine.engine import CALL_KEYS, REST_US, SHORT_REST_US
from redpoll.env.clock import VirtualClock

CALLS: list[Callable[[Store], object]] = [
    lambda store: store.get("other"),
    lambda store: store.set("other", "value"),
    lambda store: store.delete("nobody"),
    lambda store: store.incr("counter"),
    lambda store: store.hset("hash", "field", "value"),
    lambda store: store.hget("hash", "field"),
    lambda store: store.zadd("board", "member", 1),
    lambda store: store.zrank("board", "member"),
    lambda store: store.execute("PING"),
]


def filled(count: int) -> tuple[Store, VirtualClock]:
    """A store of `count` keys that expire after a millisecond, and its clock."""
    clock = VirtualClock()
    store = Store(clock)
    for number in range(count):
        store.execute("SET", f"key:{number}", "value", "PX", 1)
    return store, clock


def volatile(store: Store) -> int:
    """Keys with a deadline that are in memory, expired or not."""
    return store.engine.databases[0].table.volatile


@pytest.mark.parametrize("call", CALLS)
def test_any_call_deletes_a_bounded_number_of_expired_keys(call: Callable[[Store], object]) -> None:
    store, clock = filled(10 * CALL_KEYS)
    clock.advance_ms(100)
    left = volatile(store)
    call(store)
    # A whole bucket more than was asked for at most.
    assert left - CALL_KEYS - 32 <= volatile(store) <= left - CALL_KEYS
    left = volatile(store)
    call(store)
    assert volatile(store) == left, "time has not moved on"


def test_all_of_them_go_by_calls_alone() -> None:
    store, clock = filled(5000)
    clock.advance_ms(2)
    calls = 0
    while volatile(store) > 0:
        clock.at_us += 20
        store.get("other")
        calls += 1
        assert calls < 200_000
    # A short rest after each slice but the last one.
    assert calls >= 5000 // (CALL_KEYS + 32) * SHORT_REST_US // 20 - REST_US // 20


def test_a_clock_that_was_put_back_does_not_end_it() -> None:
    store, clock = filled(10)
    clock.at_us -= 3_600_000_000
    store.execute("SET", "brief", "value", "PX", 1)
    clock.advance_ms(20)
    store.get("other")
    assert volatile(store) == 10


def test_calls_free_what_was_dropped() -> None:
    store, clock = filled(0)
    for number in range(20_000):
        store.set(f"key:{number}", "value")
    store.execute("FLUSHALL", "ASYNC")
    reclaimer = store.engine.reclaimer
    assert reclaimer.pending() == 1
    calls = 0
    while reclaimer.pending() > 0:
        clock.at_us += SHORT_REST_US
        store.get("other")
        calls += 1
        assert calls < 1000
    assert reclaimer.freed == 20_000


def test_expiry_that_is_switched_off_stays_off() -> None:
    store, clock = filled(10)
    store.engine.expiry.is_on = False
    clock.advance_ms(100)
    store.get("other")
    assert volatile(store) == 10
    assert store.get("key:1") is None
    assert volatile(store) == 9
