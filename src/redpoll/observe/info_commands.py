"""INFO's sections about commands: commandstats, errorstats, latencystats."""

from __future__ import annotations

from redpoll.engine.command import CATALOGUE
from redpoll.engine.engine import Engine
from redpoll.observe.histogram import Histogram


def command_lines(engine: Engine) -> list[str]:
    """Each command that was called or refused, by name."""
    counters = engine.counters
    lines = []
    for name, command in sorted(CATALOGUE.items()):
        at = command.index
        calls = counters.calls(at)
        if calls or counters.rejected[at] or counters.failed[at]:
            usec = counters.usec(at)
            mean = float(usec) / float(calls) if calls else 0.0
            lines.append(
                f"cmdstat_{name.decode()}:calls={calls},usec={usec},usec_per_call={mean:.2f},"
                f"rejected_calls={counters.rejected[at]},failed_calls={counters.failed[at]}"
            )
    return lines


def error_lines(engine: Engine) -> list[str]:
    """Errors by code."""
    errors = engine.counters.errors
    return [f"errorstat_{code.decode('utf-8', 'surrogateescape')}:count={errors[code]}" for code in sorted(errors)]


def latency_lines(engine: Engine) -> list[str]:
    """Percentiles of each command that was called; nothing while `latency-tracking` is off."""
    if not engine.counters.tracking:
        return []
    lines = []
    for name, command in sorted(CATALOGUE.items()):
        histogram = Histogram(engine.counters.tracked, command.index)
        if histogram.calls > 0:
            shown = [f"p{percent:.15g}={histogram.percentile(percent):.3f}" for percent in engine.outliers.percentiles]
            lines.append(f"latency_percentiles_usec_{name.decode()}:{','.join(shown)}")
    return lines
