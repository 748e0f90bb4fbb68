"""Sets of slots as integers: bit s is slot s.  The bitmap of a message is the same number in little-endian order."""

from __future__ import annotations

from typing import Final

SLOT_COUNT: Final = 16384
BITMAP_BYTES: Final = 2048
ALL_SLOTS: Final = int.from_bytes(b"\xff" * BITMAP_BYTES, "little")

_ONE: Final[int] = int.from_bytes(b"\x01", "little")


def one(slot: int) -> int:
    """The set of one slot."""
    return _ONE << slot


def has(slots: int, slot: int) -> bool:
    return (slots >> slot) & 1 != 0


def span(first: int, last: int) -> int:
    """The set of the slots from `first` to `last`, both included."""
    return (_ONE << (last + 1)) - (_ONE << first)


def from_bitmap(bitmap: bytes) -> int:
    return int.from_bytes(bitmap, "little")


def to_bitmap(slots: int) -> bytes:
    return slots.to_bytes(BITMAP_BYTES, "little")


def members(slots: int) -> list[int]:
    """The slots of a set, ascending.  O(16384 / 8 + found)."""
    found: list[int] = []
    if slots == 0:
        return found
    at = 0
    for byte in slots.to_bytes(BITMAP_BYTES, "little"):
        if byte != 0:
            for bit in range(8):
                if (byte >> bit) & 1:
                    found.append(at + bit)
        at += 8
    return found


def ranges(slots: int) -> list[tuple[int, int]]:
    """The maximal ranges of a set, ascending.  O(ranges x 2 KB)."""
    found: list[tuple[int, int]] = []
    base = 0
    while slots != 0:
        skip = (slots & -slots).bit_length() - 1
        slots >>= skip
        base += skip
        run = (~slots & (slots + 1)).bit_length() - 1
        found.append((base, base + run - 1))
        slots >>= run
        base += run
    return found


def range_words(slots: int) -> list[bytes]:
    """The ranges as CLUSTER NODES shows them: `0-5460`, a single slot without a dash."""
    return [b"%d" % first if first == last else b"%d-%d" % (first, last) for first, last in ranges(slots)]
