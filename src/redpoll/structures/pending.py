"""Entries that a consumer group has delivered and nobody has acknowledged: sorted blocks in columns.

Each entry has an ID, its owner (a consumer's number), its last delivery time and its number of deliveries.  The last
two share a word:

    delivery time in ms << 20 | deliveries

A count that does not fit (only XCLAIM RETRYCOUNT sets one) is in `many` instead.  Blocks hold up to BLOCK_LIMIT entries
and are found by their first IDs.  Entries are usually added and removed in order: the last block is filled before
another one begins, and removals at a block's front leave a gap, `head`.

`find` and `seek` leave a *position*, which the methods below "At the position" work on, until the next change.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, extend, pop, vec
from mypy_extensions import i32, i64, mypyc_attr

from redpoll.structures.ids import IdIndex, below, precedes

BLOCK_LIMIT: Final[i64] = 63
"""As many as a vec holds that has grown by doubling."""
FEW: Final[i64] = 16
"""A block with fewer is joined with its neighbour if both together are no more than half full."""

COUNT_BITS: Final[i64] = 20
COUNT_MASK: Final[i64] = (1 << 20) - 1
MANY: Final[i64] = (1 << 20) - 1
"""The count that marks an entry in `many`."""
MANY_DELIVERIES: Final = (1 << 20) - 1
MOST_DELIVERIES: Final = (1 << 63) - 1
"""A greater count is negative, as in the replies of the reference."""
LATEST: Final[i64] = (1 << 43) - 1
"""The greatest delivery time that is kept: in the year 2248."""

ENTRY_BYTES: Final[i64] = 28
BLOCK_BYTES: Final[i64] = 280
"""The overhead of a block."""


@mypyc_attr(acyclic=True)
class PendingBlock:
    """Columns of up to BLOCK_LIMIT entries, from `head` on."""

    def __init__(self) -> None:
        self.ms: vec[i64] = vec[i64]()
        self.seq: vec[i64] = vec[i64]()
        self.stamps: vec[i64] = vec[i64]()
        self.owners: vec[i32] = vec[i32]()
        self.head: i64 = 0
        self.shared = False
        """Whether a copy of the entries may have this block too.  It must not change then."""

    def count(self) -> i64:
        return len(self.ms) - self.head

    def place(self, ms: i64, seq: i64) -> i64:
        """The position of the first entry at or after this ID, or after the last one."""
        low = self.head
        high: i64 = len(self.ms)
        while low < high:
            middle: i64 = (low + high) >> 1
            held = self.ms[middle]
            if held != ms:
                before = held < ms if (held ^ ms) >= 0 else ms < 0
            else:
                before = below(self.seq[middle], seq)
            if before:
                low = middle + 1
            else:
                high = middle
        return low

    def add(self, ms: i64, seq: i64, stamp: i64, owner: i32) -> None:
        """Append an entry."""
        self.ms = append(self.ms, ms)
        self.seq = append(self.seq, seq)
        self.stamps = append(self.stamps, stamp)
        self.owners = append(self.owners, owner)

    def insert(self, at: i64, ms: i64, seq: i64, stamp: i64, owner: i32) -> None:
        """Insert an entry at a position."""
        self.add(ms, seq, stamp, owner)
        i: i64 = len(self.ms) - 1
        mss = self.ms
        seqs = self.seq
        stamps = self.stamps
        owners = self.owners
        while i > at:
            mss[i] = mss[i - 1]
            seqs[i] = seqs[i - 1]
            stamps[i] = stamps[i - 1]
            owners[i] = owners[i - 1]
            i -= 1
        mss[at] = ms
        seqs[at] = seq
        stamps[at] = stamp
        owners[at] = owner

    def remove(self, at: i64) -> None:
        """Remove the entry at a position."""
        if at == self.head:
            self.head += 1
            return
        last: i64 = len(self.ms) - 1
        mss = self.ms
        seqs = self.seq
        stamps = self.stamps
        owners = self.owners
        while at < last:
            mss[at] = mss[at + 1]
            seqs[at] = seqs[at + 1]
            stamps[at] = stamps[at + 1]
            owners[at] = owners[at + 1]
            at += 1
        self.ms, _ = pop(mss)
        self.seq, _ = pop(seqs)
        self.stamps, _ = pop(stamps)
        self.owners, _ = pop(owners)

    def part(self, start: i64, stop: i64) -> PendingBlock:
        """A new block with the entries from `start` to before `stop`."""
        made = PendingBlock()
        i = start
        while i < stop:
            made.add(self.ms[i], self.seq[i], self.stamps[i], self.owners[i])
            i += 1
        return made

    def twin(self) -> PendingBlock:
        """A copy with the entries at the same positions, which may change."""
        made = PendingBlock()
        room: i64 = len(self.ms) + 1
        made.ms = extend(vec[i64](capacity=room), self.ms)
        made.seq = extend(vec[i64](capacity=room), self.seq)
        made.stamps = extend(vec[i64](capacity=room), self.stamps)
        made.owners = extend(vec[i32](capacity=room), self.owners)
        made.head = self.head
        return made


@mypyc_attr(acyclic=True)
class Pending:
    """See the module's docstring.  Everything is O(log n), except iterating.

    Copies share blocks, until either side changes one.
    """

    def __init__(self) -> None:
        self.index: Final = IdIndex()
        self.blocks: list[PendingBlock] = []
        """Blocks at the positions of the index.  Positions before its head have the empty block."""
        self.count: i64 = 0
        self.many: dict[tuple[int, int], int] = {}
        # The position.
        self.b: i64 = 0
        self.i: i64 = 0
        self.block = NO_BLOCK

    # Finding.

    def find(self, ms: i64, seq: i64) -> bool:
        """Go to the entry with this ID; return whether it is there.  If not, the position is where it would go."""
        index = self.index
        b = index.find(ms, seq)
        if b < index.head:
            b = index.head
            if b >= index.stop:
                self.block = NO_BLOCK
                self.b = b
                self.i = 0
                return False
        block = self.blocks[b]
        i = block.place(ms, seq)
        self.b = b
        self.i = i
        self.block = block
        return i < len(block.ms) and block.ms[i] == ms and block.seq[i] == seq

    def seek(self, ms: i64, seq: i64) -> bool:
        """Go to the first entry at or after this ID; return whether there is one."""
        self.find(ms, seq)
        if self.i < len(self.block.ms):
            return True
        return self._to_block(self.b + 1)

    def step(self) -> bool:
        """Go to the next entry; return whether there is one."""
        self.i += 1
        if self.i < len(self.block.ms):
            return True
        return self._to_block(self.b + 1)

    def _to_block(self, b: i64) -> bool:
        if b >= self.index.stop or self.count == 0:
            return False
        self.b = b
        self.block = self.blocks[b]
        self.i = self.block.head
        return True

    def to_first(self) -> bool:
        """Go to the first entry; return whether there is one."""
        return self._to_block(self.index.head)

    def to_last(self) -> bool:
        """Go to the last entry; return whether there is one."""
        if not self._to_block(self.index.stop - 1):
            return False
        self.i = i64(len(self.block.ms)) - 1
        return True

    # At the position.

    def ms(self) -> i64:
        return self.block.ms[self.i]

    def seq(self) -> i64:
        return self.block.seq[self.i]

    def owner(self) -> i64:
        return i64(self.block.owners[self.i])

    def _own(self, b: i64) -> PendingBlock:
        """Block `b`, which may change."""
        block = self.blocks[b]
        if block.shared:
            block = block.twin()
            self.blocks[b] = block
        return block

    def set_owner(self, owner: i64) -> None:
        self.block = self._own(self.b)
        owners = self.block.owners
        owners[self.i] = i32(owner)

    def delivered_ms(self) -> i64:
        """When it was delivered last."""
        return self.block.stamps[self.i] >> COUNT_BITS

    def deliveries(self) -> int:
        """How often it was delivered."""
        count = self.block.stamps[self.i] & COUNT_MASK
        if count == MANY:
            return self.many[(int(self.ms()), int(self.seq()))]
        return int(count)

    def set_delivered(self, at_ms: i64, deliveries: int) -> None:
        """Record a delivery."""
        self.block = self._own(self.b)
        stamps = self.block.stamps
        if len(self.many) > 0:
            self.many.pop((int(self.ms()), int(self.seq())), None)
        stamps[self.i] = self._stamp(self.ms(), self.seq(), at_ms, deliveries)

    def _stamp(self, ms: i64, seq: i64, at_ms: i64, deliveries: int) -> i64:
        if at_ms < 0:
            at_ms = 0
        elif at_ms > LATEST:
            at_ms = LATEST
        # As `int`: a file or one more delivery may exceed 63 bits.
        if deliveries >= MANY_DELIVERIES or deliveries < 0:
            if deliveries > MOST_DELIVERIES:
                deliveries -= 1 << 64
            self.many[(int(ms), int(seq))] = deliveries
            return at_ms << COUNT_BITS | MANY
        return at_ms << COUNT_BITS | deliveries

    # Changing.

    def add(self, ms: i64, seq: i64, owner: i64, at_ms: i64, deliveries: int) -> None:
        """Add an entry that does not exist.  The position is then at it."""
        stamp = self._stamp(ms, seq, at_ms, deliveries)
        self.count += 1
        index = self.index
        last: i64 = index.stop - 1
        if last >= index.head:
            block = self.blocks[last]
            end: i64 = len(block.ms)
            if precedes(block.ms[end - 1], block.seq[end - 1], ms, seq):
                if end < BLOCK_LIMIT:
                    block = self._own(last)
                    block.add(ms, seq, stamp, i32(owner))
                else:
                    block = PendingBlock()
                    block.add(ms, seq, stamp, i32(owner))
                    end = 0
                    last = self._insert_block(index.stop, block)
                self.b = last
                self.i = end
                self.block = block
                return
            self._add_inside(ms, seq, stamp, i32(owner))
            return
        block = PendingBlock()
        block.add(ms, seq, stamp, i32(owner))
        self.b = self._insert_block(index.stop, block)
        self.i = 0
        self.block = block

    def _add_inside(self, ms: i64, seq: i64, stamp: i64, owner: i32) -> None:
        self.find(ms, seq)
        b = self.b
        block = self.block
        if len(block.ms) >= BLOCK_LIMIT:
            start = block.head
            stop: i64 = len(block.ms)
            middle: i64 = (start + stop) >> 1 if start == 0 else start
            if middle > start:
                rest = block.part(middle, stop)
                block = block.part(start, middle)
                b = self._insert_block(b + 1, rest) - 1
            else:
                # Closing the gap makes room.
                block = block.part(start, stop)
            self.blocks[b] = block
            self.find(ms, seq)
            b = self.b
        block = self._own(b)
        self.block = block
        block.insert(self.i, ms, seq, stamp, owner)
        if self.i == block.head:
            self.index.set(b, ms, seq)

    def remove(self) -> None:
        """Remove the entry at the position.  Afterwards the position is at no entry."""
        b = self.b
        block = self._own(b)
        self.block = block
        if len(self.many) > 0:
            self.many.pop((int(self.ms()), int(self.seq())), None)
        self.count -= 1
        first = self.i == block.head
        block.remove(self.i)
        left = block.count()
        if left == 0:
            self._remove_block(b)
            return
        if first:
            self.index.set(b, block.ms[block.head], block.seq[block.head])
        if left < FEW and not self._join(b):
            self._join(b - 1)

    def _join(self, b: i64) -> bool:
        """Append the block after `b` to it if both have few entries; return whether it was done."""
        if b < self.index.head or b + 1 >= self.index.stop:
            return False
        block = self.blocks[b]
        behind = self.blocks[b + 1]
        if block.count() + behind.count() > BLOCK_LIMIT >> 1:
            return False
        joined = block.part(block.head, len(block.ms))
        i = behind.head
        while i < len(behind.ms):
            joined.add(behind.ms[i], behind.seq[i], behind.stamps[i], behind.owners[i])
            i += 1
        self.blocks[b] = joined
        self._remove_block(b + 1)
        return True

    def _insert_block(self, b: i64, block: PendingBlock) -> i64:
        """Insert a block at position `b`; return its position, because a gap before it may have been closed."""
        index = self.index
        if index.has_gap():
            moved = index.close_gap()
            del self.blocks[:moved]
            b -= moved
        if index.is_full():
            index.grow()
        index.insert(b, block.ms[block.head], block.seq[block.head])
        self.blocks.insert(b, block)
        return b

    def _remove_block(self, b: i64) -> None:
        if b == self.index.head:
            self.blocks[b] = NO_BLOCK
        else:
            del self.blocks[b]
        self.index.remove(b)

    # As a whole.

    def size_bytes(self) -> i64:
        """Memory held.  O(1)."""
        return 300 + self.count * ENTRY_BYTES + (self.index.stop - self.index.head) * BLOCK_BYTES

    def copy(self) -> Pending:
        """Another one with the same entries.  O(blocks)."""
        made = Pending()
        index = self.index
        for b in range(index.head, index.stop):
            self.blocks[b].shared = True
        made.blocks = self.blocks[index.head : index.stop]
        made.index.take(index)
        made.count = self.count
        made.many.update(self.many)
        return made

    def release(self, budget: i64) -> i64:
        """Free about `budget` blocks; return the rest of the budget."""
        while budget > 0 and len(self.blocks) > 0:
            self.blocks.pop()
            budget -= 4
        return budget

    def check(self) -> None:
        """Assert all that must always hold.  O(n)."""
        index = self.index
        assert len(self.blocks) == index.stop == len(index.ms) == len(index.seq)
        found: i64 = 0
        many: i64 = 0
        ms: i64 = 0
        seq: i64 = 0
        for b in range(index.head):
            assert self.blocks[b] is NO_BLOCK
        for b in range(index.head, index.stop):
            block = self.blocks[b]
            stop: i64 = len(block.ms)
            assert len(block.seq) == len(block.stamps) == len(block.owners) == stop
            assert block.count() > 0 and stop <= BLOCK_LIMIT
            assert block.ms[block.head] == index.ms[b] and block.seq[block.head] == index.seq[b]
            for i in range(block.head, stop):
                assert found == 0 or precedes(ms, seq, block.ms[i], block.seq[i])
                ms = block.ms[i]
                seq = block.seq[i]
                found += 1
                if block.stamps[i] & COUNT_MASK == MANY:
                    many += 1
                    assert (int(ms), int(seq)) in self.many
        assert found == self.count
        assert many == len(self.many)


NO_BLOCK: Final = PendingBlock()
"""Has no entries and never gets any."""
