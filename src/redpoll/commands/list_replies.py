"""Elements of lists as replies that are walked, not built: they lie in the list's own immutable bytes."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.protocol.reply import ARRAY, Parts, View
from redpoll.structures.chunks import Stretches
from redpoll.structures.runs import SHORT, VARIED, WHOLE, place_of, unpack


class Elements(Parts):
    """Neighbouring elements, the first one first."""

    def __init__(self, count: i64, stretches: Stretches) -> None:
        super().__init__(count, ARRAY)
        self.stretches = stretches
        self.next: i64 = 0
        self.left: i64 = 0
        self.varied = False
        self.width: i64 = 0

    def start(self) -> None:
        self.next = 0
        self.left = 0

    def advance(self) -> None:
        if self.left == 0:
            self._enter()
        self.left -= 1
        at = self.end
        if self.varied:
            holder = self.holder
            length: i64 = holder[at]
            at += 1
            if length >= SHORT:
                length = (length & 127) + (i64(holder[at]) << 7)
                at += 1
            self.begin = at
            self.end = at + length
        else:
            self.begin = at
            self.end = at + self.width

    def _enter(self) -> None:
        """Go to before the first element of the next stretch."""
        stretches = self.stretches
        k = self.next
        run = stretches.runs[k]
        width = stretches.widths[k]
        self.next = k + 1
        self.left = stretches.counts[k]
        self.holder = run
        self.end = place_of(run, width, stretches.firsts[k])
        self.varied = width == VARIED
        self.width = len(run) if width == WHOLE else width


class Backward(View):
    """Neighbouring elements, the last one first.  A run at a time is unpacked."""

    def __init__(self, count: i64, stretches: Stretches) -> None:
        super().__init__(count, ARRAY)
        self.stretches = stretches
        self.before: i64 = len(stretches.runs)
        self.items: list[bytes] = []

    def start(self) -> None:
        self.before = len(self.stretches.runs)
        self.items = []

    def step(self) -> bytes:
        items = self.items
        if len(items) == 0:
            stretches = self.stretches
            k = self.before - 1
            self.before = k
            first = stretches.firsts[k]
            unpack(stretches.runs[k], stretches.widths[k], first, first + stretches.counts[k], items)
        return items.pop()
