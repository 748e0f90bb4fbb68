"""A long list: runs of packed elements between two short rows of unpacked elements.

    front (reversed) | runs, first to last | back

Pushes and pops touch only the *rows* `front` and `back`.  When a row is full, its inner half is packed and joined to
the next run.  When it is empty, some elements of that run are unpacked.  Half a row remains in both cases, so that
alternating pushes and pops do not pack and unpack all the time.

An index is found by its absolute position among the runs (`run_row.py`), which pushes and pops never change.

Elements are `bytes` of any size.  Large elements are never copied.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, pop, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures.run_row import FEW_RUNS, RunRow, moved
from redpoll.structures.runs import WHOLE, element, find, piece, reverse, unpack
from redpoll.structures.segment import BYTES_PER_OBJECT

ROW: Final[i64] = 32
SHORT_ROW: Final[i64] = 8
"""Most elements of a row.  The short one is for lists of few runs: an object an element would weigh there."""

FIRST_STEP: Final[i64] = 512
"""How many elements a search looks at before it looks at eight times as many."""

RUN_OVERHEAD: Final[i64] = 72
ROW_OVERHEAD: Final[i64] = 56
"""Bytes that a run and an element of a row take on top of their own."""


@mypyc_attr(acyclic=True)
class Chunks(RunRow):
    """See the module's docstring.  Pushes and pops are O(1) on average, the rest O(log runs) and what it copies."""

    def __init__(self) -> None:
        super().__init__()
        self.front: list[bytes] = []
        self.back: list[bytes] = []
        self.count: i64 = 0
        self.row: i64 = SHORT_ROW
        """Most elements of `front` and of `back`."""

    # Ends.

    def push_front(self, item: bytes) -> None:
        """Put `item` before the first element."""
        front = self.front
        if len(front) >= self.row:
            self._pack_front(self.row >> 1)
        front.append(item)
        self.count += 1
        self.bytes += len(item)

    def push_back(self, item: bytes) -> None:
        """Put `item` after the last element."""
        back = self.back
        if len(back) >= self.row:
            self._pack_back(self.row >> 1)
        back.append(item)
        self.count += 1
        self.bytes += len(item)

    def pop_front(self) -> bytes:
        """Remove and return the first element.  The list is not empty."""
        front = self.front
        if len(front) == 0:
            if len(self.runs) > self.low:
                self._unpack_front()
            elif len(self.back) > 0:
                item = self.back.pop(0)
                self.count -= 1
                self.bytes -= len(item)
                return item
        item = front.pop()
        self.count -= 1
        self.bytes -= len(item)
        return item

    def pop_back(self) -> bytes:
        """Remove and return the last element.  The list is not empty."""
        back = self.back
        if len(back) == 0:
            if len(self.runs) > self.low:
                self._unpack_back()
            elif len(self.front) > 0:
                item = self.front.pop(0)
                self.count -= 1
                self.bytes -= len(item)
                return item
        item = back.pop()
        self.count -= 1
        self.bytes -= len(item)
        return item

    def _pack_front(self, number: i64) -> None:
        """Pack the `number` elements of `front` that lie inside."""
        items = self.front[:number]
        items.reverse()
        del self.front[:number]
        stop = number
        while stop > 0:
            # From the inside out, because the last piece joins the first run.
            start: i64 = 0
            size = piece(items, 0, stop)
            while start + size < stop:
                start += size
                size = piece(items, start, stop)
            self.add_run(items, start, stop, True)
            stop = start
        self._note_runs()

    def _pack_back(self, number: i64) -> None:
        """Pack the `number` elements of `back` that lie inside."""
        items = self.back[:number]
        del self.back[:number]
        start: i64 = 0
        while start < number:
            stop = start + piece(items, start, number)
            self.add_run(items, start, stop, False)
            start = stop
        self._note_runs()

    def _note_runs(self) -> None:
        """Choose the length of rows by the number of runs."""
        self.row = SHORT_ROW if len(self.runs) - self.low < FEW_RUNS else ROW

    def _unpack_front(self) -> None:
        """Move elements of the first run to the empty `front`."""
        low = self.low
        run = self.runs[low]
        width = self.widths[low]
        number = self.count_of(low)
        half = self.row >> 1
        items: list[bytes] = []
        if number <= self.row:
            unpack(run, width, 0, number, items)
            self.drop_runs(low, low + 1)
        else:
            unpack(run, width, 0, half, items)
            self.cut_run(low, half, number)
        items.reverse()
        for item in items:
            self.bytes += len(item)
        self.front.extend(items)

    def _unpack_back(self) -> None:
        """Move elements of the last run to the empty `back`."""
        last: i64 = len(self.runs) - 1
        run = self.runs[last]
        width = self.widths[last]
        number = self.count_of(last)
        half = self.row >> 1
        items = self.back
        if number <= self.row:
            unpack(run, width, 0, number, items)
            self.drop_runs(last, last + 1)
        else:
            unpack(run, width, number - half, number, items)
            self.cut_run(last, 0, number - half)
        for item in items:
            self.bytes += len(item)

    # Anywhere.

    def get(self, index: i64) -> bytes:
        """The element at `index`, 0 to before `count`."""
        size: i64 = len(self.front)
        if index < size:
            return self.front[size - 1 - index]
        position = self.begin() + index - size
        if position >= self.end:
            return self.back[position - self.end]
        k = self.run_of(position)
        return element(self.runs[k], self.widths[k], position - self.starts[k])

    def set(self, index: i64, item: bytes) -> None:
        """Put `item` in place of the element at `index`.  O(log runs + a run's bytes)."""
        size: i64 = len(self.front)
        if index < size:
            at = size - 1 - index
            self.bytes += len(item) - len(self.front[at])
            self.front[at] = item
            return
        position = self.begin() + index - size
        if position >= self.end:
            at = position - self.end
            self.bytes += len(item) - len(self.back[at])
            self.back[at] = item
            return
        k = self.run_of(position)
        self.splice(k, position - self.starts[k], item, True)

    def insert(self, index: i64, item: bytes) -> None:
        """Put `item` before the element at `index`, or after the last one.  O(runs + a run's bytes)."""
        size: i64 = len(self.front)
        position = self.begin() + index - size
        if index <= size:
            self.front.insert(size - index, item)
            self.bytes += len(item)
            if len(self.front) > ROW:
                self._pack_front(ROW >> 1)
        elif position >= self.end:
            self.back.insert(position - self.end, item)
            self.bytes += len(item)
            if len(self.back) > ROW:
                self._pack_back(ROW >> 1)
        else:
            k = self.run_of(position)
            self.splice(k, position - self.starts[k], item, False)
        self.count += 1

    def remove(self, gone: vec[i64]) -> None:
        """Remove the elements at these indexes, ascending ones.  O(runs + bytes of those concerned)."""
        number: i64 = len(gone)
        if number == 0:
            return
        inside_from: i64 = len(self.front)
        inside_to = inside_from + self.end - self.begin()
        first: i64 = 0
        while first < number and gone[first] < inside_from:
            first += 1
        last = number
        while last > first and gone[last - 1] >= inside_to:
            last -= 1
        # From the end on, so that indexes stay valid.
        k = number - 1
        while k >= last:
            self.bytes -= len(self.back.pop(gone[k] - inside_to))
            k -= 1
        if first < last:
            self.remove_at(gone, first, last, self.begin() - inside_from)
        # The front is reversed, so its end has the first element.
        k = 0
        while k < first:
            self.bytes -= len(self.front.pop(inside_from - 1 - gone[k]))
            k += 1
        self.count -= number

    # Ranges.

    def keep(self, start: i64, stop: i64) -> None:
        """Remove all elements except those from index `start` to before `stop`."""
        self._drop_back(self.count - stop)
        self._drop_front(start)

    def _drop_front(self, number: i64) -> None:
        """Remove the first `number` elements."""
        self.count -= number
        front = self.front
        while number > 0 and len(front) > 0:
            self.bytes -= len(front.pop())
            number -= 1
        first = self.low
        while number > 0 and first < len(self.runs) and self.count_of(first) <= number:
            number -= self.count_of(first)
            first += 1
        if first > self.low:
            self.drop_runs(self.low, first)
        if number > 0 and len(self.runs) > self.low:
            self.cut_run(self.low, number, self.count_of(self.low))
            number = 0
        if number > 0:
            for item in self.back[:number]:
                self.bytes -= len(item)
            del self.back[:number]

    def _drop_back(self, number: i64) -> None:
        """Remove the last `number` elements."""
        self.count -= number
        back = self.back
        while number > 0 and len(back) > 0:
            self.bytes -= len(back.pop())
            number -= 1
        last: i64 = len(self.runs)
        while number > 0 and last > self.low and self.count_of(last - 1) <= number:
            number -= self.count_of(last - 1)
            last -= 1
        if last < len(self.runs):
            self.drop_runs(last, len(self.runs))
        if number > 0 and len(self.runs) > self.low:
            last = len(self.runs) - 1
            self.cut_run(last, 0, self.count_of(last) - number)
            number = 0
        if number > 0:
            for item in self.front[:number]:
                self.bytes -= len(item)
            del self.front[:number]

    def slice(self, start: i64, stop: i64, into: list[bytes]) -> None:
        """Add the elements from index `start` to before `stop`.  O(log runs + elements)."""
        stretches = self.stretches(start, stop)
        k: i64 = 0
        while k < len(stretches.runs):
            number = stretches.counts[k]
            unpack(stretches.runs[k], stretches.widths[k], stretches.firsts[k], stretches.firsts[k] + number, into)
            k += 1

    def stretches(self, start: i64, stop: i64) -> Stretches:
        """The places of the elements from index `start` to before `stop`.  O(log runs + runs concerned)."""
        found = Stretches()
        size: i64 = len(self.front)
        while start < stop and start < size:
            found.add(self.front[size - 1 - start], WHOLE, 0, 1)
            start += 1
        offset = self.begin() - size
        if start < stop and start + offset < self.end:
            k = self.run_of(start + offset)
            while start < stop and k < len(self.runs):
                first = start + offset - self.starts[k]
                number = self.count_of(k) - first
                if number > stop - start:
                    number = stop - start
                found.add(self.runs[k], self.widths[k], first, number)
                start += number
                k += 1
        inside = self.end - offset
        while start < stop:
            found.add(self.back[start - inside], WHOLE, 0, 1)
            start += 1
        return found

    # Searching.

    def find(self, item: bytes, start: i64, stop: i64, most: i64, backward: bool) -> vec[i64]:
        """The indexes, `start` to before `stop`, of the first elements that equal `item`, at most `most` of them.

        In the order of the search: `backward` begins with the last one.  O(elements looked at).
        """
        found = vec[i64]()
        step: i64 = FIRST_STEP
        while start < stop and len(found) < most:
            # Searches in small steps, because the element is often near.
            if backward:
                begin = stop - step if stop - step > start else start
                found = self._find_between(item, begin, stop, most, True, found)
                stop = begin
            else:
                end = start + step if start + step < stop else stop
                found = self._find_between(item, start, end, most, False, found)
                start = end
            step <<= 3
        return found

    def _find_between(self, item: bytes, start: i64, stop: i64, most: i64, backward: bool, found: vec[i64]) -> vec[i64]:
        """Add the matches between two indexes to `found`."""
        stretches = self.stretches(start, stop)
        number: i64 = len(stretches.runs)
        index = stop if backward else start
        n: i64 = 0
        while n < number and len(found) < most:
            k = number - 1 - n if backward else n
            first = stretches.firsts[k]
            count = stretches.counts[k]
            if backward:
                index -= count
            before: i64 = len(found)
            found = find(stretches.runs[k], stretches.widths[k], first, first + count, item, index - first, found)
            if backward:
                reverse(found, before)
            else:
                index += count
            n += 1
        while len(found) > most:
            found, _ = pop(found)
        return found

    # As a whole.

    def size_bytes(self) -> i64:
        """Memory held, in bytes.  O(1)."""
        in_rows: i64 = len(self.front) + len(self.back)
        return 320 + self.bytes + in_rows * ROW_OVERHEAD + len(self.runs) * RUN_OVERHEAD

    def copy(self) -> Chunks:
        """A copy of the list.  O(runs): runs are shared."""
        made = Chunks()
        made.front = self.front.copy()
        made.back = self.back.copy()
        made.runs = self.runs.copy()
        made.widths = moved(self.widths, 0, 0)
        made.starts = moved(self.starts, 0, 0)
        made.low = self.low
        made.end = self.end
        made.count = self.count
        made.bytes = self.bytes
        made.row = self.row
        return made

    def release(self, budget: i64) -> i64:
        """Free some memory of an unused list; return the rest of the budget."""
        while budget > 0 and len(self.runs) > self.low:
            budget -= 1 + len(self.runs.pop()) // BYTES_PER_OBJECT
        while budget > 0 and len(self.front) > 0:
            budget -= 1 + len(self.front.pop()) // BYTES_PER_OBJECT
        while budget > 0 and len(self.back) > 0:
            budget -= 1 + len(self.back.pop()) // BYTES_PER_OBJECT
        return budget


@mypyc_attr(acyclic=True)
class Stretches:
    """The places of neighbouring elements: in each of `runs`, `counts` elements from number `firsts` on.

    References immutable bytes only, so it stays valid when the list changes.
    """

    def __init__(self) -> None:
        self.runs: list[bytes] = []
        self.widths: vec[i64] = vec[i64]()
        self.firsts: vec[i64] = vec[i64]()
        self.counts: vec[i64] = vec[i64]()

    def add(self, run: bytes, width: i64, first: i64, count: i64) -> None:
        """Add a stretch."""
        self.runs.append(run)
        self.widths = append(self.widths, width)
        self.firsts = append(self.firsts, first)
        self.counts = append(self.counts, count)
