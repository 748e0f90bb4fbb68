"""LZF, the compression of strings in snapshots: runs of literal bytes, and references to earlier bytes.

    c < 32: literal run of the c + 1 bytes that follow
    else:   reference, length (c >> 5) + 2, or a further byte more if c >> 5 is 7; distance ((c & 31) << 8 | byte) + 1

Source: spec/rdb.md, section 5.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr, u8

from redpoll.persistence.damage import DamagedError

MOST_LITERALS: Final[i64] = 32
MOST_MATCH: Final[i64] = 264
MOST_DISTANCE: Final[i64] = 8192
WIDEST: Final[i64] = 90
"""Largest ratio of the length of a string to its compressed length: three bytes make 264."""

PLACES: Final[i64] = 1 << 13
SPARED: Final[i64] = 4
"""Least number of bytes that compression must save."""


def decompressed(data: bytes, start: i64, stop: i64, size: i64) -> bytes:
    """Decompress `data[start:stop]` to `size` bytes; raises DamagedError.  The output never exceeds `size`."""
    if size > (stop - start) * WIDEST:
        raise DamagedError("compressed string is too short for its size")
    out = BytesWriter()
    at = start
    while at < stop:
        control: i64 = data[at]
        at += 1
        made: i64 = len(out)
        if control < MOST_LITERALS:
            end = at + control + 1
            if end > stop or made + control + 1 > size:
                raise DamagedError("compressed string: literals go beyond its end")
            out.write(data[at:end])
            at = end
            continue
        length = control >> 5
        if length == 7:
            if at >= stop:
                raise DamagedError("compressed string ends inside a reference")
            length += data[at]
            at += 1
        if at >= stop:
            raise DamagedError("compressed string ends inside a reference")
        length += 2
        source = made - ((control & 31) << 8 | data[at]) - 1
        at += 1
        if source < 0:
            raise DamagedError("compressed string refers to what is before its start")
        if made + length > size:
            raise DamagedError("compressed string: a reference goes beyond its end")
        last = source + length
        while source < last:
            out.append(out[source])
            source += 1
    if len(out) != size:
        raise DamagedError("compressed string has another size than it says")
    return out.getvalue()


@mypyc_attr(acyclic=True)
class Compressor:
    """Compresses strings; `places` maps a hash of three bytes to their last place.

    It keeps the places of earlier strings, which are below `base`.  `base` grows by the length of each string.  A long
    string can be compressed in parts: `begin`, then `advance` until it returns False.  The outcome is the same.
    """

    def __init__(self) -> None:
        self.places: vec[i64] = vec[i64]()
        self.base: i64 = 0
        self.following: i64 = 0
        """The base of the next string."""
        self.data: bytes = b""
        self.at: i64 = 0
        self.literals: i64 = 0
        """How many bytes before `at` are not in `out` yet."""
        self.out: BytesWriter = BytesWriter()

    def compressed(self, data: bytes) -> bytes | None:
        """Compress `data`; None if that saves fewer than SPARED bytes.  O(size)."""
        self.begin(data)
        self.advance(len(data))
        return self.result()

    def begin(self, data: bytes) -> None:
        """Begin to compress `data`."""
        if len(self.places) == 0:
            places = vec[i64](capacity=PLACES)
            for _ in range(PLACES):
                places = append(places, -1)
            self.places = places
        self.base = self.following
        self.following = self.base + len(data)
        self.data = data
        self.at = 0
        self.literals = 0
        self.out = BytesWriter()

    def result(self) -> bytes | None:
        """The compressed string after the last part; None if that saves fewer than SPARED bytes."""
        data = self.data
        out = self.out
        self.data = b""
        size: i64 = len(data)
        if self.at < size - 2:
            return None
        _write_literals(out, data, self.at - self.literals, size)
        return out.getvalue() if len(out) <= size - SPARED else None

    def advance(self, most: i64) -> bool:
        """Go on for about `most` bytes; return whether there is more to do."""
        data = self.data
        size: i64 = len(data)
        base = self.base
        places = self.places
        out = self.out
        literals = self.literals
        at = self.at
        last = size - 2
        until = at + most
        if until > last:
            until = last
        while at < until:
            first: i64 = data[at]
            second: i64 = data[at + 1]
            third: i64 = data[at + 2]
            slot: i64 = ((first * 506832829 + second * 65599 + third * 2654435761) >> 9) & (PLACES - 1)
            seen = places[slot] - base
            places[slot] = base + at
            if (
                seen < 0
                or at - seen > MOST_DISTANCE
                or data[seen] != first
                or data[seen + 1] != second
                or data[seen + 2] != third
            ):
                literals += 1
                at += 1
                continue
            longest = size - at
            if longest > MOST_MATCH:
                longest = MOST_MATCH
            length: i64 = 3
            while length < longest and data[seen + length] == data[at + length]:
                length += 1
            _write_literals(out, data, at - literals, at)
            literals = 0
            _write_match(out, at - seen - 1, length - 2)
            at += length
            if len(out) + 1 > size - SPARED:
                # It saves nothing: `at` stays before the end, which `result` sees.
                self.at = -1
                return False
        self.at = at
        self.literals = literals
        return at < last


def _write_literals(out: BytesWriter, data: bytes, start: i64, stop: i64) -> None:
    while start < stop:
        end = start + MOST_LITERALS if stop - start > MOST_LITERALS else stop
        out.append(u8(end - start - 1))
        out.write(data[start:end])
        start = end


def _write_match(out: BytesWriter, distance: i64, length: i64) -> None:
    """Append a reference.  The written distance is one less, and the written length two less, than the real one."""
    if length < 7:
        out.append(u8(length << 5 | distance >> 8))
    else:
        out.append(u8(7 << 5 | distance >> 8))
        out.append(u8(length - 7))
    out.append(u8(distance & 255))
