"""Entries of streams as replies."""

from __future__ import annotations

from librt.strings import read_i32_le
from mypy_extensions import i64

from redpoll.protocol.reply import NO_ROW, NUMBER_ITEM, Rows
from redpoll.structures.entries import Picked
from redpoll.structures.entry_items import LONG, NUMBER, number_at
from redpoll.types.stream import Stream, id_text


class Entries(Rows):
    """Entries of a stream as a reply, read from its blocks."""

    def __init__(self, picked: Picked) -> None:
        super().__init__(picked.count())
        self.picked = picked

    def open(self, k: i64) -> i64:
        picked = self.picked
        self.ms = picked.ms[k]
        self.seq = picked.seq[k]
        width = picked.open(k)
        if width < 0:
            return NO_ROW
        self.holder = picked.block
        return width

    def step(self) -> i64:
        at = self.picked.step()
        holder = self.holder
        size: i64 = holder[at]
        if size < NUMBER:
            at += 1
            return at << 32 | at + size
        if size < LONG:
            self.number = number_at(holder, at)
            return NUMBER_ITEM
        size = i64(read_i32_le(holder, at + 1)) & 0xFFFFFFFF
        at += 5
        return at << 32 | at + size

    def shows_same(self, other: Entries) -> bool:
        """Whether both show the same entries.  A quick test, which may miss some equal ones."""
        mine = self.picked
        theirs = other.picked
        last = self.count - 1
        return (
            self.count == other.count
            and last >= 0
            and mine.places[0] == theirs.places[0]
            and mine.places[last] == theirs.places[last]
            and len(mine.blocks) == len(theirs.blocks)
            and mine.blocks[0] is theirs.blocks[0]
            and mine.blocks[-1] is theirs.blocks[-1]
        )


def entry_at(stream: Stream, ms: i64, seq: i64) -> object:
    """The reply for a single entry, None if there is none with this ID."""
    picked = Picked()
    if stream.pick(picked, ms, seq, ms, seq, 1) == 0:
        return None
    return entry_reply(picked, 0)


def entry_reply(picked: Picked, k: i64) -> object:
    """The reply for one of several entries, for commands that show a few entries among other data."""
    items = picked.items(k)
    fields: list[object] = []
    if items is not None:
        fields.extend(items)
    return [id_text(picked.ms[k], picked.seq[k]), fields]
