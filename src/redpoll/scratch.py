"""Whether scratch objects may outlive a call.

A writer that is kept saves making one for each call.  Compiled, a function that neither waits nor runs anybody else's
code is not held up by another thread, so all engines of a process may share it.  Interpreted, it is held up between
any two steps, and makes a writer of its own:

    out = _scratch if SHARED else BytesWriter()
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64


def wraps(almost: i64) -> bool:
    """Whether words are those of the machine, given the 62nd bit: only interpreted does it have a double."""
    return (almost << 2) == 0


COMPILED: Final = wraps(1 << 62)
"""Whether this code runs compiled, as it can tell by itself."""

SHARED: Final = COMPILED
"""Whether engines in several threads may share what is kept between calls."""
