"""DEBUG CLIENT-EVICTION: the number of clients by size."""

from __future__ import annotations

from typing import Final

from redpoll.engine.engine import Engine

SMALL_BITS: Final = 15
LARGE_BITS: Final = 32
"""The first class has clients below 2^15 bytes.  Each further class doubles the size; the last begins at 2^32."""


def size_lines(engine: Engine) -> bytes:
    """A line for each class with the total memory of its clients.  O(clients)."""
    classes = LARGE_BITS - SMALL_BITS + 2
    sums = [0] * classes
    counts = [0] * classes
    for session in engine.sessions.values():
        held = int(session.held_bytes())
        at = min(max(held.bit_length() - SMALL_BITS, 0), classes - 1)
        sums[at] += held
        counts[at] += 1
    text = ""
    for at in range(classes):
        first = 1 << (SMALL_BITS + at - 1) if at > 0 else 0
        last = f" - {(1 << (SMALL_BITS + at)) - 1:>10}" if at < classes - 1 else "+            "
        text += f"bucket {first:>10}{last}: tot-mem: {sums[at]:>10}, clients: {counts[at]}\n"
    return text.encode()
