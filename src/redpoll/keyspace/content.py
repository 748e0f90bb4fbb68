"""The value of a key without its key, on the way to another name or another database."""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from redpoll.structures.deadlines import earliest_at
from redpoll.structures.segment import RECORD_LIMIT, Outside
from redpoll.structures.table import Table
from redpoll.types.forms import empty
from redpoll.types.hash import Hash
from redpoll.types.kinds import HASH_VOLATILE, STRING_EMBSTR, STRING_RAW
from redpoll.types.string import LongString, embedded_or_raw
from redpoll.types.value import Value


@mypyc_attr(acyclic=True)
class Content:
    """The kind, the packed bytes or the object, and the deadline (0: none) at a table's position."""

    def __init__(self, table: Table) -> None:
        self.kind: i64 = table.kind()
        self.deadline: i64 = table.deadline()
        self.packed: bytes = b""
        self.outside: Outside | None = None
        if table.is_outside():
            self.outside = table.object()
        else:
            self.packed = table.value()

    def detach(self, now_ms: i64) -> None:
        """Replace the object, which belongs to the record, by a copy.  O(its size)."""
        outside = self.outside
        if outside is not None:
            self.outside = outside.copy()
        if self.kind == HASH_VOLATILE:
            self._drop_past(now_ms)

    def _drop_past(self, now_ms: i64) -> None:
        """Drop expired fields, unless that would leave a hash without fields."""
        outside = self.outside
        if outside is None:
            outside = outside_of(self.kind, self.packed)
        assert isinstance(outside, Hash)
        outside.set_time(now_ms)
        live = outside.live_count()
        if 0 < live < outside.count():
            outside.remove_due(outside.count())
            outside.review_times()
            self.packed = b""
            self.outside = outside
            self.kind = outside.kind

    def items_earliest(self) -> i64:
        """The earliest deadline within a value of VOLATILE_KIND, or an earlier time."""
        outside = self.outside
        return earliest_at(self.packed, 0) if outside is None else outside.earliest()

    def fit_record(self, table: Table, key: bytes) -> None:
        """Choose the form for a record of `key`: inside or beside it, and the encoding of a string."""
        if self.kind == STRING_EMBSTR:
            # With a longer key, an embedded string may be too long.  A `raw` string stays `raw`.
            outside = self.outside
            size: i64 = outside.length() if isinstance(outside, LongString) else i64(len(self.packed))
            self.kind = embedded_or_raw(len(key), size, False)
        outside = self.outside
        if outside is not None:
            small = packed_of(outside)
            if small is not None and table.fits(len(key), len(small)):
                self.packed = small
                self.outside = None
                return
        elif table.fits(len(key), len(self.packed)):
            return
        else:
            outside = outside_of(self.kind, self.packed)
            self.outside = outside
        # The object has a key only if that is long; `insert_outside` sets it.
        outside.key = b""
        if isinstance(outside, Value):
            outside.kind = self.kind


def packed_of(outside: Outside) -> bytes | None:
    """The packed form of an object, None if it is too large for a record."""
    if isinstance(outside, LongString):
        return outside.text() if outside.length() <= RECORD_LIMIT else None
    assert isinstance(outside, Value)
    return None if outside.is_large() else outside.packed()


def outside_of(kind: i64, packed: bytes) -> Outside:
    """An object with the content of a packed value."""
    if kind <= STRING_RAW:
        return LongString(packed)
    value = empty(kind)
    value.stand_beside(kind, packed)
    return value
