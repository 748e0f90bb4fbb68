"""LATENCY GRAPH and LATENCY DOCTOR: the picture of an event's spikes, and a diagnosis with advice in our own words."""

from __future__ import annotations

from typing import Final

from redpoll.engine.engine import Engine
from redpoll.engine.latency import AOF_FSYNC_ALWAYS, AOF_WRITE, COMMAND, EXPIRE_CYCLE, EXPIRE_DEL, FAST_COMMAND, Series

COLUMNS: Final = 80
ROWS: Final = 4
MARKS: Final = "_o#"

DISABLED: Final = (
    b"Latency monitoring is disabled in this redpoll instance. To enable it, use "
    b'"CONFIG SET latency-monitor-threshold <milliseconds>".\n'
)
NOTHING: Final = b"No latency spike was observed in this redpoll instance.\n"
FOUND: Final = "Latency spikes were observed in this redpoll instance.\n\n"


def ago(seconds: int) -> str:
    """A span as `5s`, `3m`, `2h`, `4d`."""
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m"
    if seconds < 86400:
        return f"{seconds // 3600}h"
    return f"{seconds // 86400}d"


def graph(event: bytes, series: Series, now_s: int) -> bytes:
    """The newest samples side by side, each as a column.  The height shows the duration, the text below the age."""
    samples = series.samples()[-COLUMNS:]
    values = [ms for _at_s, ms in samples]
    low, high = min(values), max(values)
    span = max(high - low, 1)
    steps = ROWS * len(MARKS) - 1
    heights = [(ms - low) * steps // span for ms in values]
    name = event.decode("utf-8", "surrogateescape")
    lines = [f"{name} - high {high} ms, low {low} ms (all time high {series.greatest_ms} ms)", "-" * COLUMNS]
    for row in range(ROWS - 1, -1, -1):
        line = ""
        for height in heights:
            top = height // len(MARKS)
            if top == row:
                line += MARKS[height % len(MARKS)]
            else:
                line += "|" if top > row else " "
        lines.append(line)
    labels = [ago(max(now_s - at_s, 0)) for at_s, _ms in samples]
    lines.append(" " * len(labels))
    for at in range(max([len(label) for label in labels])):
        lines.append("".join([label[at] if at < len(label) else " " for label in labels]))
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def diagnosis(engine: Engine) -> bytes:
    """The events with their figures and advice."""
    monitor = engine.outliers.latency
    if monitor.threshold_ms == 0:
        return DISABLED
    if len(monitor.series) == 0:
        return NOTHING
    text = FOUND
    now_s = engine.moment.now_us // 1000000
    for number, (event, series) in enumerate(monitor.series.items()):
        text += event_line(number + 1, event.decode("utf-8", "surrogateescape"), series, now_s)
    text += "\nHere is some advice for you:\n\n"
    for advice in advices(engine):
        text += f"- {advice}\n"
    return text.encode("utf-8", "surrogateescape")


def event_line(number: int, event: str, series: Series, now_s: int) -> str:
    """Figures of one event: the mean of its samples, their mean deviation, and their mean interval."""
    samples = series.samples()
    mean = sum([ms for _at_s, ms in samples]) // len(samples)
    deviation = sum([abs(ms - mean) for _at_s, ms in samples]) // len(samples)
    period_s = max(now_s - samples[0][0], 1) / len(samples)
    return (
        f"{number}. {event}: {len(samples)} latency spikes (average {mean}ms, mean deviation {deviation}ms, "
        f"period {period_s:.2f} sec). Worst all time event {series.greatest_ms}ms.\n"
    )


def advices(engine: Engine) -> list[str]:
    """Advice for the recorded events."""
    outliers = engine.outliers
    found: list[str] = []
    if COMMAND in outliers.latency.series or FAST_COMMAND in outliers.latency.series:
        slow_us = outliers.slow.threshold
        if slow_us < 0 or slow_us > outliers.latency.threshold_ms * 1000:
            found.append(
                "SLOWLOG does not see all commands that are spikes here: set commandlog-execution-slower-than to "
                f"{outliers.latency.threshold_ms * 1000} (microseconds) or less."
            )
        found.append("SLOWLOG GET shows which commands were slow; those that are O(n) want smaller values or SCAN.")
    if FAST_COMMAND in outliers.latency.series:
        found.append(
            "Commands that are fast by nature were slow: other programs on this machine, swapping or a virtual "
            "machine that was held up may be the reason."
        )
    if EXPIRE_CYCLE in outliers.latency.series:
        found.append("Many keys reach their deadline at the same time: spread their TTLs.")
    if EXPIRE_DEL in outliers.latency.series:
        found.append("Strings of many megabytes reach their deadline, and are freed at once: keep smaller ones.")
    if AOF_WRITE in outliers.latency.series or AOF_FSYNC_ALWAYS in outliers.latency.series:
        found.append(
            "The disk made commands wait: use a faster one, another one than the programs that write much, or "
            "appendfsync everysec. While a snapshot or a rewrite is written, no-appendfsync-on-rewrite yes helps."
        )
    if len(found) == 0:
        found.append("Look at LATENCY HISTORY and LATENCY GRAPH of the events above.")
    return found
