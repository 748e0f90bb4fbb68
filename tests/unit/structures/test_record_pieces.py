"""Records of a table for a reply: all that are not past their deadline, whatever happens to the table afterwards."""

from __future__ import annotations

import pytest
from tests.unit.structures.tables import store

from redpoll.structures.record_pieces import RecordPieces
from redpoll.structures.segment import KEY_LIMIT
from redpoll.structures.table import Table
from redpoll.types.string import LongString


def told(pieces: RecordPieces) -> dict[bytes, bytes]:
    """The keys and values that a reply would tell."""
    found = {}
    data = b"".join(pieces.pieces)
    at = 0
    for length in pieces.lengths:
        record = data[at : at + length]
        size = record[0]
        found[record[1 : 1 + size]] = record[1 + size :]
        at += length
    assert at == len(data)
    for key, outside in zip(pieces.keys, pieces.objects, strict=True):
        assert isinstance(outside, LongString)
        found[key] = outside.data
    assert pieces.count == len(found)
    return found


@pytest.mark.parametrize("count", [0, 1, 16, 17, 300])
@pytest.mark.parametrize("now", [0, 49, 50, 51, 1000])
def test_records_that_are_past_are_left_out(count: int, now: int) -> None:
    table = Table()
    model = {}
    for n in range(count):
        key = b"k" * (KEY_LIMIT + 1) + b"%d" % n if n % 9 == 0 else b"k%d" % n
        value = b"v" * (300 if n % 5 == 0 else n % 40)
        store(table, key, value, 0)
        at = 0 if n % 3 else 49 + n % 4
        assert table.find(key)
        table.set_deadline(at)
        if at == 0 or at > now:
            model[key] = value
    assert told(RecordPieces(table, now)) == model


def test_buckets_without_deadlines_or_objects_are_taken_whole() -> None:
    table = Table()
    for n in range(100):
        store(table, b"%d" % n, b"v", 0)
    pieces = RecordPieces(table, 1 << 60)
    blobs = [blob for segment in table.segments for blob in segment.blobs if blob]
    assert len(pieces.pieces) == len(blobs)
    assert all(piece is blob for piece, blob in zip(pieces.pieces, blobs, strict=True))


def test_later_changes_do_not_show() -> None:
    table = Table()
    for n in range(100):
        store(table, b"%d" % n, b"v" * (300 if n % 10 == 0 else 3), 0)
    pieces = RecordPieces(table, 0)
    before = told(pieces)
    for n in range(100):
        assert table.find(b"%d" % n)
        table.remove()
    for n in range(50):
        store(table, b"new:%d" % n, b"w", 0)
    assert told(pieces) == before
