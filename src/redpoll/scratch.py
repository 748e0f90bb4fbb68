"""Whether scratch objects may outlive a call.

Reusing a writer saves creating one for each call.  Compiled, a function that neither waits nor calls foreign code is
not interrupted by another thread, so all engines of a process can share a writer.  Interpreted, a function can be
interrupted between any two steps, so it creates its own writer:

    out = _scratch if SHARED else BytesWriter()
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64


def wraps(almost: i64) -> bool:
    """Whether `i64` wraps (compiled), given bit 62: only interpreted code can double it."""
    return (almost << 2) == 0


COMPILED: Final = wraps(1 << 62)
"""Whether this code runs compiled."""

SHARED: Final = COMPILED
"""Whether engines in several threads may share objects that are kept between calls."""
