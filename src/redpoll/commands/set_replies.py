"""Members of sets as replies, which refer to the bytes of the set and copy none of them."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.protocol.numbers import int_text
from redpoll.protocol.reply import PackedStrings, Strings
from redpoll.structures.members import add_pieces
from redpoll.types.set import Set
from redpoll.types.set_walk import Walk


def all_members(value: Set, shape: i64) -> PackedStrings:
    """All members; in order if they are packed.  O(buckets).  Later changes do not affect the reply."""
    view = PackedStrings(shape)
    view.count = value.count()
    table = value.table
    if table is not None:
        add_pieces(table, view.pieces, view.wholes)
    elif value.has_numbers():
        view.wholes = value.rows()
    else:
        view.pieces.append(value.packed())
    return view


def add_member(found: Strings, walk: Walk) -> None:
    """Add the member at which a walk stands."""
    if walk.numeric:
        found.add(int_text(walk.number))
    else:
        found.add_part(walk.blob, walk.start, walk.stop)
