"""List: elements in order, packed as one VARIED run (`structures/runs.py`) or, once large, in `Chunks`.

An index in the packed form is found by a walk over lengths (about a nanosecond each), so a list leaves that form at
PACKED_LIMIT bytes.  Beside the chunks it keeps the `Nodes` that the reference would have, because OBJECT ENCODING
follows them; it is kept in `kind`.  As in the reference, a `listpack` becomes a `quicklist` before new elements would
exceed `list-max-listpack-size`.  It turns back after removals, when the rest takes half of that size.  A quicklist is
never packed.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from redpoll.scratch import SHARED
from redpoll.structures import runs
from redpoll.structures.chunks import Chunks, Stretches
from redpoll.structures.mover import Mover
from redpoll.structures.packed import words_bytes
from redpoll.structures.runs import SHORT, VARIED, element_at, place_of, record, record_end, write_record
from redpoll.structures.segment import Outside
from redpoll.types.kinds import LIST_LISTPACK, LIST_QUICKLIST, EncodingLimits
from redpoll.types.list_nodes import SAFE_BYTES, Nodes, exceeds, most_bytes_of
from redpoll.types.listpack import FRAME_BYTES, entry_bytes
from redpoll.types.value import Value

PACKED_LIMIT: Final[i64] = 1024
PACKED_AGAIN: Final[i64] = 512
"""Below this many bytes a list is packed again; the gap keeps it from flapping."""
LIGHT_RUNS: Final[i64] = 8
"""A list with no more runs is copied in a few microseconds."""
EVERY: Final[i64] = 1 << 60
"""As the most that `find` finds: no limit."""

_scratch: Final = BytesWriter()


@mypyc_attr(acyclic=True, free_list_len=1)
class List(Value):
    """See the module's docstring.  Pushes and pops are O(1) on average, the rest O(log elements + those concerned).

    Methods with a parameter `limits` may turn the list into a quicklist, even if the caller then changes nothing.
    """

    def __init__(self) -> None:
        super().__init__(LIST_LISTPACK)
        self.chunks: Chunks | None = None
        self.nodes: Nodes | None = None

    def is_large(self) -> bool:
        return self.chunks is not None

    def is_empty(self) -> bool:
        chunks = self.chunks
        return chunks.count == 0 if chunks is not None else self.start == self.stop

    def count(self) -> i64:
        """Number of elements.  O(1), packed: O(elements)."""
        chunks = self.chunks
        if chunks is not None:
            return chunks.count
        blob = self.blob
        at = self.start
        stop = self.stop
        found: i64 = 0
        while at < stop:
            length: i64 = blob[at]
            at = at + 1 + length if length < SHORT else record_end(blob, at)
            found += 1
        return found

    def get(self, index: i64) -> bytes:
        """The element at `index`, 0 to before `count`."""
        chunks = self.chunks
        if chunks is not None:
            return chunks.get(index)
        return element_at(self.blob, VARIED, place_of(self.blob, VARIED, index, self.start))

    def slice(self, start: i64, stop: i64) -> list[bytes]:
        """The elements from index `start` to before `stop`."""
        found: list[bytes] = []
        chunks = self.chunks
        if chunks is not None:
            chunks.slice(start, stop, found)
        else:
            runs.unpack(self.packed(), VARIED, start, stop, found)
        return found

    def stretches(self, start: i64, stop: i64) -> Stretches:
        """The places of the elements from index `start` to before `stop`, for a reply without objects."""
        chunks = self.chunks
        if chunks is not None:
            return chunks.stretches(start, stop)
        found = Stretches()
        found.add(self.packed(), VARIED, start, stop - start)
        return found

    def find(self, item: bytes, start: i64, stop: i64, most: i64, backward: bool) -> vec[i64]:
        """The indexes, `start` to before `stop`, of the first elements that equal `item`, at most `most` of them.

        In the order of the search: `backward` begins with the last one.  O(elements looked at).
        """
        chunks = self.chunks
        if chunks is not None:
            return chunks.find(item, start, stop, most, backward)
        found = runs.find(self.packed(), VARIED, start, stop, item, 0, vec[i64]())
        return runs.first_of(found, most, backward)

    # Changing.

    def push(self, args: list[bytes], at: i64, front: bool, limits: EncodingLimits) -> None:
        """Push the elements of `args` from `at` on, one after another, before the first or after the last element."""
        number: i64 = len(args) - at
        size: i64 = len(args[at])
        if number > 1:
            size = words_bytes(args, at)
        if self.kind == LIST_LISTPACK:
            self._make_room(number, size, limits)
        if self.chunks is None:
            # A length takes a byte or two.
            if self.stop - self.start + size + 2 * number <= PACKED_LIMIT:
                self._push_packed(args, at, front)
                return
            self._unpack()
        chunks = self.chunks
        nodes = self.nodes
        assert chunks is not None and nodes is not None
        stop: i64 = len(args)
        while at < stop:
            item = args[at]
            if front:
                chunks.push_front(item)
            else:
                chunks.push_back(item)
            nodes.push(item, front)
            at += 1

    def _push_packed(self, args: list[bytes], at: i64, front: bool) -> None:
        stop: i64 = len(args)
        place = self.start if front else self.stop
        if stop - at == 1:
            self.splice(place, place, record(args[at]))
            return
        out = _scratch if SHARED else BytesWriter()
        out.truncate(0)
        if front:
            while stop > at:
                stop -= 1
                write_record(out, args[stop])
        else:
            while at < stop:
                write_record(out, args[at])
                at += 1
        self.splice(place, place, out.getvalue())

    def pop(self, front: bool) -> bytes:
        """Remove and return the first or the last element.  The list is not empty."""
        self.puts = 1
        chunks = self.chunks
        nodes = self.nodes
        if chunks is not None and nodes is not None:
            item = chunks.pop_front() if front else chunks.pop_back()
            nodes.popped(item, front)
            return item
        blob = self.blob
        at = self.start
        end = record_end(blob, at)
        while not front and end < self.stop:
            at = end
            end = record_end(blob, at)
        self.splice(at, end, b"")
        return element_at(blob, VARIED, at)

    def keep(self, start: i64, stop: i64) -> None:
        """Remove all elements except those from index `start` to before `stop`."""
        self.puts = 1
        chunks = self.chunks
        nodes = self.nodes
        if chunks is not None and nodes is not None:
            nodes.keep(chunks, start, stop)
            chunks.keep(start, stop)
        else:
            self.rewrite(runs.cut(self.packed(), VARIED, start, stop))

    def set(self, index: i64, item: bytes) -> None:
        """Put `item` in place of the element at `index`, after `make_room`."""
        self.puts = 1
        if self.chunks is None:
            at = place_of(self.blob, VARIED, index, self.start)
            end = record_end(self.blob, at)
            if self.stop - self.start - (end - at) + len(item) + 2 <= PACKED_LIMIT:
                self.splice(at, end, record(item))
                return
            self._unpack()
        chunks = self.chunks
        nodes = self.nodes
        assert chunks is not None and nodes is not None
        nodes.set(chunks, index, item)
        chunks.set(index, item)

    def insert(self, index: i64, after: bool, item: bytes) -> None:
        """Put `item` before or after the element at `index`, after `make_room`."""
        if self.chunks is None:
            if self.stop - self.start + len(item) + 2 <= PACKED_LIMIT:
                at = place_of(self.blob, VARIED, index + 1 if after else index, self.start)
                self.splice(at, at, record(item))
                return
            self._unpack()
        chunks = self.chunks
        nodes = self.nodes
        assert chunks is not None and nodes is not None
        nodes.insert(chunks, index, after, item)
        chunks.insert(index + 1 if after else index, item)

    def remove(self, gone: vec[i64], item: bytes) -> None:
        """Remove the elements at these indexes, ascending ones, which all equal `item`."""
        self.puts = 1
        chunks = self.chunks
        nodes = self.nodes
        if chunks is not None and nodes is not None:
            nodes.remove(gone, item)
            chunks.remove(gone)
        else:
            self.rewrite(runs.without(self.packed(), VARIED, gone, 0, len(gone), 0))

    # Encodings.

    def make_room(self, item: bytes, limits: EncodingLimits) -> bool:
        """Become a quicklist if `item` does not fit into a listpack; return whether that was so."""
        return self.kind == LIST_LISTPACK and self._make_room(1, len(item), limits)

    def _make_room(self, number: i64, size: i64, limits: EncodingLimits) -> bool:
        """Become a quicklist if `number` elements of `size` bytes together do not fit into a listpack."""
        limit = limits.list_size
        chunks = self.chunks
        nodes = self.nodes
        if chunks is not None and nodes is not None:
            held = nodes.total_bytes() if chunks.count > 0 else FRAME_BYTES
            if not exceeds(limit, chunks.count, held, number, size):
                return False
        else:
            # An entry takes at most twice the bytes of its record, and a record at least one byte.
            packed = self.stop - self.start
            held = FRAME_BYTES + 2 * packed + size
            if held <= (most_bytes_of(limit) if limit < 0 else SAFE_BYTES) and (limit < 0 or packed + number <= limit):
                return False
            items = self.slice(0, self.count())
            held = FRAME_BYTES
            for item in items:
                held += entry_bytes(item)
            if not exceeds(limit, len(items), held, number, size):
                return False
            self._unpack()
            nodes = self.nodes
        assert nodes is not None
        self.kind = LIST_QUICKLIST
        nodes.set_limit(limit, limits.list_compress_depth > 0)
        return True

    def apply_limits(self, limits: EncodingLimits) -> None:
        # Only called after a removal or a replacement, because other methods do not set `puts`.
        nodes = self.nodes
        chunks = self.chunks
        if nodes is None or chunks is None:
            return
        if self.kind == LIST_QUICKLIST:
            if not nodes.shrinks(limits.list_size, 2):
                return
            self._to_listpack(nodes)
        if chunks.bytes + chunks.count <= PACKED_AGAIN:
            self._pack()

    def fill(self, items: list[bytes], limits: EncodingLimits) -> None:
        """Fill a new list with existing elements: as a quicklist, unless they fit into a listpack."""
        self._unpack()
        self.kind = LIST_QUICKLIST
        chunks = self.chunks
        nodes = self.nodes
        assert chunks is not None and nodes is not None
        nodes.set_limit(limits.list_size, limits.list_compress_depth > 0)
        for item in items:
            chunks.push_back(item)
            nodes.push(item, False)
        self._end_filling(chunks, nodes, limits)

    def fill_nodes(
        self, items: list[bytes], counts: vec[i64], sizes: vec[i64], limits: EncodingLimits, shrinking: bool = True
    ) -> None:
        """Take elements into a new list, in nodes of so many elements and bytes, as a file has them.

        The bytes of a plain node are a negative number.  Unless it is `shrinking`, it is a quicklist, however small.
        """
        self._unpack()
        self.kind = LIST_QUICKLIST
        chunks = self.chunks
        nodes = self.nodes
        assert chunks is not None and nodes is not None
        nodes.set_limit(limits.list_size, limits.list_compress_depth > 0)
        for item in items:
            chunks.push_back(item)
        nodes.counts = counts
        nodes.sizes = sizes
        if shrinking:
            self._end_filling(chunks, nodes, limits)

    def _end_filling(self, chunks: Chunks, nodes: Nodes, limits: EncodingLimits) -> None:
        """Take the smallest form for the elements there are."""
        if nodes.shrinks(limits.list_size, 1):
            self._to_listpack(nodes)
            if chunks.bytes + chunks.count <= PACKED_AGAIN:
                self._pack()

    def _to_listpack(self, nodes: Nodes) -> None:
        self.kind = LIST_LISTPACK
        nodes.lift_limits()

    def _unpack(self) -> None:
        """Take the native form."""
        items = self.slice(0, self.count())
        chunks = Chunks()
        nodes = Nodes()
        size = FRAME_BYTES
        for item in items:
            chunks.push_back(item)
            size += entry_bytes(item)
        if len(items) > 0:
            nodes.become_one(len(items), size)
        self.chunks = chunks
        self.nodes = nodes
        self.rewrite(b"")

    def _pack(self) -> None:
        """Switch to the packed form."""
        items = self.slice(0, self.count())
        out = _scratch if SHARED else BytesWriter()
        out.truncate(0)
        for item in items:
            write_record(out, item)
        self.chunks = None
        self.nodes = None
        self.rewrite(out.getvalue())

    # As a whole.

    def rows(self) -> list[bytes]:
        return self.slice(0, self.count())

    def size_bytes(self) -> i64:
        chunks = self.chunks
        nodes = self.nodes
        if chunks is None or nodes is None:
            return 216 + len(self.blob)
        return 216 + chunks.size_bytes() + nodes.size_bytes()

    def copy(self) -> Outside:
        made = List()
        made.stand_beside(self.kind, self.packed())
        chunks = self.chunks
        nodes = self.nodes
        if chunks is not None and nodes is not None:
            made.chunks = chunks.copy()
            made.nodes = nodes.copy()
        return made

    def is_light(self) -> bool:
        chunks = self.chunks
        return chunks is None or len(chunks.runs) <= LIGHT_RUNS

    def move_piece(self, mover: Mover, at: i64) -> i64:
        chunks = self.chunks
        if chunks is None:
            return -1
        if at == 0:
            mover.row(chunks.front)
            mover.row(chunks.back)
            return 1
        k = chunks.low + at - 1
        if k >= len(chunks.runs):
            return -1
        chunks.runs[k] = mover.bytes_(chunks.runs[k])
        return at + 1

    def in_pieces(self) -> bool:
        return True

    def release(self, budget: i64) -> i64:
        chunks = self.chunks
        return chunks.release(budget) if chunks is not None else budget - 1


def built(items: list[bytes], limits: EncodingLimits) -> List:
    """A new list of these elements, for SORT STORE and for loading files."""
    made = List()
    made.fill(items, limits)
    return made
