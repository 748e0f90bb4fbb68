"""All records of a table as references to the bytes of its buckets, for replies."""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64, u8

from redpoll.scratch import SHARED
from redpoll.structures.segment import LENGTH_MASK, OUTSIDE, Outside, Segment
from redpoll.structures.table import Table

_scratch: Final = BytesWriter()


class RecordPieces:
    """The records that have not expired.  Later changes of the table do not affect it.

    pieces       records `[key length, 1 byte][key][value]` one after another, in several pieces
    lengths      the length of each of these records, one byte each
    keys, objects   of the records with an object outside
    """

    def __init__(self, table: Table, now_ms: i64) -> None:
        """O(buckets), and a copy of the buckets that have records to leave out."""
        self.table = table
        self.pieces: list[bytes] = []
        self.keys: list[bytes] = []
        self.objects: list[Outside] = []
        lengths = _scratch if SHARED else BytesWriter()
        lengths.truncate(0)
        for segment in table.segments:
            some_past = segment.first <= now_ms
            objects: i64 = len(segment.objects)
            j: i64 = 0
            count: i64 = len(segment.words)
            while j < count:
                if (some_past and segment.earliest[j] <= now_ms) or (j < objects and len(segment.objects[j]) > 0):
                    self._add_some(segment, j, now_ms, lengths)
                elif len(segment.blobs[j]) > 0:
                    self.pieces.append(segment.blobs[j])
                    for word in segment.words[j]:
                        lengths.append(u8(word & LENGTH_MASK))
                j += 1
        self.lengths = lengths.getvalue()
        self.count: i64 = len(self.lengths) + len(self.keys)
        """How many records there are."""

    def _add_some(self, segment: Segment, j: i64, now_ms: i64, lengths: BytesWriter) -> None:
        """Add the records of a bucket one by one."""
        blob = segment.blobs[j]
        timed = len(segment.deadlines) > 0 and len(segment.deadlines[j]) > 0
        kept: list[bytes] = []
        offset: i64 = 0
        i: i64 = 0
        for word in segment.words[j]:
            start = offset
            length = word & LENGTH_MASK
            offset += length
            at_ms: i64 = segment.deadlines[j][i] if timed else i64(0)
            if at_ms == 0 or at_ms > now_ms:
                if word & OUTSIDE != 0:
                    outside = self.table.object_of(segment, j, i)
                    self.keys.append(outside.key if len(outside.key) > 0 else blob[start + 1 : offset])
                    self.objects.append(outside)
                else:
                    kept.append(blob[start:offset])
                    lengths.append(u8(length))
            i += 1  # noqa: SIM113  (`enumerate` counts in objects)
        if len(kept) > 0:
            self.pieces.append(b"".join(kept))
