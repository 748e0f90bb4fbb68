"""Stream: entries in the order of their IDs, packed while few, then in blocks; and the groups that read them.

A stream without groups and with a single block (`structures/entries.py`) is packed, with a header before the block:

    live, deleted, node bytes, first ms, first seq, last ms - first ms, last seq, deleted ms, deleted seq, added, block

All fields are varints.  `first` is the ID that the block began with, `last` the greatest ID ever.  The deleted ms and
seq are the greatest ID that XDEL removed.  `added` counts all entries ever added.  IDs of 2^63 or more are not packed.
A stream without entries is not deleted.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64, mypyc_attr

from redpoll.protocol.numbers import write_int
from redpoll.scratch import SHARED
from redpoll.structures.blocks import Blocks, add_entry, is_full, new_block, whole_node_bytes
from redpoll.structures.entries import ENDLESS, Picked, Walk, names_end, pick, rewritten
from redpoll.structures.entry_items import varint_at, varint_end, write_varint
from redpoll.structures.ids import StreamId, number_of, precedes, radix_nodes
from redpoll.structures.mover import Mover
from redpoll.structures.packed import words_bytes
from redpoll.structures.segment import Outside
from redpoll.structures.table import Table
from redpoll.types.kinds import STREAM, EncodingLimits
from redpoll.types.stream_group import UNKNOWN, Group
from redpoll.types.value import Value

PACKED_LIMIT: Final[i64] = 512
"""A packed stream with more bytes becomes a large one ..."""
SHRINK_LIMIT: Final[i64] = 256
"""... and a large one of a single block with fewer a packed one, when entries are deleted."""

LIGHT_BLOCKS: Final = 4
"""Up to this many blocks a stream can be copied in one step."""

_scratch: Final = BytesWriter()


def id_text(ms: i64, seq: i64) -> bytes:
    """An ID as clients see it."""
    if ms < 0 or seq < 0:
        return b"%d-%d" % (number_of(ms), number_of(seq))
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    write_int(out, ms)
    out.append(45)
    write_int(out, seq)
    return out.getvalue()


@mypyc_attr(acyclic=True, free_list_len=1)
class Stream(Value):
    """See the module's docstring.  `last_ms`-`last_seq` is the last ID, `gone_ms`-`gone_seq` the greatest deleted."""

    def __init__(self) -> None:
        super().__init__(STREAM)
        self.added: i64 = 0
        self.last_ms: i64 = 0
        self.last_seq: i64 = 0
        self.gone_ms: i64 = 0
        self.gone_seq: i64 = 0
        # The large form.
        self.blocks: Blocks | None = None
        self.groups: dict[bytes, Group] | None = None
        self.group_bytes: i64 = 0
        # The packed form's block, which starts at `block_at` of the blob.
        self.live: i64 = 0
        self.deleted: i64 = 0
        self.node_bytes: i64 = 0
        self.first_ms: i64 = 0
        self.first_seq: i64 = 0
        self.block_at: i64 = 0

    # The two forms.

    def open(self, table: Table) -> None:
        super().open(table)
        self._read_head()

    def stand_beside(self, kind: i64, packed: bytes) -> None:
        super().stand_beside(kind, packed)
        if len(packed) > 0:
            self._read_head()

    def _read_head(self) -> None:
        blob = self.blob
        at = self.start
        self.live = varint_at(blob, at)
        at = varint_end(blob, at)
        self.deleted = varint_at(blob, at)
        at = varint_end(blob, at)
        self.node_bytes = varint_at(blob, at)
        at = varint_end(blob, at)
        self.first_ms = varint_at(blob, at)
        at = varint_end(blob, at)
        self.first_seq = varint_at(blob, at)
        at = varint_end(blob, at)
        self.last_ms = self.first_ms + varint_at(blob, at)
        at = varint_end(blob, at)
        self.last_seq = varint_at(blob, at)
        at = varint_end(blob, at)
        self.gone_ms = varint_at(blob, at)
        at = varint_end(blob, at)
        self.gone_seq = varint_at(blob, at)
        at = varint_end(blob, at)
        self.added = varint_at(blob, at)
        self.block_at = varint_end(blob, at)

    def _write(self, block: bytes) -> None:
        """Write the packed form from a block and the attributes, if it can be packed."""
        if not self._fits_head():
            self._grow(block)
            return
        out = _scratch if SHARED else BytesWriter()
        out.truncate(0)
        write_varint(out, self.live)
        write_varint(out, self.deleted)
        write_varint(out, self.node_bytes)
        write_varint(out, self.first_ms)
        write_varint(out, self.first_seq)
        write_varint(out, self.last_ms - self.first_ms)
        write_varint(out, self.last_seq)
        write_varint(out, self.gone_ms)
        write_varint(out, self.gone_seq)
        write_varint(out, self.added)
        self.block_at = len(out)
        self.rewrite(b"%b%b" % (out.getvalue(), block))

    def _fits_head(self) -> bool:
        if self.first_ms < 0 or self.first_seq < 0 or self.last_ms < self.first_ms or self.last_seq < 0:
            return False
        return self.gone_ms >= 0 and self.gone_seq >= 0 and self.added >= 0

    def _block(self) -> bytes:
        """The packed form's block."""
        return self.blob[self.block_at : self.stop]

    def _grow(self, block: bytes) -> Blocks:
        """Switch to the native form, with this block."""
        blocks = Blocks()
        if self.live > 0:
            blocks.take(block, self.first_ms, self.first_seq, self.live, self.deleted, self.node_bytes)
        self.blocks = blocks
        self.rewrite(b"")
        return blocks

    def _large(self) -> Blocks:
        """Switch to the native form and return the blocks."""
        blocks = self.blocks
        return blocks if blocks is not None else self._grow(self._block())

    def _shrink(self) -> None:
        """Switch back to the packed form if the stream is small and has no group."""
        blocks = self.blocks
        if blocks is None or blocks.count() > 1 or self.groups is not None:
            return
        if blocks.block_bytes - blocks.front > SHRINK_LIMIT:
            return
        head = blocks.index.head
        self.live = blocks.length
        self.first_ms = 0
        self.first_seq = 0
        self.deleted = 0
        self.node_bytes = 0
        block = b""
        if self.live > 0:
            self.first_ms = blocks.index.ms[head]
            self.first_seq = blocks.index.seq[head]
            self.deleted = blocks.counts[head] >> 32
            self.node_bytes = blocks.node_bytes[head]
            block = blocks.block(head)
            if blocks.front > 0:
                walk = blocks.walk(head)
                walk.step()
                first = rewritten(block, walk, self.first_ms, self.first_seq - 1)
                block = b"%b%b%b" % (block[: names_end(block, 0)], first, block[walk.next :])
        if self._fits_head():
            self.blocks = None
            self._write(block)

    def end_settings(self) -> None:
        """Write attributes that were set from outside into the packed form."""
        if self.blocks is None:
            self._write(self._block())

    def is_large(self) -> bool:
        return self.blocks is not None

    def is_empty(self) -> bool:
        """Always false: a stream without entries is not deleted."""
        return False

    # Entries.

    def length(self) -> i64:
        """Number of entries."""
        blocks = self.blocks
        return blocks.length if blocks is not None else self.live

    def append(self, ms: i64, seq: i64, args: list[bytes], first: i64, limits: EncodingLimits) -> None:
        """Append an entry with a greater ID; its fields and values are in `args` from `first` on.  O(log n)."""
        self.last_ms = ms
        self.last_seq = seq
        self.added = self.added + 1 if self.added < ENDLESS else raised_count(self.added)
        blocks = self.blocks
        if blocks is not None:
            blocks.append(ms, seq, args, first, limits.stream_node_bytes, limits.stream_node_entries)
            return
        coming = words_bytes(args, first)
        out = _scratch if SHARED else BytesWriter()
        out.truncate(0)
        if self.live == 0:
            self.deleted = 0
            self.first_ms = ms
            self.first_seq = seq
            self.node_bytes = new_block(out, args, first, coming)
            block = out.getvalue()
        else:
            if coming + self.stop - self.start > PACKED_LIMIT or is_full(
                self.node_bytes, self.live, self.deleted, coming, limits.stream_node_bytes, limits.stream_node_entries
            ):
                blocks = self._large()
                blocks.append(ms, seq, args, first, limits.stream_node_bytes, limits.stream_node_entries)
                return
            walk = self.walk_packed()
            while walk.step():
                pass
            self.node_bytes += add_entry(
                out,
                self.blob,
                self.block_at,
                ms,
                seq,
                self.first_ms,
                self.first_seq,
                walk.ms,
                walk.seq,
                args,
                first,
                coming,
            )
            block = b"%b%b" % (self._block(), out.getvalue())
        self.live += 1
        self._write(block)

    def walk_packed(self) -> Walk:
        """A walk that begins before the first entry of the packed form."""
        blob = self.blob
        at = self.stop
        if self.live > 0:
            at = names_end(blob, self.block_at)
        return Walk(blob, at, self.stop, self.first_ms, self.first_seq - 1)

    def delete(self, ms: i64, seq: i64) -> bool:
        """Delete an entry; return whether it was there."""
        if self.blocks is None and not self.has(ms, seq):
            return False
        if not self._large().delete(ms, seq):
            return False
        if precedes(self.gone_ms, self.gone_seq, ms, seq):
            self.gone_ms = ms
            self.gone_seq = seq
        return True

    def end_deletes(self) -> None:
        """Call this after one or several calls of `delete`."""
        self._shrink()

    def trim_to_length(self, most: i64, roughly: bool, limit: i64) -> i64:
        """Delete the oldest entries beyond `most`; see `Blocks`."""
        if self.length() <= most:
            return 0
        gone = self._large().trim_to_length(most, roughly, limit)
        self._shrink()
        return gone

    def trim_below(self, ms: i64, seq: i64, roughly: bool, limit: i64) -> i64:
        """Delete the entries before an ID; see `Blocks`."""
        first = self.first_id()
        if first is None or not precedes(first.ms, first.seq, ms, seq):
            return 0
        gone = self._large().trim_below(ms, seq, roughly, limit)
        self._shrink()
        return gone

    def first_id(self) -> StreamId | None:
        """The smallest ID that an entry has."""
        blocks = self.blocks
        if blocks is not None:
            first = blocks.first()
            return StreamId(first.ms, first.seq) if first is not None else None
        walk = self.walk_packed()
        return StreamId(walk.ms, walk.seq) if walk.step() else None

    def end_id(self) -> StreamId | None:
        """The greatest ID that an entry has."""
        blocks = self.blocks
        if blocks is not None:
            return StreamId(blocks.end_ms, blocks.end_seq) if blocks.length > 0 else None
        if self.live == 0:
            return None
        walk = self.walk_packed()
        while walk.step():
            pass
        return StreamId(walk.ms, walk.seq)

    def last_id(self) -> StreamId:
        return StreamId(self.last_ms, self.last_seq)

    def has(self, ms: i64, seq: i64) -> bool:
        """Whether an entry has this ID.  O(log n + a block)."""
        blocks = self.blocks
        if blocks is not None:
            return blocks.has(ms, seq)
        walk = self.walk_packed()
        return walk.seek(ms, seq) and walk.ms == ms and walk.seq == seq

    def pick(
        self, into: Picked, ms: i64, seq: i64, last_ms: i64, last_seq: i64, most: i64, reverse: bool = False
    ) -> i64:
        """Add up to `most` entries from one ID to another, both included, to `into`; return how many.

        O(log n + a block + found).
        """
        blocks = self.blocks
        if blocks is not None:
            return blocks.pick(into, ms, seq, last_ms, last_seq, most, reverse)
        return pick(into, self.walk_packed(), self.block_at, ms, seq, last_ms, last_seq, most, reverse)

    def all_entries(self) -> Picked:
        """Every entry.  O(n)."""
        into = Picked()
        self.pick(into, 0, 0, -1, -1, ENDLESS)
        return into

    # Groups.

    def group(self, name: bytes) -> Group | None:
        groups = self.groups
        return groups.get(name) if groups is not None else None

    def sorted_groups(self) -> list[bytes]:
        """The names of all groups, sorted."""
        groups = self.groups
        return sorted(groups) if groups is not None else []

    def add_group(self, name: bytes, last_ms: i64, last_seq: i64, read: i64) -> Group:
        """Add a group.  It must not exist."""
        self._large()
        groups = self.groups
        if groups is None:
            groups = {}
            self.groups = groups
        made = Group(last_ms, last_seq, read)
        groups[name] = made
        self.account(made)
        return made

    def remove_group(self, name: bytes) -> Group:
        """Remove a group.  It must exist.  The caller frees it."""
        groups = self.groups
        assert groups is not None
        gone = groups.pop(name)
        self.group_bytes -= gone.accounted
        gone.accounted = 0
        if len(groups) == 0:
            self.groups = None
            self._shrink()
        return gone

    def account(self, group: Group) -> None:
        """Update the memory of a group that has changed."""
        size = group.size_bytes()
        self.group_bytes += size - group.accounted
        group.accounted = size

    def estimate(self, ms: i64, seq: i64) -> i64:
        """Estimate how many entries were added up to this ID; UNKNOWN if deletions make that impossible.

        Source: spec/values.md, "entries-read and lag".
        """
        if self.added == 0:
            return 0
        length = self.length()
        is_above = precedes(self.last_ms, self.last_seq, ms, seq)
        if length == 0 and not is_above:
            return self.added
        if (ms != 0 or seq != 0) and precedes(ms, seq, self.gone_ms, self.gone_seq):
            return UNKNOWN
        if is_above:
            return UNKNOWN
        if ms == self.last_ms and seq == self.last_seq:
            return self.added
        first = self.first_id()
        if first is None:
            return UNKNOWN
        if (self.gone_ms == 0 and self.gone_seq == 0) or precedes(self.gone_ms, self.gone_seq, first.ms, first.seq):
            if precedes(ms, seq, first.ms, first.seq):
                return self.added - length
            if ms == first.ms and seq == first.seq:
                return self.added - length + 1
        return UNKNOWN

    def has_gaps_from(self, ms: i64, seq: i64) -> bool:
        """Whether an entry at or after this ID was deleted."""
        if self.length() == 0 or (self.gone_ms == 0 and self.gone_seq == 0):
            return False
        return not precedes(self.gone_ms, self.gone_seq, ms, seq)

    def advance(self, group: Group, read: Picked) -> None:
        """Record that a group has read these entries, which follow its last ID."""
        first = self.first_id()
        count = read.count()
        k: i64 = 0
        while k < count:
            if (
                group.read != UNKNOWN
                and not (first is not None and precedes(group.last_ms, group.last_seq, first.ms, first.seq))
                and not self.has_gaps_from(group.last_ms, group.last_seq)
            ):
                # This also holds for all following entries.
                step = count - k
                group.read = group.read + step if group.read < ENDLESS else raised_count(group.read)
            else:
                step = 1
                if self.added > 0:
                    group.read = self.estimate(read.ms[k], read.seq[k])
            k += step
            group.last_ms = read.ms[k - 1]
            group.last_seq = read.seq[k - 1]

    def lag(self, group: Group) -> i64 | None:
        """How many entries the group has not read yet, None if unknown."""
        if self.added == 0:
            return 0
        if group.read != UNKNOWN and not self.has_gaps_from(group.last_ms, group.last_seq):
            return self.added - group.read
        read = self.estimate(group.last_ms, group.last_seq)
        return self.added - read if read != UNKNOWN else None

    # As a whole.

    def tree_nodes(self) -> i64:
        """The number of nodes of the reference's radix tree.  O(nodes)."""
        blocks = self.blocks
        if blocks is None:
            return 2 if self.live > 0 else 1
        index = blocks.index
        return radix_nodes(index.ms, index.seq, index.head, index.stop)

    def node_count(self) -> i64:
        """The number of the reference's listpack nodes."""
        blocks = self.blocks
        if blocks is not None:
            return blocks.count()
        return 1 if self.live > 0 else 0

    def node_sizes(self) -> list[int]:
        """The bytes of each of these nodes."""
        blocks = self.blocks
        if blocks is None:
            return [int(whole_node_bytes(self.node_bytes, self.live, self.deleted))] if self.live > 0 else []
        return [int(blocks.total_node_bytes(i)) for i in range(blocks.index.head, blocks.index.stop)]

    def rows(self) -> list[bytes]:
        """For each entry its ID, and alternating fields and values."""
        entries = self.all_entries()
        found: list[bytes] = []
        for k in range(entries.count()):
            found.append(id_text(entries.ms[k], entries.seq[k]))
            items = entries.items(k)
            if items is not None:
                found.extend(items)
        return found

    def size_bytes(self) -> i64:
        blocks = self.blocks
        if blocks is None:
            return 300 + len(self.blob)
        return 300 + blocks.size_bytes() + self.group_bytes

    def copy(self) -> Outside:
        made = Stream()
        made.stand_beside(self.kind, self.packed())
        made.added = self.added
        made.last_ms = self.last_ms
        made.last_seq = self.last_seq
        made.gone_ms = self.gone_ms
        made.gone_seq = self.gone_seq
        blocks = self.blocks
        if blocks is None:
            return made
        made.blocks = blocks.copy()
        groups = self.groups
        if groups is not None:
            copies: dict[bytes, Group] = {}
            made.groups = copies
            for name, group in groups.items():
                twin = group.copy()
                assert isinstance(twin, Group)
                copies[name] = twin
                made.account(twin)
        return made

    def is_light(self) -> bool:
        blocks = self.blocks
        return self.groups is None and (blocks is None or len(blocks.data) <= LIGHT_BLOCKS)

    def move_piece(self, mover: Mover, at: i64) -> i64:
        blocks = self.blocks
        if blocks is None or at >= len(blocks.data):
            return -1
        blocks.data[at] = mover.bytes_(blocks.data[at])
        return at + 1

    def in_pieces(self) -> bool:
        return True

    def release(self, budget: i64) -> i64:
        blocks = self.blocks
        if blocks is None:
            return budget - 1
        budget = blocks.release(budget)
        groups = self.groups
        if groups is not None:
            while budget > 0 and len(groups) > 0:
                name, group = groups.popitem()
                budget = group.release(budget)
                if budget <= 0:
                    groups[name] = group
        return budget


def raised_count(count: int) -> i64:
    """A count plus 1.  It wraps after 2^63 - 1, because counts are 64-bit words as in the reference."""
    return -9223372036854775807 - 1 if count == 9223372036854775807 else count + 1
