"""Stream IDs and intervals of them, as clients spell them.

An ID is `ms` or `ms-seq`.  Each number is read as C's strtoull reads it.  The default for a missing seq depends on the
argument.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.engine.args import integer
from redpoll.errors import INVALID_END_ID, INVALID_START_ID, INVALID_STREAM_ID, CommandError, up_to_nul
from redpoll.protocol.numbers import MINUS, NINE, ZERO, parse_scan_cursor
from redpoll.structures.entries import ENDLESS
from redpoll.structures.ids import StreamId, word_of

OPEN: Final = 40
LONGEST_ID: Final = 127
QUICK_DIGITS: Final[i64] = 18
LEAST: Final[i64] = 0
GREATEST: Final[i64] = -1
"""The least and the greatest seq (and ms), as words."""


def stream_id(word: bytes, missing_seq: i64 = LEAST) -> StreamId:
    """Parse an ID; `missing_seq` is the default for seq.  Raises INVALID_STREAM_ID."""
    found = find_id(word, missing_seq)
    if found is None:
        raise CommandError(INVALID_STREAM_ID)
    return found


def find_id(word: bytes, missing_seq: i64) -> StreamId | None:
    """The same, or None if `word` is not an ID."""
    size: i64 = len(word)
    at: i64 = 0
    ms: i64 = 0
    while at < size and at <= QUICK_DIGITS:
        c: i64 = word[at]
        if c < ZERO or c > NINE:
            break
        ms = ms * 10 + (c - ZERO)
        at += 1
    if at == 0 or at > QUICK_DIGITS:
        return _odd_id(word, missing_seq)
    if at == size:
        return StreamId(ms, missing_seq)
    if word[at] != MINUS:
        return _odd_id(word, missing_seq)
    at += 1
    start = at
    seq: i64 = 0
    while at < size and at - start <= QUICK_DIGITS:
        c = word[at]
        if c < ZERO or c > NINE:
            break
        seq = seq * 10 + (c - ZERO)
        at += 1
    if at < size or at == start or at - start > QUICK_DIGITS:
        return _odd_id(word, missing_seq)
    return StreamId(ms, seq)


def _odd_id(word: bytes, missing_seq: i64) -> StreamId | None:
    """Parse an ID with large numbers or an unusual spelling."""
    if len(word) > LONGEST_ID:
        return None
    head, dash, tail = up_to_nul(word).partition(b"-")
    ms = parse_scan_cursor(head)
    if ms is None:
        return None
    if not dash:
        return StreamId(word_of(ms), missing_seq)
    seq = parse_scan_cursor(tail)
    return StreamId(word_of(ms), word_of(seq)) if seq is not None else None


def loose_id(word: bytes, missing_seq: i64) -> StreamId:
    """An ID, or `-` for the least and `+` for the greatest."""
    if len(word) == 1:
        if word[0] == MINUS:
            return StreamId(LEAST, LEAST)
        if word == b"+":
            return StreamId(GREATEST, GREATEST)
    return stream_id(word, missing_seq)


def interval_start(word: bytes) -> StreamId:
    """The first ID of an interval; after `(` the ID itself is not in it."""
    if len(word) == 0 or word[0] != OPEN:
        return loose_id(word, LEAST)
    start = stream_id(word[1:], LEAST)
    if start.is_last():
        raise CommandError(INVALID_START_ID)
    return start.following()


def interval_end(word: bytes) -> StreamId:
    """The last ID of an interval, read in the same way."""
    if len(word) == 0 or word[0] != OPEN:
        return loose_id(word, GREATEST)
    # Without a seq it is the greatest: `(5` excludes only 5-18446744073709551615.
    end = stream_id(word[1:], GREATEST)
    if end.is_zero():
        raise CommandError(INVALID_END_ID)
    return end.preceding()


def entry_count(word: bytes) -> i64:
    """A COUNT of entries.  Negative numbers count as 0; the greatest is the greatest i64."""
    count = integer(word)
    if count <= 0:
        return 0
    return count if count < ENDLESS else ENDLESS
