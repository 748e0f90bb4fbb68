"""How connections treat the buffers of their replies: once for all clients, set by DEBUG for those who test servers."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

PEAK_RESET_US: Final[i64] = 5_000_000
NEVER: Final[i64] = -1


class ReplyBuffers:
    """See the module's docstring.

    peak_reset_us  how long the largest size of a buffer is remembered; NEVER: for good
    resizing       whether a buffer shrinks that was used for less than half its size in that time
    in_pieces      whether each reply becomes a piece of its own, behind which the buffer is empty
    """

    def __init__(self) -> None:
        self.peak_reset_us: i64 = PEAK_RESET_US
        self.resizing = True
        self.in_pieces = False
