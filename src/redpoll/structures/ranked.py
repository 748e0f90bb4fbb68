"""A small sorted set packed in order: `[score, 8 bytes, little-endian double][length][member]...`.

Functions over a blob and a range in it, so that they work inside the records of a whole bucket.  Everything is a walk
over lengths: good up to some 64 members.
"""

from __future__ import annotations

from librt.strings import BytesWriter, read_f64_le, write_f64_le
from librt.vecs import append, vec
from mypy_extensions import i64

from redpoll.structures.packed import LENGTH_BYTE, equal_at


def score_bytes(score: float) -> bytes:
    out = BytesWriter()
    write_f64_le(out, score)
    return out.getvalue()


def record(score: float, member: bytes) -> bytes:
    return b"%b%b%b" % (score_bytes(score), LENGTH_BYTE[len(member)], member)


def find(blob: bytes, start: i64, stop: i64, member: bytes) -> i64:
    """Where the record of `member` begins, -1 if there is none."""
    wanted: i64 = len(member)
    at = start
    while at < stop:
        length: i64 = blob[at + 8]
        if length == wanted and equal_at(blob, at + 9, member, length):
            return at
        at += 9 + length
    return -1


def count(blob: bytes, start: i64, stop: i64) -> i64:
    at = start
    found: i64 = 0
    while at < stop:
        at += 9 + blob[at + 8]
        found += 1
    return found


def is_before(blob: bytes, at: i64, score: float, member: bytes) -> bool:
    """Whether the record at `at` sorts before (score, member)."""
    theirs = read_f64_le(blob, at)
    if theirs != score:
        return theirs < score
    length: i64 = blob[at + 8]
    return blob[at + 9 : at + 9 + length] < member


def place(blob: bytes, start: i64, stop: i64, score: float, member: bytes) -> i64:
    """Where a record of (score, member) would have to stand."""
    at = start
    while at < stop and is_before(blob, at, score, member):
        at += 9 + blob[at + 8]
    return at


def rank_of_score(blob: bytes, start: i64, stop: i64, score: float, after: bool) -> i64:
    """How many records have a lower score (with `after`: or this one)."""
    at = start
    rank: i64 = 0
    while at < stop:
        theirs = read_f64_le(blob, at)
        if theirs > score or (theirs == score and not after):
            break
        at += 9 + blob[at + 8]
        rank += 1
    return rank


def rank_of_member(blob: bytes, start: i64, stop: i64, member: bytes, after: bool) -> i64:
    """How many records come before `member` (with `after`: or are it), where all scores are equal."""
    at = start
    rank: i64 = 0
    while at < stop:
        length: i64 = blob[at + 8]
        theirs = blob[at + 9 : at + 9 + length]
        if theirs > member or (theirs == member and not after):
            break
        at += 9 + length
        rank += 1
    return rank


def starts(blob: bytes, start: i64, stop: i64, first: i64, end: i64) -> vec[i64]:
    """Where the records of ranks `first` to before `end` begin."""
    found = vec[i64](capacity=end - first)
    at = start
    rank: i64 = 0
    while at < stop and rank < end:
        if rank >= first:
            found = append(found, at)
        at += 9 + blob[at + 8]
        rank += 1
    return found
