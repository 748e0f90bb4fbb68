"""Entries of a sorted set, packed in order: a small set's packed form, and the leaves of a large one's B+tree.

    row    = record*
    record = length of the member (varint) | score (`scores.py`) | member

A varint has 7 bits a byte, the low ones first, and the top bit on all but the last byte.  Records stand in order of
(score, member): scores as numbers, so that -0.0 equals 0.0, members as unsigned bytes, a prefix before what it begins.
The bytes never change; new bytes replace them.  Therefore a holder (a reply, a snapshot) keeps a consistent view.

A row lies in a `blob` from `start` to before `stop`, so that the functions work inside the records of a whole bucket.
Every operation walks from the front.  A row has a few dozen records, and a walk that reads the scores costs hardly more
than a walk over the lengths, which a binary search would also need.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, read_f64_le, read_i16_be, read_i32_be, read_i64_be
from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr, u8

from redpoll.scratch import SHARED
from redpoll.structures.packed import LENGTH_BYTE, equal_at, spliced
from redpoll.structures.scores import OTHER, packed, score_at, size_at, to_whole, write_packed

SHORT: Final[i64] = 128
"""Lengths below this take one byte."""

REFERENCE_BYTES: Final[i64] = 4
"""What stands in place of the member if its length is 0 in two bytes: a reference, see `shared_texts.py`."""

# The first four bytes of a record, as one big-endian word: a short length and a score of up to three bytes.  (Bytes
# read one by one take compiled code about three times as long.)  A long length makes it negative.
LENGTH_SHIFT: Final[i64] = 24
FIRST_SHIFT: Final[i64] = 16
BYTE: Final[i64] = 255
WHOLE_BITS: Final[i64] = (1 << 21) - 1
FOUR_BYTE_SCORE: Final[i64] = 0b011_00000

_scratch: Final = BytesWriter()


# A record


def record(score: float, member: bytes) -> bytes:
    """One entry."""
    size: i64 = len(member)
    if size >= SHORT:
        # Longer members do not use the scratch writer, which never frees its memory.
        return b"%b%b%b" % (_long_length(size), packed(score), member)
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    out.append(u8(size))
    write_packed(out, score)
    out.write(member)
    return out.getvalue()


def _long_length(size: i64) -> bytes:
    length = b""
    while size >= SHORT:
        length += LENGTH_BYTE[size & 127 | 128]
        size >>= 7
    return length + LENGTH_BYTE[size]


def score_start(blob: bytes, at: i64) -> i64:
    """Offset of the score of the record at `at`."""
    while i64(blob[at]) >= SHORT:
        at += 1
    return at + 1


def member_start(blob: bytes, at: i64) -> i64:
    """Offset of the member of the record at `at`."""
    at = score_start(blob, at)
    return at + size_at(blob, at)


def record_end(blob: bytes, at: i64) -> i64:
    """Offset after the record at `at`."""
    # Every record has at least two bytes: a length and a score.
    word = i64(read_i16_be(blob, at))
    first = word & BYTE
    if word >= 0 and first < OTHER:
        return at + 2 + (first >> 5) + (word >> 8)
    size, at = _long_size(blob, at)
    return at + size_at(blob, at) + size


def _long_size(blob: bytes, at: i64) -> tuple[i64, i64]:
    """The length of a record's member, or of a reference to it, that begins at `at`, and the offset after it."""
    size: i64 = 0
    shift: i64 = 0
    byte: i64 = blob[at]
    while byte >= SHORT:
        size |= (byte & 127) << shift
        shift += 7
        at += 1
        byte = blob[at]
    size |= byte << shift
    return REFERENCE_BYTES if size == 0 and shift > 0 else size, at + 1


def score_of(blob: bytes, at: i64) -> float:
    """Score of the record at `at`."""
    return score_at(blob, score_start(blob, at))


def member_at(blob: bytes, at: i64) -> bytes:
    """Member of the record at `at`."""
    return blob[member_start(blob, at) : record_end(blob, at)]


def compare(blob: bytes, start: i64, end: i64, member: bytes) -> i64:
    """Below, equal to or above 0 as `blob[start:end]` is before, equal to or after `member`.  O(length)."""
    size: i64 = len(member)
    held = end - start
    common = held if held < size else size
    k: i64 = 0
    if common >= 8:
        last = common - 8
        while True:
            x = read_i64_be(blob, start + k)
            y = read_i64_be(member, k)
            if x != y:
                # Bytes have no sign: a word that is negative is the greater one.
                if (x ^ y) < 0:
                    return -1 if y < 0 else 1
                return -1 if x < y else 1
            if k == last:
                return held - size
            k += 8
            if k > last:
                k = last  # the last word overlaps the one before: what they share is equal already
    while k < common:
        a: i64 = blob[start + k]
        b: i64 = member[k]
        if a != b:
            return a - b
        k += 1
    return held - size


def is_before(member: bytes, other: bytes) -> bool:
    """Whether `member` < `other`; cheaper than `<`, which compiled code turns into a general comparison of objects."""
    return compare(other, 0, len(other), member) > 0


# Finding


def find(blob: bytes, start: i64, stop: i64, member: bytes) -> i64:
    """Offset of the record of `member`, or, if there is none, -1 - the number of records.  O(row)."""
    wanted: i64 = len(member)
    at = start
    records: i64 = 0
    while at < stop:
        word = i64(read_i16_be(blob, at))
        first = word & BYTE
        size = word >> 8
        if word >= 0 and first < OTHER:
            begin = at + 2 + (first >> 5)
        else:
            size, begin = _long_size(blob, at)
            begin += size_at(blob, begin)
        if size == wanted and equal_at(blob, begin, member, size):
            return at
        at = begin + size
        records += 1
    return -1 - records


def seek(blob: bytes, start: i64, stop: i64, score: float, member: bytes) -> tuple[i64, i64]:
    """Offset of the record (score, member), or, if there is none, -1 - the offset at which it would stand.

    Also returns how many records come before.  O(row).
    """
    # Scores are nearly always small whole numbers, and are compared as such.
    whole = to_whole(score)
    safe: i64 = len(blob)
    safe -= 4
    at = start
    rank: i64 = 0
    while at < stop:
        word: i64 = -1
        if at <= safe:
            word = i64(read_i32_be(blob, at))
        first = word >> FIRST_SHIFT & BYTE
        if word >= 0 and first < FOUR_BYTE_SCORE:
            more = first >> 5
            n = (word & WHOLE_BITS) >> (FIRST_SHIFT - (more << 3))
            begin = at + 2 + more
            end = begin + (word >> LENGTH_SHIFT)
            if whole >= 0:
                order = n - whole
            else:
                order = difference(float(n), score)
        elif word >= 0 and first == OTHER:
            order = difference(read_f64_le(blob, at + 2), score)
            begin = at + 10
            end = begin + (word >> LENGTH_SHIFT)
        else:
            end, begin = _long_size(blob, at)
            order = difference(score_at(blob, begin), score)
            begin += size_at(blob, begin)
            end += begin
        if order >= 0:
            if order > 0:
                break
            order = compare(blob, begin, end, member)
            if order == 0:
                return at, rank
            if order > 0:
                break
        at = end
        rank += 1
    return -1 - at, rank


def difference(one: float, other: float) -> i64:
    """Below, equal to or above 0 as one number is to the other."""
    if one < other:
        return -1
    return int(one > other)


def count(blob: bytes, start: i64, stop: i64) -> i64:
    """Number of records.  O(row)."""
    found: i64 = 0
    while start < stop:
        start = record_end(blob, start)
        found += 1
    return found


def rank_of_score(blob: bytes, start: i64, stop: i64, score: float, after: bool) -> i64:
    """Number of records with a lower score; with `after`, with a lower or the same score.  O(row)."""
    found: i64 = 0
    # Scores are nearly always small whole numbers: the walk stops at the first one from `limit` on.
    limit = to_whole(score)
    whole = limit >= 0
    if after:
        limit += 1
    safe: i64 = len(blob)
    safe -= 4
    while start < stop:
        word: i64 = -1
        if start <= safe:
            word = i64(read_i32_be(blob, start))
        first = word >> FIRST_SHIFT & BYTE
        if whole and word >= 0 and first < FOUR_BYTE_SCORE:
            more = first >> 5
            if (word & WHOLE_BITS) >> (FIRST_SHIFT - (more << 3)) >= limit:
                break
            start += 2 + more + (word >> LENGTH_SHIFT)
        else:
            held = score_of(blob, start)
            if held > score or (held == score and not after):
                break
            start = record_end(blob, start)
        found += 1
    return found


def rank_of_member(blob: bytes, start: i64, stop: i64, member: bytes, after: bool) -> i64:
    """Number of records before `member` (with `after`: or that are it), where all scores are equal.  O(row)."""
    found: i64 = 0
    while start < stop:
        end = record_end(blob, start)
        order = compare(blob, member_start(blob, start), end, member)
        if order > 0 or (order == 0 and not after):
            break
        start = end
        found += 1
    return found


def skip(blob: bytes, at: i64, records: i64) -> i64:
    """Offset after `records` records from the one at `at` on.  O(records)."""
    while records > 0:
        word = i64(read_i16_be(blob, at))
        first = word & BYTE
        if word >= 0 and first < OTHER:
            # As in `record_end`, without a call for each record.
            at += 2 + (first >> 5) + (word >> 8)
        else:
            at = record_end(blob, at)
        records -= 1
    return at


def last_record(blob: bytes, start: i64, stop: i64) -> i64:
    """Offset of the last record of a row that has one.  O(row)."""
    end = record_end(blob, start)
    while end < stop:
        start = end
        end = record_end(blob, start)
    return start


def offsets(blob: bytes, at: i64, stop: i64) -> vec[i64]:
    """Where the records from the one at `at` on begin.  O(row)."""
    found = vec[i64](capacity=32)
    while at < stop:
        found = append(found, at)
        at = record_end(blob, at)
    return found


# Rows one after another


@mypyc_attr(acyclic=True)
class Span:
    """A range of entries in rows that follow one another: from `start` in the first blob to before `stop` in the last.

    It references the immutable blobs, so it does not change.
    """

    def __init__(self) -> None:
        self.blobs: list[bytes] = []
        self.start: i64 = 0
        self.stop: i64 = 0

    def begin(self, index: i64) -> i64:
        """The offset at which the row in blob `index` begins."""
        return self.start if index == 0 else i64(0)

    def end(self, index: i64) -> i64:
        """The offset at which the row in blob `index` ends."""
        return self.stop if index == len(self.blobs) - 1 else i64(len(self.blobs[index]))

    def members(self, into: list[bytes]) -> None:
        """Append the members.  O(entries)."""
        index: i64 = 0
        while index < len(self.blobs):
            blob = self.blobs[index]
            at = self.begin(index)
            stop = self.end(index)
            while at < stop:
                word = i64(read_i16_be(blob, at))
                first = word & BYTE
                if word >= 0 and first < OTHER:
                    begin = at + 2 + (first >> 5)
                    at = begin + (word >> 8)
                else:
                    begin = member_start(blob, at)
                    at = record_end(blob, at)
                into.append(blob[begin:at])
            index += 1

    def scores(self, found: vec[float]) -> vec[float]:
        """`found` with the scores appended.  O(entries)."""
        index: i64 = 0
        while index < len(self.blobs):
            blob = self.blobs[index]
            at = self.begin(index)
            stop = self.end(index)
            while at < stop:
                found = append(found, score_of(blob, at))
                at = record_end(blob, at)
            index += 1
        return found


# Leaves: rows that are all of a blob


def middle(leaf: bytes) -> i64:
    """The boundary between two records nearest to half the leaf's bytes; there are at least two records.  O(leaf)."""
    size: i64 = len(leaf)
    before: i64 = record_end(leaf, 0)
    after = before
    while 2 * after < size:
        before = after
        after = record_end(leaf, after)
    if after == size or size - 2 * before < 2 * after - size:
        return before
    return after


def halves(leaf: bytes, at: i64, data: bytes, limit: i64) -> list[bytes]:
    """`leaf` with the record `data` put in at offset `at`, as two or three leaves within `limit`.

    A record above the limit gets a leaf of its own, so its neighbours can change without copying it.
    """
    size: i64 = len(leaf)
    if len(data) <= limit and size <= limit:
        whole = spliced(leaf, at, at, data)
        cut = middle(whole)
        if cut <= limit and len(whole) - cut <= limit:
            return [whole[:cut], whole[cut:]]
    if at == 0:
        return [data, leaf]
    if at == size:
        return [leaf, data]
    return [leaf[:at], data, leaf[at:]]


def boundary(left: bytes, right: bytes) -> bytes:
    """The shortest member M such that, with the first score of `right`, all of `left` < (score, M) <= all of `right`.

    Usually empty: the member matters only if both leaves meet in one score.  O(leaf).
    """
    at = last_record(left, 0, len(left))
    if score_of(left, at) < score_of(right, 0):
        return b""
    return divider(member_at(left, at), member_at(right, 0))


def divider(before: bytes, member: bytes) -> bytes:
    """The shortest beginning of `member` that is after `before`, which is less than `member`."""
    size: i64 = len(before)
    k: i64 = 0
    while k < size and before[k] == member[k]:
        k += 1
    return member[: k + 1]


def with_score(row: bytes, at: i64, score: float, member: bytes) -> bytes:
    """`row`, all of it, with the record at `at`, which is `member`'s, given another score and put where that belongs.

    O(row).
    """
    end = record_end(row, at)
    begin = score_start(row, at)
    # The way to the new place need not begin at the first record.
    if score < score_at(row, begin):
        to, _ = seek(row, 0, at, score, member)
    else:
        to, _ = seek(row, end, len(row), score, member)
    if to < 0:
        to = -1 - to
    if at <= to <= end:
        return spliced(row, begin, begin + size_at(row, begin), packed(score))
    data = record(score, member)
    if to < at:
        return b"%b%b%b%b" % (row[:to], data, row[to:at], row[end:])
    return b"%b%b%b%b" % (row[:at], row[end:to], data, row[to:])


def in_order(leaf: bytes) -> bool:
    """Whether every record is before the next one.  O(leaf)."""
    at: i64 = 0
    size: i64 = len(leaf)
    while at < size:
        end = record_end(leaf, at)
        if end < size:
            score = score_of(leaf, at)
            follower = score_of(leaf, end)
            if not (score < follower or (score == follower and member_at(leaf, at) < member_at(leaf, end))):
                return False
        at = end
    return at == size
