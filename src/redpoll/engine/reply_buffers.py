"""Settings of all reply buffers.  DEBUG changes them for tests."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

PEAK_RESET_US: Final[i64] = 5_000_000
NEVER: Final[i64] = -1


class ReplyBuffers:
    """See the module's docstring.

    peak_reset_us  how long the largest size of a buffer is remembered; NEVER: without limit
    resizing       whether a buffer shrinks if less than half of it was used in that time
    in_pieces      whether each reply becomes a separate piece, so that the buffer stays empty
    """

    def __init__(self) -> None:
        self.peak_reset_us: i64 = PEAK_RESET_US
        self.resizing = True
        self.in_pieces = False
