"""Fields of hashes as replies, which refer to the bytes of the hash and copy none of them."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.protocol.reply import ARRAY, MAP, PackedStrings, RecordStrings, Strings, View
from redpoll.structures.record_pieces import RecordPieces
from redpoll.types.field_records import LongValue
from redpoll.types.hash import Hash

FIELDS: Final[i64] = 1
VALUES: Final[i64] = 2
BOTH: Final[i64] = 3


def all_fields(value: Hash, what: i64, shape: i64) -> View:
    """All fields that have not expired: their names, their values, or both alternating.

    O(fields) if packed, else O(buckets).  Later changes do not affect the reply.
    """
    table = value.table
    if table is not None:
        return all_records(RecordPieces(table, value.now_ms()), what, shape)
    items = value.live_items()
    return packed_pairs(items, shape) if what == BOTH else packed_parts(items, what)


def packed_pairs(items: bytes, shape: i64) -> PackedStrings:
    """Alternating fields and values of packed items."""
    view = PackedStrings(shape)
    view.pieces.append(items)
    at: i64 = 0
    stop: i64 = len(items)
    while at < stop:
        at += 1 + items[at]
        view.count += 1
    return view


def packed_parts(items: bytes, what: i64) -> Strings:
    """The fields or the values, of packed items."""
    view = Strings()
    at: i64 = 0
    stop: i64 = len(items)
    while at < stop:
        middle: i64 = at + 1 + items[at]
        end: i64 = middle + 1 + items[middle]
        if what == FIELDS:
            view.add_part(items, at + 1, middle)
        else:
            view.add_part(items, middle + 1, end)
        at = end
    return view


def all_records(records: RecordPieces, what: i64, shape: i64) -> RecordStrings:
    """The same for a large hash."""
    view = RecordStrings(shape, what & FIELDS != 0, what & VALUES != 0)
    view.count = records.count * 2 if what == BOTH else records.count
    view.pieces = records.pieces
    view.lengths = records.lengths
    for n in range(len(records.keys)):
        if what & FIELDS != 0:
            view.wholes.append(records.keys[n])
        if what & VALUES != 0:
            outside = records.objects[n]
            assert isinstance(outside, LongValue)
            view.wholes.append(outside.data)
    return view


def no_fields(what: i64) -> object:
    """The reply for a missing key."""
    return PackedStrings(MAP if what == BOTH else ARRAY)
