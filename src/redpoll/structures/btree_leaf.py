"""A leaf of the counted B+tree: (score, member) records packed in order in one `bytes`.

    leaf   = record*
    record = score (8 bytes, IEEE 754, little endian) | length (varint) | member

A varint has 7 bits a byte, the low ones first, and the top bit on all but the last byte.  Records stand in order
of (score, member): scores as numbers, so that -0.0 equals 0.0, members as unsigned bytes, a prefix before what it
begins.  A leaf never changes; a new one takes its place.  Whoever holds a leaf (a reply, a snapshot) therefore keeps
what it saw.

Records are found by walking from the front.  A leaf is at most a few dozen records, and a walk that reads the
scores costs as much as the walk over the lengths that a binary search would need afterwards.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, read_f64_le, read_i64_be, write_f64_le
from librt.vecs import append, vec
from mypy_extensions import i64, u8

from redpoll.scratch import SHARED
from redpoll.structures.packed import patched

SCORE_BYTES: Final[i64] = 8
SHORT: Final[i64] = 128
"""Lengths below this take one byte."""

# Turns the order of signed words into that of unsigned ones, without leaving 64 bits.
SIGN: Final[i64] = -(1 << 63)

_scratch: Final = BytesWriter()


def record(score: float, member: bytes) -> bytes:
    """The packed form of one entry."""
    size: i64 = len(member)
    writer = _scratch if SHARED else BytesWriter()
    writer.truncate(0)
    write_f64_le(writer, score)
    rest = size
    while rest >= SHORT:
        writer.append(u8(rest & 127 | 128))
        rest >>= 7
    writer.append(u8(rest))
    if size < SHORT:
        writer.write(member)
        return writer.getvalue()
    # Longer members stay out of the scratch writer, which never gives its memory back.
    return b"%b%b" % (writer.getvalue(), member)


def member_start(leaf: bytes, at: i64) -> i64:
    """Offset of the member of the record at `at`."""
    at += SCORE_BYTES
    while i64(leaf[at]) >= SHORT:
        at += 1
    return at + 1


def record_end(leaf: bytes, at: i64) -> i64:
    """Offset after the record at `at`."""
    at += SCORE_BYTES
    byte: i64 = leaf[at]
    if byte < SHORT:
        return at + 1 + byte
    size: i64 = 0
    shift: i64 = 0
    while byte >= SHORT:
        size |= (byte & 127) << shift
        shift += 7
        at += 1
        byte = leaf[at]
    return at + 1 + (size | byte << shift)


def score_at(leaf: bytes, at: i64) -> float:
    """Score of the record at `at`."""
    return read_f64_le(leaf, at)


def member_at(leaf: bytes, at: i64) -> bytes:
    """Member of the record at `at`."""
    return leaf[member_start(leaf, at) : record_end(leaf, at)]


def compare(leaf: bytes, start: i64, end: i64, member: bytes) -> i64:
    """Below, equal to or above 0 as `leaf[start:end]` is before, equal to or after `member`.  O(length)."""
    size: i64 = len(member)
    held = end - start
    common = held if held < size else size
    k: i64 = 0
    if common >= 8:
        last = common - 8
        while True:
            x = read_i64_be(leaf, start + k)
            y = read_i64_be(member, k)
            if x != y:
                return -1 if (x ^ SIGN) < (y ^ SIGN) else 1
            if k == last:
                return held - size
            k += 8
            if k > last:
                k = last  # the last word overlaps the one before: what they share is equal already
    while k < common:
        a: i64 = leaf[start + k]
        b: i64 = member[k]
        if a != b:
            return a - b
        k += 1
    return held - size


def is_before(member: bytes, other: bytes) -> bool:
    """Whether `member` < `other`; cheaper than the general comparison of objects that compiled code makes of `<`."""
    return compare(other, 0, len(other), member) > 0


def seek(leaf: bytes, score: float, member: bytes) -> i64:
    """Offset of the record (score, member), or, if there is none, -1 - the offset at which it would stand.  O(leaf)."""
    at: i64 = 0
    size: i64 = len(leaf)
    while at < size:
        held = read_f64_le(leaf, at)
        if held >= score:
            if held > score:
                break
            order = compare(leaf, member_start(leaf, at), record_end(leaf, at), member)
            if order == 0:
                return at
            if order > 0:
                break
        length: i64 = leaf[at + SCORE_BYTES]
        at = at + SCORE_BYTES + 1 + length if length < SHORT else record_end(leaf, at)
    return -1 - at


def records_before(leaf: bytes, at: i64) -> i64:
    """Number of records before offset `at`.  O(leaf)."""
    count: i64 = 0
    k: i64 = 0
    while k < at:
        k = record_end(leaf, k)
        count += 1
    return count


def scores_before(leaf: bytes, score: float, equal_too: bool) -> i64:
    """Number of records with a lower score; with `equal_too`, with a lower or the same score.  O(leaf)."""
    count: i64 = 0
    at: i64 = 0
    size: i64 = len(leaf)
    while at < size:
        held = read_f64_le(leaf, at)
        if held > score or (held == score and not equal_too):
            break
        at = record_end(leaf, at)
        count += 1
    return count


def skip(leaf: bytes, count: i64) -> i64:
    """Offset after the first `count` records.  O(count)."""
    at: i64 = 0
    while count > 0:
        at = record_end(leaf, at)
        count -= 1
    return at


def last_record(leaf: bytes) -> i64:
    """Offset of the last record of a leaf that has one.  O(leaf)."""
    at: i64 = 0
    size: i64 = len(leaf)
    end = record_end(leaf, 0)
    while end < size:
        at = end
        end = record_end(leaf, at)
    return at


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


def boundary(left: bytes, right: bytes) -> bytes:
    """The shortest member M such that, with the first score of `right`, all of `left` < (score, M) <= all of `right`.

    Mostly nothing: only where both leaves meet in one score does the member matter.  O(leaf).
    """
    at = last_record(left)
    if read_f64_le(left, at) < read_f64_le(right, 0):
        return b""
    member = member_at(right, 0)
    start = member_start(left, at)
    size: i64 = len(left) - start
    k: i64 = 0
    while k < size and left[start + k] == member[k]:
        k += 1
    return member[: k + 1]


def take_members(leaf: bytes, start: i64, stop: i64, reverse: bool, into: list[object]) -> None:
    """Append the members of records `start` to `stop` - 1, from the last to the first if `reverse`.  O(leaf)."""
    at = skip(leaf, start)
    if not reverse:
        while start < stop:
            end = record_end(leaf, at)
            into.append(leaf[member_start(leaf, at) : end])
            at = end
            start += 1
        return
    starts = _starts(leaf, at, stop - start)
    k: i64 = len(starts) - 2
    while k >= 0:
        into.append(leaf[member_start(leaf, starts[k]) : starts[k + 1]])
        k -= 1


def take_scores(leaf: bytes, start: i64, stop: i64, reverse: bool, scores: vec[float]) -> vec[float]:
    """`scores` with those of records `start` to `stop` - 1 appended, the last first if `reverse`.  O(leaf)."""
    at = skip(leaf, start)
    if not reverse:
        while start < stop:
            scores = append(scores, read_f64_le(leaf, at))
            at = record_end(leaf, at)
            start += 1
        return scores
    starts = _starts(leaf, at, stop - start)
    k: i64 = len(starts) - 2
    while k >= 0:
        scores = append(scores, read_f64_le(leaf, starts[k]))
        k -= 1
    return scores


def _starts(leaf: bytes, at: i64, count: i64) -> vec[i64]:
    """Offsets of `count` records from the one at `at` on, and the offset after them."""
    starts = vec[i64](capacity=count + 1)
    starts = append(starts, at)
    while count > 0:
        at = record_end(leaf, at)
        starts = append(starts, at)
        count -= 1
    return starts


def with_score(leaf: bytes, at: i64, score: float, member: bytes) -> bytes:
    """`leaf` with the record at `at`, which is `member`'s, given another score and put where that belongs.  O(leaf)."""
    end = record_end(leaf, at)
    if end - at == len(leaf):
        return record(score, member)
    to = seek(leaf, score, member)
    if to < 0:
        to = -1 - to
    if at <= to <= end:
        writer = _scratch if SHARED else BytesWriter()
        writer.truncate(0)
        write_f64_le(writer, score)
        return patched(leaf, at, writer.getvalue())
    data = record(score, member)
    if to < at:
        return b"%b%b%b%b" % (leaf[:to], data, leaf[to:at], leaf[end:])
    return b"%b%b%b%b" % (leaf[:at], leaf[end:to], data, leaf[to:])


def in_order(leaf: bytes) -> bool:
    """Whether every record is before the next one.  O(leaf)."""
    at: i64 = 0
    size: i64 = len(leaf)
    while at < size:
        end = record_end(leaf, at)
        if end < size:
            score = read_f64_le(leaf, at)
            follower = read_f64_le(leaf, end)
            if not (score < follower or (score == follower and member_at(leaf, at) < member_at(leaf, end))):
                return False
        at = end
    return at == size
