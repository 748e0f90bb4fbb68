"""The rate limiters: never more than the limit, and less memory than calls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from examples.rate_limiter import (
    KINDS,
    FixedWindow,
    GuardedTranslator,
    Limiter,
    SlidingCounter,
    SlidingLog,
    TooManyCalls,
    Translator,
    burst_around_the_border,
    main,
)
from tests.examples.conftest import HandClock

EACH = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@EACH
def test_a_caller_gets_its_limit_and_another_one_its_own(
    client: redis.Redis, clock: HandClock, kind: type[Limiter]
) -> None:
    limiter = kind(client, "api", 3, 60.0, clock=clock)
    assert [limiter.ask("alice").allowed for _ in range(5)] == [True, True, True, False, False]
    assert [limiter.ask("bob").remaining for _ in range(3)] == [2, 1, 0]


@EACH
def test_a_refused_caller_is_served_after_the_time_told(
    client: redis.Redis, clock: HandClock, kind: type[Limiter]
) -> None:
    limiter = kind(client, "api", 3, 60.0, clock=clock)
    while (refusal := limiter.ask("alice")).allowed:
        clock.now += 1
    assert 0 < refusal.retry_after <= 120
    clock.now += refusal.retry_after + 0.001
    assert limiter.ask("alice").allowed


@EACH
def test_threads_together_never_pass_the_limit(client: redis.Redis, clock: HandClock, kind: type[Limiter]) -> None:
    limiter = kind(client, "api", 10, 60.0, clock=clock)
    with ThreadPoolExecutor(8) as pool:
        passed = sum(decision.allowed for decision in pool.map(limiter.ask, ["alice"] * 80))
    assert passed <= 10
    if kind is FixedWindow:
        assert passed == 10


@EACH
def test_every_counter_goes_by_itself(client: redis.Redis, clock: HandClock, kind: type[Limiter]) -> None:
    kind(client, "api", 10, 60.0, clock=clock).ask("alice")
    keys = list(client.scan_iter("rate:*"))
    assert keys
    assert all(60_000 <= client.pttl(key) <= 130_000 for key in keys)


def test_only_the_fixed_window_lets_twice_the_limit_pass_around_its_border(client: redis.Redis) -> None:
    passed = {kind: burst_around_the_border(client, kind, 10) for kind in KINDS.values()}
    assert passed[FixedWindow] == 20
    assert passed[SlidingLog] == 10
    assert 10 <= passed[SlidingCounter] <= 11


def test_a_refused_call_does_not_reach_the_service(client: redis.Redis, clock: HandClock) -> None:
    service = Translator()
    guarded = GuardedTranslator(service, SlidingLog(client, "api", 2, 60.0, clock=clock))
    assert guarded.translate("alice", "abc") == "cba"
    guarded.translate("alice", "abc")
    with pytest.raises(TooManyCalls) as refusal:
        guarded.translate("alice", "abc")
    assert refusal.value.retry_after == pytest.approx(60.0)
    assert service.calls == 2


def test_the_demonstration(url: str, client: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--url", url, "--limit", "5"])
    told = capsys.readouterr().out
    assert "fixed window: of a burst around the border of two windows 10 calls passed" in told
    assert "the service ran 5 times, 5 calls were refused" in told
