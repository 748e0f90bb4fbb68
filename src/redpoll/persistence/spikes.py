"""Durations of work on files, for LATENCY.  While its monitor is off, the clock is not read."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.engine.engine import Engine


def begun_us(engine: Engine) -> i64:
    """The time in µs at which some work begins; 0 while the monitor is off."""
    return engine.clock.now_us() if engine.outliers.latency.threshold_ms != 0 else i64(0)


def record(engine: Engine, event: bytes, since_us: i64) -> None:
    """Record work that began at `since_us`, the result of `begun_us`."""
    if since_us != 0:
        now_us = engine.clock.now_us()
        engine.outliers.latency.note(event, now_us - since_us, now_us)
