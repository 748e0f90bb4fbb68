"""The packed containers inside strings of a snapshot, checked and taken apart: listpack, intset, ziplist, zipmap.

Each function adds the items in order to a list, as bytes; integers as decimal text.  It raises DamagedError if the data
is not exactly as a server writes it.  Source: spec/rdb.md, section 8.
"""

from __future__ import annotations

from typing import Final

from librt.strings import read_i16_le, read_i32_be, read_i32_le, read_i64_le
from librt.vecs import append, vec
from mypy_extensions import i64

from redpoll.persistence.damage import DamagedError
from redpoll.protocol.numbers import int_text

LISTPACK_HEAD: Final[i64] = 6
ZIPLIST_HEAD: Final[i64] = 10
END: Final[i64] = 255
UNCOUNTED: Final[i64] = 65535

NO_TEXT: Final[i64] = -1
"""Used as the length of an entry: the entry is an integer."""


def word32(blob: bytes, at: i64) -> i64:
    """Four bytes, the low ones first, without a sign."""
    return i64(read_i32_le(blob, at)) & 0xFFFFFFFF


def word16(blob: bytes, at: i64) -> i64:
    """Two bytes, the low one first, without a sign."""
    return i64(read_i16_le(blob, at)) & 0xFFFF


def checked_end(blob: bytes, head: i64, form: str) -> i64:
    """Where the elements of a listpack or ziplist end, behind a head of that many bytes which begins with the size."""
    size: i64 = len(blob)
    if size < head + 1 or word32(blob, 0) != size or blob[size - 1] != END:
        raise DamagedError(f"{form}: its size or its end is wrong")
    return size - 1


# Listpack


def listpack_items(blob: bytes, into: list[bytes]) -> None:
    """Add the elements of a listpack."""
    stop = checked_end(blob, LISTPACK_HEAD, "listpack")
    before: i64 = len(into)
    at = LISTPACK_HEAD
    while at < stop:
        first: i64 = blob[at]
        start = at + 1
        length = NO_TEXT
        if first < 128:
            end = start
        elif first < 192:
            length = first & 63
            end = start + length
        elif first < 224:
            end = start + 1
        elif first < 240:
            length = (first & 15) << 8 | blob[start]
            start += 1
            end = start + length
        elif first == 240:
            if start + 4 > stop:
                raise DamagedError("listpack: an element goes beyond its end")
            length = word32(blob, start)
            start += 4
            end = start + length
        elif first < 245:
            end = start + integer_bytes(first)
        else:
            raise DamagedError(f"listpack: unknown encoding {first} of an element")
        following = end + back_length_bytes(end - at)
        if following > stop:
            raise DamagedError("listpack: an element goes beyond its end")
        entry = end - at
        if not is_back_length(blob, end, entry, following - end):
            # Servers disagree about the lengths just below a power of 128: both forms are read.
            if not has_long_back_length(blob, end, entry, following - end, stop):
                raise DamagedError("listpack: the length behind an element is wrong")
            following += 1
        if length == NO_TEXT:
            into.append(int_text(integer_at(blob, at, first)))
        else:
            into.append(blob[start:end])
        at = following
    counted = word16(blob, 4)
    if counted != UNCOUNTED and counted != len(into) - before:
        raise DamagedError("listpack: it has another number of elements than it says")


def integer_bytes(first: i64) -> i64:
    """Number of bytes of an integer after its first byte, 241 to 244."""
    if first < 244:
        return first - 239
    return 8


def integer_at(blob: bytes, at: i64, first: i64) -> i64:
    """The integer whose entry begins at `at` with the byte `first`."""
    if first < 128:
        return first
    if first < 224:
        number = (first & 31) << 8 | blob[at + 1]
        return number - ((number & 4096) << 1)
    if first == 241:
        return i64(read_i16_le(blob, at + 1))
    if first == 242:
        return word16(blob, at + 1) | signed_byte(blob[at + 3]) << 16
    if first == 243:
        return i64(read_i32_le(blob, at + 1))
    return read_i64_le(blob, at + 1)


def signed_byte(byte: i64) -> i64:
    return byte - ((byte & 128) << 1)


def back_length_bytes(entry: i64) -> i64:
    """Number of bytes of the length after an element."""
    if entry <= 127:
        return 1
    if entry <= 16383:
        return 2
    if entry <= 2097151:
        return 3
    return 4 if entry <= 268435455 else 5


def is_back_length(blob: bytes, at: i64, entry: i64, count: i64) -> bool:
    """Whether the `count` bytes at `at` encode `entry`: groups of 7 bits, high ones first, all but the first marked."""
    at += count - 1
    while count > 1:
        if blob[at] != (entry & 127) | 128:
            return False
        entry >>= 7
        at -= 1
        count -= 1
    return blob[at] == entry


def has_long_back_length(blob: bytes, at: i64, entry: i64, count: i64, stop: i64) -> bool:
    """Whether the length has an unnecessary byte, as some servers write it for 2^14-1, 2^21-1 and 2^28-1."""
    if entry != 16383 and entry != 2097151 and entry != 268435455:
        return False
    return at + count + 1 <= stop and is_back_length(blob, at, entry, count + 1)


# Intset


def intset_numbers(blob: bytes) -> vec[i64]:
    """The numbers of an intset in ascending order.  Raises DamagedError if it is empty."""
    size: i64 = len(blob)
    if size < 8:
        raise DamagedError("intset: it is too short")
    width = word32(blob, 0)
    count = word32(blob, 4)
    if width != 2 and width != 4 and width != 8:
        raise DamagedError(f"intset: unknown width {width}")
    if count == 0 or size != 8 + width * count:
        raise DamagedError("intset: its size is wrong")
    found = vec[i64](capacity=count)
    at: i64 = 8
    while at < size:
        if width == 2:
            number = i64(read_i16_le(blob, at))
        elif width == 4:
            number = i64(read_i32_le(blob, at))
        else:
            number = read_i64_le(blob, at)
        if at > 8 and number <= found[len(found) - 1]:
            raise DamagedError("intset: its numbers are not ascending")
        found = append(found, number)
        at += width
    return found


# Ziplist


def ziplist_items(blob: bytes, into: list[bytes]) -> None:
    """Add the elements of a ziplist."""
    stop = checked_end(blob, ZIPLIST_HEAD, "ziplist")
    before: i64 = len(into)
    at = ZIPLIST_HEAD
    last = at
    length: i64 = 0
    while at < stop:
        start = at
        told: i64 = blob[at]
        at += 1
        if told == 254:
            if at + 4 > stop:
                raise DamagedError("ziplist: an element goes beyond its end")
            told = word32(blob, at)
            at += 4
        if told != length:
            raise DamagedError("ziplist: the length before an element is wrong")
        at = ziplist_item(blob, at, stop, into)
        length = at - start
        last = start
    if word32(blob, 4) != last:
        raise DamagedError("ziplist: the place of its last element is wrong")
    counted = word16(blob, 8)
    if counted != UNCOUNTED and counted != len(into) - before:
        raise DamagedError("ziplist: it has another number of elements than it says")


def ziplist_item(blob: bytes, at: i64, stop: i64, into: list[bytes]) -> i64:
    """Add the element whose encoding is at `at`; return its end, which is at most `stop`."""
    if at >= stop:
        raise DamagedError("ziplist: an element goes beyond its end")
    first: i64 = blob[at]
    at += 1
    if first < 192:
        if first < 64:
            length = first
        elif first < 128 and at < stop:
            length = (first & 63) << 8 | blob[at]
            at += 1
        elif first >= 128 and at + 4 <= stop:
            length = i64(read_i32_be(blob, at)) & 0xFFFFFFFF
            at += 4
        else:
            raise DamagedError("ziplist: an element goes beyond its end")
        if at + length > stop:
            raise DamagedError("ziplist: an element goes beyond its end")
        into.append(blob[at : at + length])
        return at + length
    size = ziplist_integer_bytes(first)
    if at + size > stop:
        raise DamagedError("ziplist: an element goes beyond its end")
    if first == 0xC0:
        number = i64(read_i16_le(blob, at))
    elif first == 0xD0:
        number = i64(read_i32_le(blob, at))
    elif first == 0xE0:
        number = read_i64_le(blob, at)
    elif first == 0xF0:
        number = word16(blob, at) | signed_byte(blob[at + 2]) << 16
    elif first == 0xFE:
        number = signed_byte(blob[at])
    else:
        number = (first & 15) - 1
    into.append(int_text(number))
    return at + size


def ziplist_integer_bytes(first: i64) -> i64:
    """Number of bytes of an integer after its encoding."""
    if first == 0xC0:
        return 2
    if first == 0xD0:
        return 4
    if first == 0xE0:
        return 8
    if first == 0xF0:
        return 3
    if first == 0xFE:
        return 1
    if 0xF1 <= first <= 0xFD:
        return 0
    raise DamagedError(f"ziplist: unknown encoding {first} of an element")


# Zipmap


def zipmap_items(blob: bytes, into: list[bytes]) -> None:
    """Add the fields and values of a zipmap, which has at least one."""
    size: i64 = len(blob)
    if size < 2 or blob[size - 1] != END:
        raise DamagedError("zipmap: its end is missing")
    stop = size - 1
    at: i64 = 1
    pairs: i64 = 0
    while at < stop:
        at = zipmap_text(blob, at, stop, False, into)
        at = zipmap_text(blob, at, stop, True, into)
        pairs += 1
    counted: i64 = blob[0]
    if pairs == 0 or (counted != 254 and counted != pairs):
        raise DamagedError("zipmap: it has another number of fields than it says")


def zipmap_text(blob: bytes, at: i64, stop: i64, is_value: bool, into: list[bytes]) -> i64:
    """Add the text whose length is at `at`; return the end of its bytes, with the unused ones."""
    if at >= stop:
        raise DamagedError("zipmap: a text goes beyond its end")
    length: i64 = blob[at]
    at += 1
    if length == 254:
        if at + 4 > stop:
            raise DamagedError("zipmap: a text goes beyond its end")
        length = word32(blob, at)
        at += 4
    elif length == 255:
        raise DamagedError("zipmap: it ends too early")
    free: i64 = 0
    if is_value:
        if at >= stop:
            raise DamagedError("zipmap: a text goes beyond its end")
        free = blob[at]
        at += 1
    if at + length + free > stop:
        raise DamagedError("zipmap: a text goes beyond its end")
    into.append(blob[at : at + length])
    return at + length + free
