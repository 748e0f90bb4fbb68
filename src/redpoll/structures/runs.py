"""A run: neighbouring elements of a long list in one immutable `bytes`.

Its *width* says how to read it, and stands beside it in a column of its own:

    n > 0     elements of n bytes each, one after another: any of them is found at once
    VARIED    record*, record = length | element: found by a walk over at most VARIED_COUNT lengths
    WHOLE     a single element as it is; a large one is never copied

A length below 128 takes one byte, another one two: `128 + low 7 bits`, `the rest`.  Elements of WHOLE_FROM bytes and
more are always WHOLE.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from librt.vecs import append, pop, vec
from mypy_extensions import i64, u8

from redpoll.scratch import SHARED
from redpoll.structures.packed import LENGTH_BYTE, equal_at

VARIED: Final[i64] = 0
WHOLE: Final[i64] = -1

RUN_BYTES: Final[i64] = 4096
"""The greatest size of a run, because a change copies the run."""
VARIED_COUNT: Final[i64] = 256
WHOLE_FROM: Final[i64] = 2048
"""Elements of at least this size get runs of their own.

Larger ones would leave much of a run unused; smaller ones would each cost an object.
"""
CONVERTED: Final[i64] = 64
"""A run of one width with more elements than this stays so: another width begins another run."""

SHORT: Final[i64] = 128

_scratch: Final = BytesWriter()


def count_of(run: bytes, width: i64) -> i64:
    """Number of elements.  O(1), VARIED: O(elements)."""
    size: i64 = len(run)
    if width > 0:
        return size // width
    if width == WHOLE:
        return 1
    at: i64 = 0
    found: i64 = 0
    while at < size:
        at = record_end(run, at)
        found += 1
    return found


def record_end(run: bytes, at: i64) -> i64:
    """Where the record at `at` of a VARIED run ends."""
    length: i64 = run[at]
    if length < SHORT:
        return at + 1 + length
    return at + 2 + (length & 127) + (i64(run[at + 1]) << 7)


def place_of(run: bytes, width: i64, n: i64, at: i64 = 0) -> i64:
    """Where element `n`, counted from the one at `at`, begins, with its length in a VARIED run.

    O(1), VARIED: O(n).
    """
    if width > 0:
        return at + n * width
    if width == WHOLE:
        return at if n == 0 else i64(len(run))
    while n > 0:
        length: i64 = run[at]
        if length < SHORT:
            at += 1 + length
        else:
            at = record_end(run, at)
        n -= 1
    return at


def element_at(run: bytes, width: i64, at: i64) -> bytes:
    """The element that begins at `at`."""
    if width > 0:
        return run[at : at + width]
    if width == WHOLE:
        return run
    length: i64 = run[at]
    if length < SHORT:
        return run[at + 1 : at + 1 + length]
    return run[at + 2 : record_end(run, at)]


def element(run: bytes, width: i64, n: i64) -> bytes:
    """Element `n`."""
    return element_at(run, width, place_of(run, width, n))


def next_place(run: bytes, width: i64, at: i64) -> i64:
    """Where the element after the one at `at` begins."""
    if width > 0:
        return at + width
    if width == WHOLE:
        return len(run)
    return record_end(run, at)


def unpack(run: bytes, width: i64, start: i64, stop: i64, into: list[bytes]) -> None:
    """Add elements `start` to before `stop`."""
    at = place_of(run, width, start)
    left = stop - start
    while left > 0:
        into.append(element_at(run, width, at))
        at = next_place(run, width, at)
        left -= 1


def cut(run: bytes, width: i64, start: i64, stop: i64) -> bytes:
    """The run of elements `start` to before `stop` alone."""
    if width == WHOLE:
        return run if start < stop else b""
    begin = place_of(run, width, start)
    return run[begin : place_of(run, width, stop - start, begin)]


def record_bytes(size: i64) -> i64:
    """What an element of `size` bytes takes in a VARIED run."""
    return size + 1 if size < SHORT else size + 2


def record(item: bytes) -> bytes:
    """The record of an element in a VARIED run."""
    if len(item) < SHORT:
        return b"%b%b" % (LENGTH_BYTE[len(item)], item)
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    write_record(out, item)
    return out.getvalue()


def write_record(out: BytesWriter, item: bytes) -> None:
    """Append the record of an element in a VARIED run."""
    size: i64 = len(item)
    assert size < WHOLE_FROM
    if size < SHORT:
        out.append(u8(size))
    else:
        out.append(u8(size & 127 | 128))
        out.append(u8(size >> 7))
    out.write(item)


def piece(items: list[bytes], start: i64, stop: i64) -> i64:
    """How many of `items` from `start` on fit into one run; at least one if there is one.

    Elements of one width, as many as fit; or, if another width comes early, mixed ones.
    """
    width: i64 = len(items[start])
    if width >= WHOLE_FROM:
        return 1
    at = start + 1
    if width > 0:
        total = width
        while at < stop and len(items[at]) == width and total + width <= RUN_BYTES:
            total += width
            at += 1
        if at == stop or total + width > RUN_BYTES or at - start > CONVERTED:
            return at - start
        if len(items[at]) >= WHOLE_FROM:
            return at - start
    total = (at - start) * record_bytes(width)
    while at < stop and at - start < VARIED_COUNT:
        size: i64 = len(items[at])
        total += record_bytes(size)
        if size >= WHOLE_FROM or total > RUN_BYTES:
            break
        at += 1
    return at - start


def width_of(items: list[bytes], start: i64, stop: i64) -> i64:
    """The width of the run that `pack` makes of a `piece`."""
    width: i64 = len(items[start])
    if width >= WHOLE_FROM:
        return WHOLE
    at = start + 1
    while at < stop:
        if len(items[at]) != width:
            return VARIED
        at += 1
    return width


def pack(items: list[bytes], start: i64, stop: i64, width: i64) -> bytes:
    """The run of a `piece`, of the width that `width_of` says."""
    if width == WHOLE:
        return items[start]
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    at = start
    while at < stop:
        if width > 0:
            out.write(items[at])
        else:
            write_record(out, items[at])
        at += 1
    return out.getvalue()


def to_varied(run: bytes, width: i64) -> bytes:
    """The same elements as a VARIED run."""
    if width == VARIED:
        return run
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    size: i64 = len(run)
    at: i64 = 0
    while at < size:
        write_record(out, run[at : at + width])
        at += width
    return out.getvalue()


def joined_width(a: bytes, width_a: i64, count_a: i64, b: bytes, width_b: i64, count_b: i64) -> i64:
    """The width of the run that two neighbours form together; WHOLE if they should stay separate."""
    if width_a == WHOLE or width_b == WHOLE:
        return WHOLE
    size: i64 = len(a) + len(b)
    if width_a == width_b and width_a > 0:
        return width_a if size <= RUN_BYTES else WHOLE
    if count_a + count_b > VARIED_COUNT:
        return WHOLE
    if width_a > 0:
        size += count_a * (record_bytes(width_a) - width_a)
        if count_a > CONVERTED:
            return WHOLE
    if width_b > 0:
        size += count_b * (record_bytes(width_b) - width_b)
        if count_b > CONVERTED:
            return WHOLE
    return VARIED if size <= RUN_BYTES else WHOLE


def joined(a: bytes, width_a: i64, b: bytes, width_b: i64) -> bytes:
    """The run that two neighbours make together, where `joined_width` allows it."""
    if width_a != width_b:
        a = to_varied(a, width_a)
        b = to_varied(b, width_b)
    return b"%b%b" % (a, b)


def find(run: bytes, width: i64, start: i64, stop: i64, item: bytes, offset: i64, found: vec[i64]) -> vec[i64]:
    """Add `offset + n` for each element `n` from `start` to before `stop` that equals `item`."""
    wanted: i64 = len(item)
    if width == WHOLE:
        return append(found, offset) if start == 0 and stop > 0 and run == item else found
    if width > 0 and width != wanted:
        return found
    n = start
    at = place_of(run, width, start)
    while n < stop:
        if width > 0:
            if equal_at(run, at, item, width):
                found = append(found, offset + n)
            at += width
        else:
            length: i64 = run[at]
            at += 1
            if length >= SHORT:
                length = (length & 127) + (i64(run[at]) << 7)
                at += 1
            if length == wanted and equal_at(run, at, item, length):
                found = append(found, offset + n)
            at += length
        n += 1
    return found


def first_of(found: vec[i64], most: i64, backward: bool) -> vec[i64]:
    """The first `most` results of `find`, in reverse order if `backward`."""
    if backward:
        reverse(found, 0)
    while len(found) > most:
        found, _ = pop(found)
    return found


def reverse(column: vec[i64], first: i64) -> None:
    """Reverse the cells from `first` on."""
    last: i64 = len(column) - 1
    while first < last:
        kept = column[first]
        column[first] = column[last]
        column[last] = kept
        first += 1
        last -= 1


def without(run: bytes, width: i64, gone: vec[i64], first: i64, last: i64, offset: i64) -> bytes:
    """The run without the elements whose numbers, plus `offset`, are `gone[first:last]`, ascending."""
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    n: i64 = 0
    at: i64 = 0
    kept_from: i64 = 0
    while first < last:
        stop = gone[first] - offset
        if width > 0:
            at = stop * width
            n = stop
        while n < stop:
            at = record_end(run, at)
            n += 1
        if at > kept_from:
            out.write(run[kept_from:at])
        at = next_place(run, width, at)
        n += 1
        kept_from = at
        first += 1
    if kept_from < len(run):
        out.write(run[kept_from:])
    return out.getvalue()
