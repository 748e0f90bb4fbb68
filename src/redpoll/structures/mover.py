"""Moving objects out of memory that is thinly used, so that whole megabytes of it come free.

Nobody can tell the small-object allocator where to put an object, but an object's address says where it lies.  So the
mover makes a copy; if that lies in a sparse region, the mover keeps it as a *filler*, which nobody else can get, and
makes another one.  A column does not tell its address: a *probe* of the same size is placed first and freed, and the
column gets its place.  What was moved becomes a filler too, or the next object of its size would get its place.  When
all is moved and the fillers go, sparse regions are empty.

What is larger than 512 bytes comes from the C library, which takes the smallest hole that fits: copying such an
object, wherever it lies, fills small holes and leaves large ones, which have whole pages in them.
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
"""The small-object allocator serves up to so many bytes, in steps of ALIGNMENT."""
ALIGNMENT: Final[i64] = 16
HEADER: Final[i64] = 33
"""What a `bytes` takes beside its content."""
COLUMN_HEADER: Final[i64] = 24
LIST_HEADER: Final[i64] = 80
OBJECT_BYTES: Final[i64] = 96
"""About what an object takes without its content."""
MOST_MOVED: Final[i64] = 16384
"""A larger object wastes little with the pages that it shares."""
TRIES: Final[i64] = 64
SHELF: Final[i64] = 4096
"""Fillers are kept in lists of so many: a list of millions would be copied as it grows."""
SPARE_LISTS: Final[i64] = 80
"""So many freed lists CPython keeps for the next ones, each of which may lie in a region of its own."""

_BLANK: Final = bytes(SMALL)
_BIG: Final[int] = 1 << 40
_scratch: Final = BytesWriter()


@mypyc_attr(acyclic=True)
class Mover:
    """First it counts what it is shown, then, after `start`, it moves it.

    Every method returns what stands in the place of its argument from now on: while it counts, the same.
    """

    def __init__(self, anywhere: bool = False) -> None:
        self.regions: Final = Regions()
        self.anywhere: Final = anywhere
        """Whether everything moves, from anywhere to anywhere: for tests."""
        self.counting = True
        self.fillers: list[list[object]] = []
        self.filled: i64 = 0
        self.starved = False
        """Whether TRIES blocks of a size lay badly: nothing moves any more until `fill` has filled sparse regions."""
        self.moved: i64 = 0
        self.containers: list[Outside] = []
        """Containers that were shown, whose content is not moved yet."""

    def start(self) -> None:
        """Move from now on, out of the regions that are sparse by what was counted."""
        self.counting = False
        if not self.anywhere:
            for spare in spare_lists():
                self.regions.add(id(spare), OBJECT_BYTES)
            self.regions.choose()

    def bytes_(self, data: bytes) -> bytes:
        """The same bytes, elsewhere if they lie badly."""
        size: i64 = len(data) + HEADER
        if self.counting:
            if size <= SMALL:
                self.regions.add(id(data), size)
            return data
        if size > SMALL:
            if size > MOST_MOVED:
                return data
            self.moved += 1
            return copied(data)
        if size <= HEADER + 1 or self.lies_well(data):
            # The shortest ones exist but once.
            return data
        made = copied(data)
        while self.is_bad(made):
            made = copied(data)
        if self.starved:
            return data
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
            # Without the room of what was in it.
            return vec[i64]()
        if not self.claim(COLUMN_HEADER + 8 * capacity):
            return column
        self.keep(column)
        return extend(vec[i64](capacity=capacity), column)

    def row(self, items: list[bytes]) -> None:
        """Show all of a short list, which stays."""
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
        # Always: nobody knows where the list keeps what is in it.
        while self.claim(8 * count):
            made = objects.copy()
            if self.starved:
                break
            if not self.is_bad(made):
                self.keep(objects)
                return made
        return objects

    def outside(self, found: Outside) -> Outside:
        """An object beside its record, with its own bytes; the content of a large container moves piece by piece."""
        found.key = self.bytes_(found.key)
        found.move_bytes(self)
        if self.counting:
            self.regions.add(id(found), OBJECT_BYTES)
            return found
        if not found.is_light() or (self.lies_well(found) and not found.in_pieces()):
            # Where the parts of a container lie nobody knows.
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
        """Whether there is no need to move an object of up to SMALL bytes."""
        return not self.anywhere and not self.regions.is_sparse(id(found))

    def is_bad(self, made: object) -> bool:
        """Whether a new object lies badly and the caller shall make another one; this one becomes a filler.

        False if the mover is starved: what was there before then stays.
        """
        if self.starved or not self.regions.is_sparse(id(made)):
            return False
        self.keep(made)
        self.starved = self.filled & (TRIES - 1) == 0
        return not self.starved

    def claim(self, size: i64) -> bool:
        """See to it that the next object of `size` bytes lies well; False if the mover is starved."""
        if size <= SMALL:
            while self.is_bad(block(size)):
                pass
        return not self.starved

    def fill(self, size: i64, most: i64) -> bool:
        """Fill what is free for blocks of that size in sparse regions with up to `most`; whether there may be more."""
        self.starved = False
        while most > 0:
            filler = block(size)
            if not self.regions.is_sparse(id(filler)):
                return False
            self.keep(filler)
            most -= 1
        return True

    def replace_spare_lists(self) -> None:
        """Have CPython keep other freed lists for the next ones, that do not lie in sparse regions."""
        old = spare_lists()
        made: list[list[int]] = []
        while len(made) < SPARE_LISTS:
            spare: list[int] = []
            if self.is_bad(spare):
                continue
            made.append(spare)
            if self.starved:
                break
        # Freed in this order: the new ones are kept, and then there is no room for the old ones.
        made.clear()
        old.clear()

    def keep(self, filler: object) -> None:
        """Keep an object until `release`: its place is not to be used again before."""
        if self.filled % SHELF == 0:
            self.fillers.append([])
        self.fillers[-1].append(filler)
        self.filled += 1

    def release(self, most: i64) -> bool:
        """Free up to so many fillers; whether there are more."""
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
    """The freed lists that CPython keeps: as many new ones, which it makes of them."""
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
