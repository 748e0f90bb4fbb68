"""The runs of a long list: packed elements with absolute positions.  `runs.py` describes the packing.

`starts` has the position of each run's first element.  Pushes and pops at the ends never change these positions, so
binary search finds an element.  The columns begin at `low`; cells before it are free for runs at the front.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, extend, pop, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures.packed import patched, spliced
from redpoll.structures.runs import (
    RUN_BYTES,
    VARIED,
    VARIED_COUNT,
    WHOLE,
    WHOLE_FROM,
    cut,
    joined,
    joined_width,
    next_place,
    pack,
    piece,
    place_of,
    record,
    unpack,
    width_of,
    without,
)

FEW_RUNS: Final[i64] = 4
"""So many more cells than are in use are no waste."""


@mypyc_attr(acyclic=True)
class RunRow:
    """See the module's docstring.  `bytes` is the sum of the elements' bytes, with the lengths that runs keep."""

    def __init__(self) -> None:
        self.runs: list[bytes] = []
        self.widths: vec[i64] = vec[i64]()
        self.starts: vec[i64] = vec[i64]()
        self.low: i64 = 0
        self.end: i64 = 0
        """The absolute position after the last run."""
        self.bytes: i64 = 0

    # Finding.

    def begin(self) -> i64:
        """The absolute position of the first element of a run."""
        return self.starts[self.low] if len(self.runs) > self.low else self.end

    def count_of(self, k: i64) -> i64:
        """Number of elements of run `k`."""
        following = self.starts[k + 1] if k + 1 < len(self.runs) else self.end
        return following - self.starts[k]

    def run_of(self, position: i64) -> i64:
        """The run that the element at an absolute position is in.  O(log runs)."""
        starts = self.starts
        first = self.low
        last: i64 = len(starts) - 1
        while first < last:
            middle = (first + last + 1) >> 1
            if starts[middle] <= position:
                first = middle
            else:
                last = middle - 1
        return first

    # At the ends.

    def add_run(self, items: list[bytes], start: i64, stop: i64, first: bool) -> None:
        """Make a run of `items[start:stop]`, a piece, and put it before all others or after them."""
        width = width_of(items, start, stop)
        run = pack(items, start, stop, width)
        self.bytes += len(run)
        at = start
        while at < stop:
            self.bytes -= len(items[at])
            at += 1
        number = stop - start
        last: i64 = len(self.runs) - 1
        if first:
            self._put_first(run, width, number)
        elif last >= self.low and self._join(last, self.end - self.starts[last], run, width, number):
            self.end += number
        else:
            self.runs.append(run)
            self.widths = append(self.widths, width)
            self.starts = append(self.starts, self.end)
            self.end += number

    def _join(self, k: i64, count: i64, run: bytes, width: i64, number: i64) -> bool:
        """Join `run` of `number` elements to run `k` of `count`, if they fit together.

        `bytes` includes both already.
        """
        before = self.runs[k]
        both = joined_width(before, self.widths[k], count, run, width, number)
        if both == WHOLE:
            return False
        made = joined(before, self.widths[k], run, width)
        self.bytes += len(made) - len(before) - len(run)
        self.runs[k] = made
        self.widths[k] = both
        return True

    def _put_first(self, run: bytes, width: i64, number: i64) -> None:
        low = self.low
        if len(self.runs) > low:
            after = self.runs[low]
            both = joined_width(run, width, number, after, self.widths[low], self.count_of(low))
            if both != WHOLE:
                made = joined(run, width, after, self.widths[low])
                self.bytes += len(made) - len(after) - len(run)
                self.runs[low] = made
                self.widths[low] = both
                self.starts[low] -= number
                return
        if low == 0:
            self._make_room()
        low = self.low - 1
        start = self.begin() - number
        self.low = low
        self.runs[low] = run
        self.widths[low] = width
        self.starts[low] = start

    def _make_room(self) -> None:
        """Move the runs back, to make room before them."""
        room: i64 = (len(self.runs) >> 1) + 4
        runs = [b""] * room
        runs.extend(self.runs)
        self.runs = runs
        self.widths = moved(self.widths, 0, room)
        self.starts = moved(self.starts, 0, room)
        self.low = room

    def cut_run(self, k: i64, start: i64, stop: i64) -> None:
        """Keep only elements `start` to before `stop` of run `k`, the first or the last run."""
        run = self.runs[k]
        made = cut(run, self.widths[k], start, stop)
        self.bytes += len(made) - len(run)
        self.runs[k] = made
        if k == self.low:
            self.starts[k] += start
            if k + 1 == len(self.runs):
                self.end = self.starts[k] + stop - start
        else:
            self.end = self.starts[k] + stop

    def drop_runs(self, first: i64, last: i64) -> None:
        """Remove runs `first` to before `last`: the first ones or the last ones."""
        k = first
        while k < last:
            self.bytes -= len(self.runs[k])
            k += 1
        if last == len(self.runs):
            if first < last:
                self.end = self.starts[first]
            del self.runs[first:]
            k = last
            while k > first:
                self.widths, _ = pop(self.widths)
                self.starts, _ = pop(self.starts)
                k -= 1
        else:
            k = first
            while k < last:
                self.runs[k] = b""
                k += 1
            self.low = last
        self._give_back()

    def _give_back(self) -> None:
        """Shrink the columns if they are more than twice as long as needed."""
        number: i64 = len(self.runs) - self.low
        if number == 0:
            self.runs = []
            self.widths = vec[i64]()
            self.starts = vec[i64]()
            self.low = 0
        elif self.low > number + FEW_RUNS:
            room = (number >> 1) + FEW_RUNS
            self.runs = [b""] * room + self.runs[self.low :]
            self.widths = moved(self.widths, self.low, room)
            self.starts = moved(self.starts, self.low, room)
            self.low = room

    # Anywhere.

    def splice(self, k: i64, n: i64, item: bytes, replacing: bool) -> None:
        """Put `item` before element `n` of run `k`, or in its place."""
        run = self.runs[k]
        width = self.widths[k]
        size: i64 = len(item)
        at = place_of(run, width, n)
        end = next_place(run, width, at) if replacing else at
        if width > 0 and size == width:
            made = patched(run, at, item) if replacing else spliced(run, at, at, item)
        elif width == WHOLE and replacing and size >= WHOLE_FROM:
            made = item
        elif width == VARIED and size < WHOLE_FROM and (replacing or self.count_of(k) < VARIED_COUNT):
            made = spliced(run, at, end, record(item))
        else:
            made = b""
        if len(made) == 0 or (len(made) > RUN_BYTES and width != WHOLE):
            self._repack(k, n, item, replacing)
            return
        self.bytes += len(made) - len(run)
        self.runs[k] = made
        if not replacing:
            self._shift(k + 1, 1)

    def _repack(self, k: i64, n: i64, item: bytes, replacing: bool) -> None:
        """`splice` for the case that the result is not a single run of the same width."""
        run = self.runs[k]
        items: list[bytes] = []
        number = self.count_of(k)
        unpack(run, self.widths[k], 0, number, items)
        if replacing:
            items[n] = item
        else:
            items.insert(n, item)
        runs: list[bytes] = []
        widths = vec[i64]()
        starts = vec[i64]()
        start: i64 = 0
        stop: i64 = len(items)
        while start < stop:
            end = _half_or_all(items, start, stop)
            width = width_of(items, start, end)
            made = pack(items, start, end, width)
            self.bytes += len(made)
            runs.append(made)
            widths = append(widths, width)
            starts = append(starts, self.starts[k] + start)
            start = end
        self.bytes -= len(run)
        self.runs[k : k + 1] = runs
        self.widths = _replaced(self.widths, k, widths)
        self.starts = _replaced(self.starts, k, starts)
        if not replacing:
            self._shift(k + len(runs), 1)
        if len(runs) == 1 and k > self.low:
            self._join_following(k - 1)

    def _join_following(self, k: i64) -> None:
        """Join run `k` and the next one, if both are short and fit together."""
        following = k + 1
        run = self.runs[following]
        if self._join_run(k, self.starts[following], run, self.widths[following], self.count_of(following)):
            del self.runs[following]
            self.widths = _closed(self.widths, following, following + 1)
            self.starts = _closed(self.starts, following, following + 1)

    def _shift(self, k: i64, by: i64) -> None:
        """Move the positions of run `k` and those after it."""
        starts = self.starts
        stop: i64 = len(starts)
        while k < stop:
            starts[k] += by
            k += 1
        self.end += by

    def remove_at(self, gone: vec[i64], first: i64, last: i64, offset: i64) -> None:
        """Remove the elements of runs that have the absolute positions `gone[first:last] + offset`.

        Runs from the first concerned to the last are rewritten in place, one after another; what follows moves up.
        """
        removed = last - first
        read = self.run_of(gone[first] + offset)
        write = read
        position = self.starts[read]
        while first < last:
            run = self.runs[read]
            width = self.widths[read]
            start = self.starts[read]
            number = self.count_of(read)
            here = first
            while here < last and gone[here] + offset < start + number:
                here += 1
            left = number - (here - first)
            if left > 0:
                kept = without(run, width, gone, first, here, start - offset) if here > first else run
                self.bytes += len(kept) - len(run)
                if write == self.low or not self._join_run(write - 1, position, kept, width, left):
                    self.runs[write] = kept
                    self.widths[write] = width
                    self.starts[write] = position
                    write += 1
                position += left
            else:
                self.bytes -= len(run)
            first = here
            read += 1
        self._shift(read, -removed)
        if write < read:
            del self.runs[write:read]
            self.widths = _closed(self.widths, write, read)
            self.starts = _closed(self.starts, write, read)
            self._give_back()

    def _join_run(self, k: i64, stop: i64, run: bytes, width: i64, number: i64) -> bool:
        """Join `run` to run `k`, which ends at position `stop`, if both are short and go together."""
        before = self.runs[k]
        if len(run) + len(before) > RUN_BYTES >> 1:
            return False
        return self._join(k, stop - self.starts[k], run, width, number)


def moved(column: vec[i64], first: i64, room: i64) -> vec[i64]:
    """A copy of the column from `first` on, after `room` cells that are free."""
    made = vec[i64](capacity=room + len(column) - first)
    while room > 0:
        made = append(made, 0)
        room -= 1
    return extend(made, column[first:]) if first > 0 else extend(made, column)


def _closed(column: vec[i64], start: i64, stop: i64) -> vec[i64]:
    """The column without the cells from `start` to before `stop`."""
    size: i64 = len(column)
    while stop < size:
        column[start] = column[stop]
        start += 1
        stop += 1
    while len(column) > start:
        column, _ = pop(column)
    return column


def _replaced(column: vec[i64], k: i64, cells: vec[i64]) -> vec[i64]:
    """The column with `cells` in place of cell `k`."""
    made = extend(vec[i64](capacity=len(column) + len(cells)), column[:k])
    made = extend(made, cells)
    return extend(made, column[k + 1 :])


def _half_or_all(items: list[bytes], start: i64, stop: i64) -> i64:
    """The end of the next run of `items`.

    If nearly all would fit, it takes half of them, so that both runs have room.
    """
    size = piece(items, start, stop)
    left = stop - start
    if size < left and size > left >> 1:
        size = (left + 1) >> 1
    return start + size
