"""The C library's memory: having it keep what is freed, and giving back its free pages a little at a time.

Python takes whatever is larger than 512 bytes from the C library.  glibc gives freed memory back to the system when
the last piece at the end of its heap goes: perhaps never, perhaps 800 MB in one go, which takes 60 ms.  A server
therefore tells it to keep everything, and `FreePages` gives back what is free in steps: it asks for a large block,
which comes out of what is free, tells the system that the block's pages are not needed, and asks for the next one.
When the library has to take new memory for a block, all blocks are freed: address space without memory.
"""

from __future__ import annotations

import ctypes
import resource
import sys
from typing import Any, Final

from librt.vecs import append, pop, vec
from mypy_extensions import i64

SIZES: Final[list[i64]] = [4 << 20, 1 << 20, 1 << 18, 1 << 16, 1 << 14, 1 << 13]
"""Blocks are taken from the largest to the smallest: what is left of a hole is then smaller than two pages.

Giving back the largest takes some 0.3 ms.
"""

FREED_A_STEP: Final[i64] = 64

# What malloc.h and sys/mman.h call these.
TRIM_THRESHOLD: Final = -1
MMAP_THRESHOLD: Final = -3
DONT_NEED: Final = 4

SEPARATE_FROM: Final = 32 << 20
"""Larger blocks get pages of their own, which are gone when the block is: the highest limit that glibc allows."""
NEVER: Final = -1
TRIM_FROM: Final = 1 << 20


def glibc() -> Any:
    """The functions of the C library, called without letting other threads run; None if it is not glibc."""
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
    """Where memory of no file lies that is not the C library's heap: start and end of each area.  O(areas)."""
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
    """Gives the free pages of this process's heap back to the system, step by step.  Only the main thread may."""

    def __init__(self, library: Any) -> None:
        self.library: Final[Any] = library
        self.level: i64 = 0
        self.blocks: vec[i64] = vec[i64]()
        self.page_bytes: Final[i64] = resource.getpagesize()

    def keep_freed(self) -> None:
        """Have the library keep what is freed: for the whole process, which must call `step` from then on."""
        library = self.library
        if library is not None:
            library.mallopt(TRIM_THRESHOLD, NEVER)
            library.mallopt(MMAP_THRESHOLD, SEPARATE_FROM)

    def step(self) -> bool:
        """Give back one block; whether there is more to do.  Some 0.3 ms at most."""
        library = self.library
        if library is None:
            return False
        if self.level < len(SIZES):
            self._take(SIZES[self.level])
            return True
        for _ in range(FREED_A_STEP):
            left: i64 = len(self.blocks)
            if left == 0:
                self.level = 0
                return False
            if left == 1:
                # The end of the heap has no pages any more: let it go, or it would grow with every round.
                library.mallopt(TRIM_THRESHOLD, TRIM_FROM)
            self.blocks, block = pop(self.blocks)
            library.free(int(block))
            if left == 1:
                library.mallopt(TRIM_THRESHOLD, NEVER)
        return True

    def _take(self, size: i64) -> None:
        """Take one block of `size` bytes and give its pages back."""
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
