"""A long list: runs of packed elements between two short rows of elements as they came.

    front (reversed) | runs[low] runs[low + 1] ... | back

Pushes and pops touch only the *rows* `front` and `back`.  When a row is full, the half of it that lies inside is
packed and joined to the next run; when it is empty, some elements of that run are unpacked.  Half a row is left either
way, so that pushes and pops by turns do not pack and unpack all the time.

Elements of runs have *absolute positions*: `starts` has that of each run's first element, which pushes and pops never
change, so an index is found by binary search.  The columns begin at `low`: what lies before it is free for runs that
come at the front.

Elements are `bytes` of any size; `runs.py` tells how they are packed.  Nothing here copies a large one.
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
    element,
    find,
    joined,
    joined_width,
    next_place,
    pack,
    piece,
    place_of,
    record,
    reverse,
    unpack,
    width_of,
    without,
)
from redpoll.structures.segment import BYTES_PER_OBJECT

ROW: Final[i64] = 32
SHORT_ROW: Final[i64] = 8
"""Most elements of a row.  The short one is for lists of few runs: an object an element would weigh there."""
FEW_RUNS: Final[i64] = 4

FIRST_STEP: Final[i64] = 512
"""How many elements a search looks at before it looks at eight times as many."""

RUN_OVERHEAD: Final[i64] = 72
ROW_OVERHEAD: Final[i64] = 56
"""Bytes that a run and an element of a row take on top of their own."""


@mypyc_attr(acyclic=True)
class Chunks:
    """See the module's docstring.  Pushes and pops are O(1) on average, the rest O(log runs) and what it copies."""

    def __init__(self) -> None:
        self.front: list[bytes] = []
        self.back: list[bytes] = []
        self.runs: list[bytes] = []
        self.widths: vec[i64] = vec[i64]()
        self.starts: vec[i64] = vec[i64]()
        self.low: i64 = 0
        self.end: i64 = 0
        """The absolute position behind the last run."""
        self.count: i64 = 0
        self.bytes: i64 = 0
        """Of all elements, with the lengths that runs keep of them."""
        self.row: i64 = SHORT_ROW

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
        """Put `item` behind the last element."""
        back = self.back
        if len(back) >= self.row:
            self._pack_back(self.row >> 1)
        back.append(item)
        self.count += 1
        self.bytes += len(item)

    def pop_front(self) -> bytes:
        """Take the first element of a list that is not empty."""
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
        """Take the last element of a list that is not empty."""
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
            # From the inside out: the last piece of what is left joins the first run.
            start: i64 = 0
            size = piece(items, 0, stop)
            while start + size < stop:
                start += size
                size = piece(items, start, stop)
            self._add_run(items, start, stop, True)
            stop = start
        self._note_runs()

    def _pack_back(self, number: i64) -> None:
        """Pack the `number` elements of `back` that lie inside."""
        items = self.back[:number]
        del self.back[:number]
        start: i64 = 0
        while start < number:
            stop = start + piece(items, start, number)
            self._add_run(items, start, stop, False)
            start = stop
        self._note_runs()

    def _add_run(self, items: list[bytes], start: i64, stop: i64, first: bool) -> None:
        """Make a run of `items[start:stop]`, a piece, and put it before all others or behind them."""
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
        """Join `run` of `number` elements to run `k` of `count`, if they go together.  `bytes` counts both already."""
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
            both = joined_width(run, width, number, after, self.widths[low], self._count_of(low))
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
        """Move the runs back, so that others may come before them."""
        room: i64 = (len(self.runs) >> 1) + 4
        runs = [b""] * room
        runs.extend(self.runs)
        self.runs = runs
        self.widths = _moved(self.widths, 0, room)
        self.starts = _moved(self.starts, 0, room)
        self.low = room

    def _note_runs(self) -> None:
        """Choose the length of rows by the number of runs."""
        self.row = SHORT_ROW if len(self.runs) - self.low < FEW_RUNS else ROW

    def _unpack_front(self) -> None:
        """Move elements of the first run to the empty `front`."""
        low = self.low
        run = self.runs[low]
        width = self.widths[low]
        number = self._count_of(low)
        half = self.row >> 1
        items: list[bytes] = []
        if number <= self.row:
            unpack(run, width, 0, number, items)
            self._drop_runs(low, low + 1)
        else:
            unpack(run, width, 0, half, items)
            self._cut(low, half, number)
        items.reverse()
        for item in items:
            self.bytes += len(item)
        self.front.extend(items)

    def _unpack_back(self) -> None:
        """Move elements of the last run to the empty `back`."""
        last: i64 = len(self.runs) - 1
        run = self.runs[last]
        width = self.widths[last]
        number = self._count_of(last)
        half = self.row >> 1
        items = self.back
        if number <= self.row:
            unpack(run, width, 0, number, items)
            self._drop_runs(last, last + 1)
        else:
            unpack(run, width, number - half, number, items)
            self._cut(last, 0, number - half)
        for item in items:
            self.bytes += len(item)

    # Runs.

    def begin(self) -> i64:
        """The absolute position of the first element of a run."""
        return self.starts[self.low] if len(self.runs) > self.low else self.end

    def _count_of(self, k: i64) -> i64:
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

    def _cut(self, k: i64, start: i64, stop: i64) -> None:
        """Leave of run `k`, the first or the last, elements `start` to before `stop` only."""
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

    def _drop_runs(self, first: i64, last: i64) -> None:
        """Take runs `first` to before `last` away: the first ones or the last ones."""
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
        """Make the columns shorter when they are more than twice as long as they need to be."""
        self._note_runs()
        number: i64 = len(self.runs) - self.low
        if number == 0:
            self.runs = []
            self.widths = vec[i64]()
            self.starts = vec[i64]()
            self.low = 0
        elif self.low > number + FEW_RUNS:
            room = (number >> 1) + FEW_RUNS
            self.runs = [b""] * room + self.runs[self.low :]
            self.widths = _moved(self.widths, self.low, room)
            self.starts = _moved(self.starts, self.low, room)
            self.low = room

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
        """Put `item` in the place of the element at `index`.  O(log runs + a run's bytes)."""
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
        self._splice(k, position - self.starts[k], item, True)

    def insert(self, index: i64, item: bytes) -> None:
        """Put `item` before the element at `index`, or behind the last one.  O(runs + a run's bytes)."""
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
            self._splice(k, position - self.starts[k], item, False)
        self.count += 1

    def _splice(self, k: i64, n: i64, item: bytes, replacing: bool) -> None:
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
        elif width == VARIED and size < WHOLE_FROM and (replacing or self._count_of(k) < VARIED_COUNT):
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
        """`_splice` where what comes of it is no single run of the same width any more."""
        run = self.runs[k]
        items: list[bytes] = []
        number = self._count_of(k)
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
        """Join run `k` and the next one, if both are short and go together."""
        following = k + 1
        run = self.runs[following]
        if self._join_run(k, self.starts[following], run, self.widths[following], self._count_of(following)):
            del self.runs[following]
            self.widths = _closed(self.widths, following, following + 1)
            self.starts = _closed(self.starts, following, following + 1)

    def _shift(self, k: i64, by: i64) -> None:
        """Move the positions of run `k` and those behind it."""
        starts = self.starts
        stop: i64 = len(starts)
        while k < stop:
            starts[k] += by
            k += 1
        self.end += by

    def remove(self, gone: vec[i64]) -> None:
        """Take the elements at these indexes away, ascending ones.  O(runs + bytes of those concerned)."""
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
        # From the end on, so that indexes stay true.
        k = number - 1
        while k >= last:
            self.bytes -= len(self.back.pop(gone[k] - inside_to))
            k -= 1
        if first < last:
            self._remove_inside(gone, first, last, self.begin() - inside_from)
        # The front is reversed, so there the end is where the first one is.
        k = 0
        while k < first:
            self.bytes -= len(self.front.pop(inside_from - 1 - gone[k]))
            k += 1
        self.count -= number

    def _remove_inside(self, gone: vec[i64], first: i64, last: i64, offset: i64) -> None:
        """Take the elements of runs away that have the absolute positions `gone[first:last] + offset`.

        Runs from the first concerned to the last are rewritten in place, one behind another; what follows moves up.
        """
        removed = last - first
        read = self.run_of(gone[first] + offset)
        write = read
        position = self.starts[read]
        while first < last:
            run = self.runs[read]
            width = self.widths[read]
            start = self.starts[read]
            number = self._count_of(read)
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

    # Ranges.

    def keep(self, start: i64, stop: i64) -> None:
        """Take all elements away but those from index `start` to before `stop`."""
        self._drop_back(self.count - stop)
        self._drop_front(start)

    def _drop_front(self, number: i64) -> None:
        """Take the first `number` elements away."""
        self.count -= number
        front = self.front
        while number > 0 and len(front) > 0:
            self.bytes -= len(front.pop())
            number -= 1
        first = self.low
        while number > 0 and first < len(self.runs) and self._count_of(first) <= number:
            number -= self._count_of(first)
            first += 1
        if first > self.low:
            self._drop_runs(self.low, first)
        if number > 0 and len(self.runs) > self.low:
            self._cut(self.low, number, self._count_of(self.low))
            number = 0
        if number > 0:
            for item in self.back[:number]:
                self.bytes -= len(item)
            del self.back[:number]

    def _drop_back(self, number: i64) -> None:
        """Take the last `number` elements away."""
        self.count -= number
        back = self.back
        while number > 0 and len(back) > 0:
            self.bytes -= len(back.pop())
            number -= 1
        last: i64 = len(self.runs)
        while number > 0 and last > self.low and self._count_of(last - 1) <= number:
            number -= self._count_of(last - 1)
            last -= 1
        if last < len(self.runs):
            self._drop_runs(last, len(self.runs))
        if number > 0 and len(self.runs) > self.low:
            last = len(self.runs) - 1
            self._cut(last, 0, self._count_of(last) - number)
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
        """Where the elements from index `start` to before `stop` lie.  O(log runs + runs concerned)."""
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
                number = self._count_of(k) - first
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
            # Bit by bit, as what is searched for is often near.
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
        """Add to `found` what `find` is to find there."""
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
        """Another list of the same elements.  O(runs): they are shared."""
        made = Chunks()
        made.front = self.front.copy()
        made.back = self.back.copy()
        made.runs = self.runs.copy()
        made.widths = _moved(self.widths, 0, 0)
        made.starts = _moved(self.starts, 0, 0)
        made.low = self.low
        made.end = self.end
        made.count = self.count
        made.bytes = self.bytes
        made.row = self.row
        return made

    def release(self, budget: i64) -> i64:
        """Give back some memory of a list that nobody uses any more; what is left of the budget."""
        while budget > 0 and len(self.runs) > self.low:
            budget -= 1 + len(self.runs.pop()) // BYTES_PER_OBJECT
        while budget > 0 and len(self.front) > 0:
            budget -= 1 + len(self.front.pop()) // BYTES_PER_OBJECT
        while budget > 0 and len(self.back) > 0:
            budget -= 1 + len(self.back.pop()) // BYTES_PER_OBJECT
        return budget


@mypyc_attr(acyclic=True)
class Stretches:
    """Where neighbouring elements lie: in each of `runs`, `counts` of them from number `firsts` on.

    Holds immutable bytes only, so it stays true whatever happens to the list.
    """

    def __init__(self) -> None:
        self.runs: list[bytes] = []
        self.widths: vec[i64] = vec[i64]()
        self.firsts: vec[i64] = vec[i64]()
        self.counts: vec[i64] = vec[i64]()

    def add(self, run: bytes, width: i64, first: i64, count: i64) -> None:
        """One more stretch."""
        self.runs.append(run)
        self.widths = append(self.widths, width)
        self.firsts = append(self.firsts, first)
        self.counts = append(self.counts, count)


def _moved(column: vec[i64], first: i64, room: i64) -> vec[i64]:
    """A copy of the column from `first` on, behind `room` cells that are free."""
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
    """The column with `cells` in the place of cell `k`."""
    made = extend(vec[i64](capacity=len(column) + len(cells)), column[:k])
    made = extend(made, cells)
    return extend(made, column[k + 1 :])


def _half_or_all(items: list[bytes], start: i64, stop: i64) -> i64:
    """Where the next run of `items` ends: half of them if nearly all would fit, so that there is room in both."""
    size = piece(items, start, stop)
    left = stop - start
    if size < left and size > left >> 1:
        size = (left + 1) >> 1
    return start + size
