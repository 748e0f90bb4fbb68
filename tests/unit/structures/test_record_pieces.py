"""All records of a table as pieces: none twice, none past its deadline, and later changes do not show."""

from __future__ import annotations

import pytest
from tests.unit.structures.tables import store

from redpoll.structures.record_pieces import RecordPieces
from redpoll.structures.table import Table
from redpoll.types.string import LongString


def content(pieces: RecordPieces) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    k = 0
    for piece in pieces.pieces:
        at = 0
        while at < len(piece):
            middle = at + 1 + piece[at]
            end = at + pieces.lengths[k]
            assert piece[at + 1 : middle] not in found
            found[piece[at + 1 : middle]] = piece[middle:end]
            at = end
            k += 1
        assert at == len(piece)
    assert k == len(pieces.lengths)
    for n, key in enumerate(pieces.keys):
        outside = pieces.objects[n]
        assert isinstance(outside, LongString) and key not in found
        found[key] = outside.text()
    assert pieces.count == len(found)
    return found


@pytest.mark.parametrize("count", [0, 1, 30, 3000])
@pytest.mark.parametrize("long_every", [0, 7])
@pytest.mark.parametrize("timed_every", [0, 5])
def test_all_records(count: int, long_every: int, timed_every: int) -> None:
    table = Table()
    expected: dict[bytes, bytes] = {}
    for n in range(count):
        key = (b"key:%d" % n).ljust(210 if n % 50 == 3 else 1, b"k")
        value = b"v" * (300 if long_every and n % long_every == 0 else n % 40)
        store(table, key, value, 0)
        if timed_every and n % timed_every == 0:
            table.find(key)
            table.set_deadline(100 if n % 2 else 200)
        if not (timed_every and n % timed_every == 0 and n % 2):
            expected[key] = value
    pieces = RecordPieces(table, 150)
    assert content(pieces) == expected
    for n in range(count):
        store(table, b"key:%d" % n, b"other", 0)
    assert content(pieces) == expected
    if not timed_every:
        assert RecordPieces(table, 0).count == RecordPieces(table, 150).count
