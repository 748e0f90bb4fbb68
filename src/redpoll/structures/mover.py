"""The mover: it moves objects out of memory regions that are nearly empty, so that whole regions become free.

A program cannot tell the small-object allocator where to put an object, but it can read the address of an object.
The mover makes a copy.  If the copy is in a sparse region, the mover keeps it as a *filler*, so that its place stays
in use, and makes another copy.  The address of a column cannot be read: the mover allocates and frees a *probe* of
the same size first, and the column gets the place of the probe.  The old object becomes a filler too; otherwise the
next object would get its place.  When all objects are moved and the fillers are freed, the sparse regions are empty.

Objects of more than 512 bytes come from the C library, which uses the smallest hole that fits, wherever it is.  The
mover treats them in the same way, with smaller regions.  The caller holds all larger holes meanwhile (`FreePages`), so
that copies fill small holes and then lie one after another at the end of the heap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter
from librt.vecs import extend, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.scratch import SHARED
from redpoll.structures.regions import Regions

if TYPE_CHECKING:
    from redpoll.structures.segment import Outside

SMALL: Final[i64] = 512
"""Largest size of the small-object allocator, in bytes; its sizes are multiples of ALIGNMENT."""
ALIGNMENT: Final[i64] = 16
HEADER: Final[i64] = 33
"""Bytes of a `bytes` object without its content."""
COLUMN_HEADER: Final[i64] = 24
LIST_HEADER: Final[i64] = 80
OBJECT_BYTES: Final[i64] = 96
"""Approximate bytes of an object without its content."""
MOST_MOVED: Final[i64] = 16384
"""Larger objects are not moved: they share few pages with others."""
HEAP_BITS: Final[i64] = 16
"""Regions of the C library have 64 KB."""
EMPTY_ROW_BYTES: Final[i64] = 64
"""An empty vector of vectors: it has a block that tells the type of its items."""
TRIES: Final[i64] = 64
HEAP_TRIES: Final[i64] = 8
SHELF: Final[i64] = 4096
"""Length of a list of fillers.  A single list of millions would be copied as it grows."""
SPARE_LISTS: Final[i64] = 80
"""Number of freed lists that CPython keeps for reuse.  Each can be in another region."""

_BLANK: Final = bytes(MOST_MOVED)
_BIG: Final[int] = 1 << 40
_scratch: Final = BytesWriter()


@mypyc_attr(acyclic=True)
class Mover:
    """Counts the objects that it is shown.  After `start`, it moves them.

    Every method returns the object that replaces its argument; while the mover counts, the argument itself.
    """

    def __init__(self, anywhere: bool = False) -> None:
        self.regions: Final = Regions()
        self.heap: Final = Regions(HEAP_BITS)
        """Bytes in use of objects of the C library."""
        self.large: i64 = 0
        """Bytes of objects that are not moved because of their size."""
        self.anywhere: Final = anywhere
        """Whether all objects are moved.  For tests."""
        self.counting = True
        self.fillers: list[list[object]] = []
        self.filled: i64 = 0
        self.starved = False
        """Whether TRIES blocks were in sparse regions.  Nothing is moved until `fill` has filled these regions."""
        self.starved_size: i64 = 0
        """The size of the last of these blocks if it is of the C library, else 0."""
        self.moved: i64 = 0
        self.containers: list[Outside] = []
        """Containers whose content is not moved yet."""

    def start(self, known: i64 = 0) -> None:
        """Start to move objects out of sparse regions, which the counts determine.

        `known` is the memory in use by the caller's sum.  What was not shown needs room too: without it, too many
        regions seem to be sparse, and these then keep what cannot be moved.
        """
        self.counting = False
        if not self.anywhere:
            hidden = known - self.regions.total - self.regions.elsewhere - self.heap.total - self.large
            if hidden > 0:
                self.regions.elsewhere += hidden
            for spare in spare_lists():
                self.regions.add(id(spare), OBJECT_BYTES)
            self.regions.choose()
            self.heap.choose()

    def bytes_(self, data: bytes) -> bytes:
        """The same bytes, in another place if they are in a sparse region."""
        size: i64 = len(data) + HEADER
        if self.counting:
            if size <= SMALL:
                self.regions.add(id(data), size)
            elif size <= MOST_MOVED:
                self.heap.add(id(data), size)
            else:
                self.large += size
            return data
        if size > SMALL:
            return self._large_bytes(data, size)
        if size <= HEADER + 1 or self.lies_well(data):
            # The shortest ones are shared by the whole process.
            return data
        made = copied(data)
        while self.is_bad(made):
            made = copied(data)
        if self.starved:
            return data
        self.moved += 1
        self.keep(data)
        return made

    def _large_bytes(self, data: bytes, size: i64) -> bytes:
        """`bytes_` for an object of the C library, of `size` bytes."""
        if size > MOST_MOVED or not (self.anywhere or self.heap.is_sparse(id(data))):
            return data
        made = copied(data)
        tries: i64 = 1
        while self.heap.is_sparse(id(made)):
            self.keep(made)
            if tries == HEAP_TRIES:
                self.starved = True
                self.starved_size = size
                return data
            made = copied(data)
            tries += 1
        self.moved += 1
        self.keep(data)
        return made

    def column(self, column: vec[i64]) -> vec[i64]:
        """The same column; its capacity becomes the next multiple of four."""
        count: i64 = len(column)
        capacity = (count + 3) & ~3
        if self.counting:
            self.regions.elsewhere += COLUMN_HEADER + 8 * capacity
            return column
        if count == 0:
            # Its old content took no room here.
            return vec[i64]()
        # First, because a longer list of fillers would get the claimed place.
        self.keep(column)
        if not self.claim(COLUMN_HEADER + 8 * capacity):
            return column
        return extend(vec[i64](capacity=capacity), column)

    def row(self, items: list[bytes]) -> None:
        """Show all items of a short list.  The list itself is not moved."""
        count: i64 = len(items)
        n: i64 = 0
        while n < count:
            items[n] = self.bytes_(items[n])
            n += 1

    def objects(self, objects: list[Outside]) -> list[Outside]:
        """The list and the objects in it."""
        count: i64 = len(objects)
        n: i64 = 0
        while n < count:
            found = self.outside(objects[n])
            objects[n] = found
            if found.in_pieces():
                self.containers.append(found)
            n += 1
        if self.counting:
            self.regions.elsewhere += LIST_HEADER + 8 * count
            return objects
        # Always: the address of the items of a list cannot be read.
        while self.claim(8 * count):
            made = objects.copy()
            if self.starved:
                break
            if not self.is_bad(made):
                self.keep(objects)
                return made
        return objects

    def outside(self, found: Outside) -> Outside:
        """An object beside its record, with its bytes.  The content of a large container is moved piece by piece."""
        found.key = self.bytes_(found.key)
        found.move_bytes(self)
        if self.counting:
            self.regions.add(id(found), OBJECT_BYTES)
            if not found.is_light() and not found.in_pieces():
                # A text that changes in place.
                self.large += found.size_bytes()
            return found
        if not found.is_light() or (self.lies_well(found) and not found.in_pieces()):
            # The addresses of the parts of a container are not known.
            return found
        size: i64 = type(found).__basicsize__
        # Without this, a container would be copied for each try.
        if not self.claim(size):
            return found
        made = found.copy()
        while self.is_bad(made):
            made = found.copy()
        if self.starved:
            return found
        made.key = found.key
        made.accounted = found.accounted
        self.moved += 1
        self.keep(found)
        return made

    def lies_well(self, found: object) -> bool:
        """Whether an object of up to SMALL bytes can stay where it is."""
        return not self.anywhere and not self.regions.is_sparse(id(found))

    def is_bad(self, made: object) -> bool:
        """Whether a new object is in a sparse region, so that the caller makes another one.  This one becomes a filler.

        False if the mover is starved: the caller then keeps the old object.
        """
        if self.starved or not self.regions.is_sparse(id(made)):
            return False
        self.keep(made)
        self.starved = self.filled & (TRIES - 1) == 0
        self.starved_size = 0
        return not self.starved

    def claim(self, size: i64) -> bool:
        """Prepare a good place for the next object of `size` bytes; return False if the mover is starved."""
        if size <= SMALL:
            while self.is_bad(block(size)):
                pass
        return not self.starved

    def fill(self, size: i64, most: i64) -> bool:
        """Fill up to `most` free blocks of this size in sparse regions; return whether there may be more."""
        self.starved = False
        regions = self.regions if size <= SMALL else self.heap
        while most > 0:
            filler = block(size)
            if not regions.is_sparse(id(filler)):
                return False
            self.keep(filler)
            most -= 1
        return True

    def replace_spare_lists(self) -> None:
        """Replace the freed lists that CPython keeps by lists outside sparse regions."""
        old = spare_lists()
        made: list[list[int]] = []
        while len(made) < SPARE_LISTS:
            spare: list[int] = []
            if self.is_bad(spare):
                continue
            made.append(spare)
            if self.starved:
                break
        # The new ones are freed first, so CPython keeps them and not the old ones.
        made.clear()
        old.clear()

    def keep(self, filler: object) -> None:
        """Keep an object until `release`, so that its place is not used again."""
        if self.filled % SHELF == 0:
            self.fillers.append([])
        self.fillers[-1].append(filler)
        self.filled += 1

    def release(self, most: i64) -> bool:
        """Free up to this many fillers; return whether there are more."""
        fillers = self.fillers
        while most > 0 and len(fillers) > 0:
            shelf = fillers[-1]
            if len(shelf) == 0:
                fillers.pop()
            else:
                shelf.pop()
                most -= 1
        return len(fillers) > 0


def spare_lists() -> list[list[int]]:
    """The freed lists that CPython keeps.  The function gets them by creating the same number of new lists."""
    found: list[list[int]] = []
    while len(found) < SPARE_LISTS:
        found.append([])
    return found


def copied(data: bytes) -> bytes:
    """Another object with the same bytes."""
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    out.write(data)
    return out.getvalue()


def block(size: i64) -> object:
    """A new object that takes `size` bytes, rounded up to ALIGNMENT."""
    rounded = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1)
    if rounded > 2 * ALIGNMENT:
        return _BLANK[: rounded - HEADER]
    if rounded > ALIGNMENT:
        # A number that needs two digits.
        return _BIG + int(size)
    return object()
