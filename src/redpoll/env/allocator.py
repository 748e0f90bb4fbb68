"""The allocator of the C library: it keeps freed memory, and `FreePages` returns free pages in steps.

Python gets objects of more than 512 bytes from the C library.  glibc returns freed memory to the system when the end
of its heap is free.  That may never happen, or it returns 800 MB at once, which takes 60 ms.  A server therefore
makes glibc keep freed memory.  `FreePages` allocates a large block from the free memory, tells the system that its
pages are not needed, and allocates the next block.  When glibc must get new memory for a block, no free block of this
size is left, and a smaller one follows.  In the end all blocks are freed again.  They are then address space without
memory.
"""

from __future__ import annotations

import ctypes
import resource
import sys
from typing import Any, Final

from librt.vecs import append, pop, vec
from mypy_extensions import i64

LARGEST: Final[i64] = 4 << 20
FINE: Final[i64] = 1 << 16
SMALLEST: Final[i64] = 2 << 12


def block_sizes() -> list[int]:
    """Sizes of blocks, the largest first.

    A hole that takes one block loses the pages at both ends of the block.  A hole that takes several loses a page
    between each two.  So the sizes differ by a sixth, and small ones by a page.  Returning the largest block takes
    about 0.3 ms.
    """
    sizes: list[int] = []
    size = LARGEST
    while size >= SMALLEST:
        sizes.append(size)
        step = size // 6 if size > FINE else 1 << 12
        size = (size - step) & ~4095
    return sizes


SIZES: Final[list[int]] = block_sizes()

FREED_A_STEP: Final[i64] = 64

# What malloc.h and sys/mman.h call these.
TRIM_THRESHOLD: Final = -1
MMAP_THRESHOLD: Final = -3
DONT_NEED: Final = 4

SEPARATE_FROM: Final = 32 << 20
"""Larger blocks get separate pages, which are returned with the block.  This is the highest limit of glibc."""
NEVER: Final = -1
TRIM_FROM: Final = 1 << 20


def glibc() -> Any:
    """The functions of glibc, called without releasing the GIL; None with another C library."""
    if sys.platform != "linux":
        return None
    library = ctypes.PyDLL(None)
    if getattr(library, "gnu_get_libc_version", None) is None:
        return None
    library.malloc.restype = ctypes.c_void_p
    library.malloc.argtypes = [ctypes.c_size_t]
    library.free.restype = None
    library.free.argtypes = [ctypes.c_void_p]
    library.sbrk.restype = ctypes.c_void_p
    library.sbrk.argtypes = [ctypes.c_ssize_t]
    library.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return library


def anonymous_areas() -> list[tuple[int, int]]:
    """Start and end of each anonymous memory area outside the heap of the C library.  O(areas)."""
    found: list[tuple[int, int]] = []
    try:
        with open("/proc/self/maps", "rb") as file:
            lines = file.read().split(b"\n")
    except OSError:
        return found
    for line in lines:
        if line.endswith((b" 0 ", b" 0")):
            words = line.split()
            if words[1] == b"rw-p":
                start, _, stop = words[0].partition(b"-")
                found.append((int(start, 16), int(stop, 16)))
    return found


class FreePages:
    """Returns the free pages of the heap to the system in steps.  For the main thread only."""

    def __init__(self, library: Any) -> None:
        self.library: Final[Any] = library
        self.level: i64 = 0
        self.blocks: vec[i64] = vec[i64]()
        self.page_bytes: Final[i64] = resource.getpagesize()

    def keep_freed(self) -> None:
        """Make the library keep freed memory, for the whole process.  The process must call `step` from then on."""
        library = self.library
        if library is not None:
            library.mallopt(TRIM_THRESHOLD, NEVER)
            library.mallopt(MMAP_THRESHOLD, SEPARATE_FROM)

    def step(self) -> bool:
        """Return one block, or free some blocks; return whether there is more to do.  At most about 0.3 ms."""
        return self.take() or self.free()

    def take(self) -> bool:
        """Return and hold one block; return False if all free blocks are held.  At most about 0.3 ms."""
        if self.library is None or self.level >= len(SIZES):
            return False
        self._take(SIZES[self.level])
        return True

    def free(self) -> bool:
        """Free some of the blocks that are held; return whether there are more."""
        library = self.library
        for _ in range(FREED_A_STEP):
            left: i64 = len(self.blocks)
            if left == 0:
                self.level = 0
                return False
            if left == 1:
                # The end of the heap has no pages any more.  Free it, or the heap would grow with every round.
                library.mallopt(TRIM_THRESHOLD, TRIM_FROM)
            self.blocks, block = pop(self.blocks)
            library.free(int(block))
            if left == 1:
                library.mallopt(TRIM_THRESHOLD, NEVER)
        return True

    def _take(self, size: i64) -> None:
        """Allocate one block of `size` bytes and return its pages."""
        library = self.library
        end: i64 = library.sbrk(0)
        found = library.malloc(int(size))
        if found is None:
            self.level = len(SIZES)
            return
        block: i64 = found
        self.blocks = append(self.blocks, block)
        first = (block + self.page_bytes - 1) // self.page_bytes * self.page_bytes
        last = (block + size) // self.page_bytes * self.page_bytes
        if first < last:
            library.madvise(int(first), int(last - first), DONT_NEED)
        if block + size > end:
            # The heap has grown for it, so no free block of this size is left.
            self.level += 1
