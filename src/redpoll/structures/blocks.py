"""The entries of a stream in blocks.  Each block corresponds to a node of the reference.

The first ID of a block is in the index, and stays there when that entry is deleted.  `entries.py` describes the
packing.  As in the reference, the bytes of a node decide whether an entry still fits into the last block, because
trimming with `~` removes whole nodes.  Therefore each block also counts its deleted entries, which the reference only
marks, and the bytes of its node.

Entries are added to the last block: while it is short by joining bytes, then in a writer.  The front of the first block
can be cut off without rewriting it: `front` is the offset of its first live entry, `front_ms`-`front_seq` the ID
before.  `hint` remembers where the last look-up ended, so that reading on in order does not start at the front of the
block.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from redpoll.scratch import SHARED
from redpoll.structures.columns import removed
from redpoll.structures.entries import (
    Picked,
    Walk,
    frame_node_bytes,
    has_names,
    names_end,
    pick,
    rewritten,
    write_entry,
    write_names,
)
from redpoll.structures.entry_items import number_node_bytes
from redpoll.structures.ids import IdIndex, from_on, grown, inserted, precedes
from redpoll.structures.packed import words_bytes

NODE_FRAME: Final[i64] = 7
"""Bytes of a node of the reference's around its items."""
MOST_NODE_BYTES: Final[i64] = 1 << 30
"""The greatest size of a block without a limit, and of an entry's fields."""

JOINED: Final[i64] = 512
"""Up to this many bytes, each entry is added by joining bytes; an empty writer takes more than that."""
BLOCK_BYTES: Final[i64] = 96
"""The overhead of a block: headers, columns, a slot."""
GONE_SHIFT: Final[i64] = 32
LIVE_MASK: Final[i64] = (1 << 32) - 1

_scratch: Final = BytesWriter()


def is_full(node_bytes: i64, live: i64, gone: i64, coming: i64, most_bytes: i64, most_entries: i64) -> bool:
    """Whether an entry with fields of `coming` bytes starts a new block; a limit of 0 is none."""
    if most_bytes <= 0 or most_bytes > MOST_NODE_BYTES:
        most_bytes = MOST_NODE_BYTES
    if whole_node_bytes(node_bytes, live, gone) + coming >= most_bytes:
        return True
    return most_entries > 0 and live + gone >= most_entries


def whole_node_bytes(node_bytes: i64, live: i64, gone: i64) -> i64:
    """The bytes of a node with its header and its two counts."""
    return NODE_FRAME + node_bytes + number_node_bytes(live) + number_node_bytes(gone)


def new_block(out: BytesWriter, args: list[bytes], first: i64, coming: i64) -> i64:
    """Write a block of a single entry; return the bytes of its node, without header and counts."""
    node_bytes = write_names(out, args, first)
    # It directly follows an imaginary entry, so its ID takes no bytes.
    node_bytes += write_entry(out, False, 0, 0, 0, -1, args, first, coming)
    return node_bytes + frame_node_bytes(False, (i64(len(args)) - first) >> 1, 0, 0)


def add_entry(
    out: BytesWriter,
    names: bytes,
    names_at: i64,
    ms: i64,
    seq: i64,
    first_ms: i64,
    first_seq: i64,
    before_ms: i64,
    before_seq: i64,
    args: list[bytes],
    first: i64,
    coming: i64,
) -> i64:
    """Write one more entry of the block that begins with `first_ms`-`first_seq`; return what it takes in its node."""
    own = not has_names(names, names_at, args, first)
    node_bytes = write_entry(out, own, ms, seq, before_ms, before_seq, args, first, coming)
    return node_bytes + frame_node_bytes(own, (i64(len(args)) - first) >> 1, ms - first_ms, seq - first_seq)


@mypyc_attr(acyclic=True)
class Blocks:
    """See the module's docstring.  `length` counts the live entries, `end_ms`-`end_seq` is the last one's ID."""

    def __init__(self) -> None:
        self.index: Final = IdIndex()
        self.counts: vec[i64] = vec[i64]()
        """Live entries, and deleted ones << 32."""
        self.node_bytes: vec[i64] = vec[i64]()
        """Without the frame and the two counts."""
        self.data: list[bytes] = []
        self.length: i64 = 0
        self.block_bytes: i64 = 0
        self.end_ms: i64 = 0
        self.end_seq: i64 = 0
        self.writer: BytesWriter | None = None
        self.writing = False
        """Whether the last block is in the writer."""
        self.written: bytes | None = None
        """The bytes of the last block, cached for readers until the next entry."""
        self.names = b""
        """Of the last block: a copy, as the writer is slow to read."""
        self.front: i64 = 0
        self.front_ms: i64 = 0
        self.front_seq: i64 = 0
        self.hint: i64 = -1
        self.hint_at: i64 = 0
        self.hint_ms: i64 = 0
        self.hint_seq: i64 = 0

    # Blocks by their position in the index.

    def count(self) -> i64:
        """Number of blocks."""
        return self.index.stop - self.index.head

    def block(self, i: i64) -> bytes:
        """The bytes of block `i`."""
        if self.writing and i == self.index.stop - 1:
            written = self.written
            if written is None:
                writer = self.writer
                assert writer is not None
                written = writer.getvalue()
                self.written = written
            return written
        return self.data[i]

    def live(self, i: i64) -> i64:
        return self.counts[i] & LIVE_MASK

    def walk(self, i: i64) -> Walk:
        """Go to before the first entry of block `i`."""
        blob = self.block(i)
        index = self.index
        if i == index.head and self.front > 0:
            return Walk(blob, self.front, len(blob), self.front_ms, self.front_seq)
        return Walk(blob, names_end(blob, 0), len(blob), index.ms[i], index.seq[i] - 1)

    def walk_to(self, i: i64, ms: i64, seq: i64) -> Walk:
        """Go to before an entry of block `i` that is not after this ID; near the ID if the last look-up ended there."""
        if i == self.hint and precedes(self.hint_ms, self.hint_seq, ms, seq):
            blob = self.block(i)
            return Walk(blob, self.hint_at, len(blob), self.hint_ms, self.hint_seq)
        return self.walk(i)

    def take(self, block: bytes, ms: i64, seq: i64, live: i64, gone: i64, node_bytes: i64) -> None:
        """Start with a block that was packed elsewhere."""
        self._open(ms, seq, node_bytes)
        last: i64 = self.index.stop - 1
        counts = self.counts
        counts[last] = live | gone << GONE_SHIFT
        self.data.append(block)
        self.names = block[: names_end(block, 0)]
        self.block_bytes += len(block)
        self.length += live
        self._find_end()

    def _open(self, ms: i64, seq: i64, node_bytes: i64) -> None:
        """Add a block with one live entry to the columns.  The caller adds its bytes."""
        index = self.index
        if index.has_gap():
            self._close_gap()
        if index.is_full():
            index.grow()
            self.counts = grown(self.counts, index.room)
            self.node_bytes = grown(self.node_bytes, index.room)
        self.counts = inserted(self.counts, index.stop, 1)
        self.node_bytes = inserted(self.node_bytes, index.stop, node_bytes)
        index.insert(index.stop, ms, seq)

    def _close_gap(self) -> None:
        index = self.index
        moved = index.close_gap()
        self.counts = from_on(self.counts, moved, index.room)
        self.node_bytes = from_on(self.node_bytes, moved, index.room)
        del self.data[:moved]
        self.hint = -1

    def _find_end(self) -> None:
        """Find the ID of the last entry."""
        last: i64 = self.index.stop - 1
        if last >= self.index.head:
            walk = self.walk(last)
            while walk.step():
                pass
            self.end_ms = walk.ms
            self.end_seq = walk.seq

    # Adding.

    def append(self, ms: i64, seq: i64, args: list[bytes], first: i64, most_bytes: i64, most_entries: i64) -> None:
        """Append an entry, with the fields in `args` from `first` on; in a new block if necessary."""
        coming = words_bytes(args, first)
        index = self.index
        last: i64 = index.stop - 1
        if last < index.head:
            self._start_block(ms, seq, args, first, coming)
        else:
            counted = self.counts[last]
            live = counted & LIVE_MASK
            if is_full(self.node_bytes[last], live, counted >> GONE_SHIFT, coming, most_bytes, most_entries):
                self._start_block(ms, seq, args, first, coming)
            else:
                self._extend(last, ms, seq, args, first, coming)
        self.end_ms = ms
        self.end_seq = seq
        self.length += 1

    def _extend(self, last: i64, ms: i64, seq: i64, args: list[bytes], first: i64, coming: i64) -> None:
        index = self.index
        writer = self.writer
        if not self.writing and (writer is not None or len(self.data[last]) > JOINED):
            self._write_on(last)
            writer = self.writer
        if self.writing:
            assert writer is not None
            out = writer
        else:
            out = _scratch if SHARED else BytesWriter()
            out.truncate(0)
        before: i64 = len(out)
        added = add_entry(
            out, self.names, 0, ms, seq, index.ms[last], index.seq[last], self.end_ms, self.end_seq, args, first, coming
        )
        self.block_bytes += len(out) - before
        if self.writing:
            self.written = None
        else:
            self.data[last] = b"%b%b" % (self.data[last], out.getvalue())
        sizes = self.node_bytes
        sizes[last] += added
        counts = self.counts
        counts[last] += 1

    def _start_block(self, ms: i64, seq: i64, args: list[bytes], first: i64, coming: i64) -> None:
        if self.writing:
            self.data[self.index.stop - 1] = self.block(self.index.stop - 1)
            self.written = None
        writer = self.writer
        self.writing = writer is not None
        out = writer if writer is not None else (_scratch if SHARED else BytesWriter())
        out.truncate(0)
        node_bytes = new_block(out, args, first, coming)
        block = out.getvalue()
        self._open(ms, seq, node_bytes)
        self.data.append(b"" if self.writing else block)
        self.block_bytes += len(block)
        self.names = block[: names_end(block, 0)]

    def _write_on(self, last: i64) -> None:
        """Move the last block to the writer."""
        writer = self.writer
        if writer is None:
            writer = BytesWriter()
            self.writer = writer
        writer.truncate(0)
        writer.write(self.data[last])
        self.written = None
        self.writing = True
        self.data[last] = b""

    # Deleting.

    def delete(self, ms: i64, seq: i64) -> bool:
        """Delete an entry; return whether it was there.  O(log n + a block)."""
        index = self.index
        i = index.find(ms, seq)
        if i < index.head:
            return False
        walk = self.walk(i)
        first: i64 = walk.next
        before_ms = walk.ms
        before_seq = walk.seq
        found = False
        while walk.step():
            if not precedes(walk.ms, walk.seq, ms, seq):
                found = walk.ms == ms and walk.seq == seq
                break
            before_ms = walk.ms
            before_seq = walk.seq
        if not found:
            return False
        self._count_gone(i, 1)
        if self.live(i) == 0:
            self._drop(i)
            return True
        if i == index.head and walk.at == first:
            self._cut_front(walk.next, ms, seq)
            return True
        self._take_out(i, walk, before_ms, before_seq)
        return True

    def _count_gone(self, i: i64, gone: i64) -> None:
        counts = self.counts
        counts[i] += (gone << GONE_SHIFT) - gone
        self.length -= gone

    def _cut_front(self, at: i64, ms: i64, seq: i64) -> None:
        """Make the first block begin at offset `at`, after the entry with this ID."""
        self.front = at
        self.front_ms = ms
        self.front_seq = seq
        if self.hint == self.index.head:
            self.hint = -1

    def _take_out(self, i: i64, walk: Walk, before_ms: i64, before_seq: i64) -> None:
        """Rewrite block `i` without the entry at `walk`, which follows another ID."""
        blob = walk.blob
        at = walk.at
        if walk.step():
            block = b"%b%b%b" % (blob[:at], rewritten(blob, walk, before_ms, before_seq), blob[walk.next :])
        else:
            block = blob[:at]
            if i == self.index.stop - 1:
                self.end_ms = before_ms
                self.end_seq = before_seq
        self.block_bytes += len(block) - len(blob)
        if i == self.hint:
            self.hint = -1
        writer = self.writer
        if self.writing and i == self.index.stop - 1:
            assert writer is not None
            writer.truncate(0)
            writer.write(block)
            self.written = block
        else:
            self.data[i] = block

    def _drop(self, i: i64) -> None:
        """Remove block `i`, which has no live entry."""
        index = self.index
        last = i == index.stop - 1
        writer = self.writer
        if last and self.writing:
            assert writer is not None
            self.block_bytes -= len(writer)
            writer.truncate(0)
            self.writing = False
            self.written = None
        else:
            self.block_bytes -= len(self.data[i])
        self.hint = -1
        if i == index.head:
            self.data[i] = b""
            self.front = 0
        else:
            del self.data[i]
            self.counts = removed(self.counts, i)
            self.node_bytes = removed(self.node_bytes, i)
        index.remove(i)
        if last and index.head < index.stop:
            block = self.data[index.stop - 1]
            self.names = block[: names_end(block, 0)]
            self._find_end()

    def trim_to_length(self, most: i64, roughly: bool, limit: i64) -> i64:
        """Delete the oldest entries beyond `most`, whole blocks alone if `roughly`; return how many.

        With a `limit` above 0 it stops before a block that would exceed the limit.  O(blocks + entries of the last
        one).
        """
        index = self.index
        gone: i64 = 0
        while self.length > most:
            head = index.head
            live = self.live(head)
            if limit > 0 and gone + live > limit:
                break
            if self.length - live >= most:
                self._count_gone(head, live)
                self._drop(head)
                gone += live
                continue
            if not roughly:
                walk = self.walk(head)
                spare: i64 = self.length - most
                gone += spare
                self._count_gone(head, spare)
                while spare > 0:
                    walk.step()
                    spare -= 1
                self._cut_front(walk.next, walk.ms, walk.seq)
            break
        return gone

    def trim_below(self, ms: i64, seq: i64, roughly: bool, limit: i64) -> i64:
        """The same for all entries before this ID."""
        index = self.index
        gone: i64 = 0
        while index.head < index.stop:
            head = index.head
            live = self.live(head)
            if limit > 0 and gone + live > limit:
                break
            if self._ends_before(head, ms, seq):
                self._count_gone(head, live)
                self._drop(head)
                gone += live
                continue
            if not roughly:
                gone += self._cut_below(ms, seq)
            break
        return gone

    def _ends_before(self, i: i64, ms: i64, seq: i64) -> bool:
        """Whether all of block `i` comes before this ID."""
        index = self.index
        if i == index.stop - 1:
            return precedes(self.end_ms, self.end_seq, ms, seq)
        if not precedes(ms, seq, index.ms[i + 1], index.seq[i + 1]):
            return True
        return not self.walk(i).seek(ms, seq)

    def _cut_below(self, ms: i64, seq: i64) -> i64:
        """Cut the front off the first block up to this ID, which lies before its end; return how many entries."""
        head = self.index.head
        walk = self.walk(head)
        gone: i64 = 0
        front: i64 = walk.next
        front_ms = walk.ms
        front_seq = walk.seq
        while walk.step() and precedes(walk.ms, walk.seq, ms, seq):
            gone += 1
            front = walk.next
            front_ms = walk.ms
            front_seq = walk.seq
        if gone > 0:
            self._count_gone(head, gone)
            self._cut_front(front, front_ms, front_seq)
        return gone

    # Reading.

    def pick(
        self, into: Picked, ms: i64, seq: i64, last_ms: i64, last_seq: i64, most: i64, reverse: bool = False
    ) -> i64:
        """Add up to `most` entries from one ID to another, both included, to `into`; return how many.

        O(log n + a block + found).
        """
        if reverse:
            return self._pick_backwards(into, ms, seq, last_ms, last_seq, most)
        index = self.index
        if self.length == 0 or precedes(self.end_ms, self.end_seq, ms, seq) or precedes(last_ms, last_seq, ms, seq):
            return 0
        i = index.find(ms, seq)
        if i < index.head:
            i = index.head
        found: i64 = 0
        while found < most and i < index.stop:
            if precedes(last_ms, last_seq, index.ms[i], index.seq[i]):
                break
            walk = self.walk_to(i, ms, seq)
            more = pick(into, walk, 0, ms, seq, last_ms, last_seq, most - found, False)
            if more > 0:
                found += more
                if not precedes(last_ms, last_seq, walk.ms, walk.seq):
                    self.hint = i
                    self.hint_at = walk.next
                    self.hint_ms = walk.ms
                    self.hint_seq = walk.seq
            i += 1
        return found

    def _pick_backwards(self, into: Picked, ms: i64, seq: i64, last_ms: i64, last_seq: i64, most: i64) -> i64:
        index = self.index
        i = index.find(last_ms, last_seq)
        found: i64 = 0
        while found < most and i >= index.head:
            found += pick(into, self.walk(i), 0, ms, seq, last_ms, last_seq, most - found, True)
            if not precedes(ms, seq, index.ms[i], index.seq[i]):
                break
            i -= 1
        return found

    def has(self, ms: i64, seq: i64) -> bool:
        """Whether an entry has this ID.  O(log n + a block)."""
        i = self.index.find(ms, seq)
        if i < self.index.head:
            return False
        walk = self.walk_to(i, ms, seq)
        return walk.seek(ms, seq) and walk.ms == ms and walk.seq == seq

    def first(self) -> Walk | None:
        """A walk at the first live entry, None if there is none."""
        if self.length == 0:
            return None
        walk = self.walk(self.index.head)
        walk.step()
        return walk

    # As a whole.

    def total_node_bytes(self, i: i64) -> i64:
        """The bytes of the reference's node for block `i`."""
        counted = self.counts[i]
        return whole_node_bytes(self.node_bytes[i], counted & LIVE_MASK, counted >> GONE_SHIFT)

    def size_bytes(self) -> i64:
        """Memory held.  O(1)."""
        writer = self.writer
        spare: i64 = 0 if writer is None else 600 + (len(writer) >> 1)
        return 640 + self.block_bytes + self.count() * BLOCK_BYTES + spare

    def copy(self) -> Blocks:
        """A copy with the same entries.  O(blocks)."""
        made = Blocks()
        index = self.index
        made.index.take(index)
        made.counts = from_on(self.counts, index.head, made.index.room)
        made.node_bytes = from_on(self.node_bytes, index.head, made.index.room)
        made.data = self.data[index.head :]
        if self.writing:
            made.data[len(made.data) - 1] = self.block(index.stop - 1)
        made.block_bytes = self.block_bytes
        made.length = self.length
        made.end_ms = self.end_ms
        made.end_seq = self.end_seq
        made.names = self.names
        made.front = self.front
        made.front_ms = self.front_ms
        made.front_seq = self.front_seq
        return made

    def release(self, budget: i64) -> i64:
        """Free about `budget` blocks from the end on; return the rest of the budget."""
        while budget > 0 and len(self.data) > 0:
            self.data.pop()
            budget -= 1
        return budget

    def check(self) -> None:
        """Assert all that must always hold.  O(n)."""
        index = self.index
        assert len(index.ms) == len(index.seq) == len(self.counts) == len(self.node_bytes) == index.stop
        assert len(self.data) == index.stop
        total: i64 = 0
        size: i64 = 0
        ms: i64 = 0
        seq: i64 = 0
        for i in range(index.head, index.stop):
            walk = self.walk(i)
            size += len(self.block(i))
            live: i64 = 0
            first = True
            while walk.step():
                assert (total == 0 and first) or precedes(ms, seq, walk.ms, walk.seq)
                ms = walk.ms
                seq = walk.seq
                assert not precedes(ms, seq, index.ms[i], index.seq[i])
                first = False
                live += 1
            assert walk.next == walk.stop
            assert live == self.live(i) and live > 0
            assert i + 1 == index.stop or precedes(ms, seq, index.ms[i + 1], index.seq[i + 1])
            total += live
        assert total == self.length
        assert size == self.block_bytes
        assert total == 0 or (ms == self.end_ms and seq == self.end_seq)
        if total > 0:
            block = self.block(index.stop - 1)
            assert self.names == block[: names_end(block, 0)]
