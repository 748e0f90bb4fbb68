"""Rates and peaks, on a clock of the test's own."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import Machine

from redpoll.engine.sampler import KEPT, RECENT_SECONDS, Rate, Recent


def test_a_rate_is_the_mean_of_the_last_samples() -> None:
    rate = Rate()
    assert rate.mean() == 0.0
    rate.add(50, 100_000)
    assert rate.mean() == pytest.approx(500 / KEPT)
    for n in range(2, KEPT + 1):
        rate.add(50 * n, 100_000)
    assert rate.mean() == pytest.approx(500)
    rate.add(50 * KEPT + 250, 500_000)
    assert rate.mean() == pytest.approx(500)
    for _ in range(KEPT):
        rate.add(50 * KEPT + 250, 100_000)
    assert rate.mean() == 0.0


def test_a_sum_that_fell_or_no_time_is_no_rate() -> None:
    rate = Rate()
    rate.add(100, 0)
    rate.add(50, 1000)
    assert rate.mean() == 0.0
    rate.add(60, 1000)
    assert rate.mean() == pytest.approx(10_000 / KEPT)
    rate.reset()
    assert rate.mean() == 0.0
    rate.add(5, 1_000_000)
    assert rate.mean() == pytest.approx(5 / KEPT)


def test_the_greatest_of_the_last_seconds() -> None:
    recent = Recent()
    assert recent.most() == 0
    recent.add(70)
    for _ in range(RECENT_SECONDS - 1):
        recent.add(3)
    assert recent.most() == 70
    recent.add(4)
    assert recent.most() == 4


def test_an_engine_samples_its_traffic() -> None:
    machine = Machine()
    engine, sampler = machine.engine, machine.engine.sampler
    traffic = engine.traffic
    for n in range(1, KEPT + 1):
        machine.clock.advance_ms(100)
        traffic.commands, traffic.received, traffic.sent = 10 * n, 100 * n, 1000 * n
        traffic.turns, traffic.active_us = 2 * n, 30 * n
        sampler.sample(machine.clock.now_us())
    assert (sampler.commands.mean(), sampler.received.mean(), sampler.sent.mean()) == pytest.approx((100, 1000, 10_000))
    assert sampler.turn_us() == 15
    sampler.reset()
    assert (sampler.commands.mean(), sampler.received.mean(), sampler.sent.mean(), sampler.turn_us()) == (0, 0, 0, 0)


def test_the_peak_of_memory_and_when_it_was() -> None:
    machine = Machine()
    sampler = machine.engine.sampler
    first = sampler.note_memory(100)
    assert (first, sampler.peak_bytes, sampler.peak_at_us) == (machine.engine.used_memory(), first, 100)
    machine.do("SET", "k", "v" * 100_000)
    machine.clock.advance_ms(100)
    sampler.sample(200)
    grown = machine.engine.used_memory()
    assert (sampler.peak_bytes, sampler.peak_at_us) == (grown, 200)
    machine.do("DEL", "k")
    assert sampler.note_memory(300) < grown
    assert (sampler.peak_bytes, sampler.peak_at_us) == (grown, 200)
    sampler.reset()
    assert sampler.peak_bytes == grown
