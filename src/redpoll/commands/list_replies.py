"""Elements of lists as replies.  The encoder reads them from the list's immutable bytes; no objects are created."""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from redpoll.protocol.reply import ARRAY, RunView, View
from redpoll.structures.chunks import Stretches
from redpoll.structures.runs import VARIED, place_of, unpack
from redpoll.types.list import List


@mypyc_attr(acyclic=True)
class Packed(RunView):
    """Neighbouring elements of a packed list."""

    def __init__(self, count: i64, holder: bytes, place: i64) -> None:
        super().__init__(count)
        self.holder = holder
        self.width = VARIED
        self.place: i64 = place

    def start(self) -> None:
        self.left = 0

    def enter(self) -> None:
        self.at = self.place
        self.left = self.count


@mypyc_attr(acyclic=True)
class Elements(RunView):
    """Neighbouring elements of a large list."""

    def __init__(self, count: i64, stretches: Stretches) -> None:
        super().__init__(count)
        self.stretches = stretches
        self.next: i64 = 0

    def start(self) -> None:
        self.next = 0
        self.left = 0

    def enter(self) -> None:
        stretches = self.stretches
        k = self.next
        run = stretches.runs[k]
        width = stretches.widths[k]
        self.next = k + 1
        self.holder = run
        self.width = width
        self.left = stretches.counts[k]
        self.at = place_of(run, width, stretches.firsts[k])


@mypyc_attr(acyclic=True)
class Backward(View):
    """Neighbouring elements, the last one first.  One run at a time is unpacked."""

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


def elements(value: List, start: i64, stop: i64) -> View:
    """The elements of a list from index `start` to before `stop`, as they are now."""
    if value.is_large():
        return Elements(stop - start, value.stretches(start, stop))
    return Packed(stop - start, value.blob, place_of(value.blob, VARIED, start, value.start))
