"""What a key holds, apart from its key: on its way to another name or another database."""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from redpoll.structures.segment import RECORD_LIMIT, Outside
from redpoll.structures.table import Table
from redpoll.types.forms import empty
from redpoll.types.kinds import STRING_EMBSTR, STRING_RAW
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

    def detach(self) -> None:
        """Become a copy: the object was the record's own.  O(its size)."""
        outside = self.outside
        if outside is not None:
            self.outside = outside.copy()

    def fit_record(self, table: Table, key: bytes) -> None:
        """Take the form that a record of `key` gives it: inside or beside, and a string's encoding."""
        if self.kind == STRING_EMBSTR:
            # An embedded string may be too long beside another key; one that is `raw` stays so.
            outside = self.outside
            size: i64 = outside.length() if isinstance(outside, LongString) else len(self.packed)
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
        # The object keeps its key only if it is a long one, and `insert_outside` gives it that.
        outside.key = b""
        if isinstance(outside, Value):
            outside.kind = self.kind


def packed_of(outside: Outside) -> bytes | None:
    """What an object could be inside a record, None if it is too large for one."""
    if isinstance(outside, LongString):
        return outside.text() if outside.length() <= RECORD_LIMIT else None
    assert isinstance(outside, Value)
    return None if outside.is_large() else outside.packed()


def outside_of(kind: i64, packed: bytes) -> Outside:
    """An object beside its record with what was packed inside one."""
    if kind <= STRING_RAW:
        return LongString(packed)
    value = empty(kind)
    value.stand_beside(kind, packed)
    return value
