"""A sorted set of stream IDs: the pending IDs of one consumer, in one or two bytes each.

Chunks of a few hundred IDs, indexed by their first IDs.  Every other ID is relative to the one before:

    chunk = steps            step = varint: ms later << 1 | told, [varint: seq]

The seq is stored unless it is the next one in the same ms, or 0 in a later ms.  In the same ms it is stored as the
distance from the next one.  An ID that a step cannot express (beyond 2^40 ms, or numbers of 2^63 and more) begins a
chunk.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64, mypyc_attr

from redpoll.scratch import SHARED
from redpoll.structures.entry_items import varint_at, varint_end, write_varint
from redpoll.structures.ids import IdIndex, precedes

CHUNK_LIMIT: Final[i64] = 128
"""A chunk that is longer takes no more."""
CHUNK_BYTES: Final[i64] = 80
"""The overhead of a chunk: header, columns, a slot."""
WIDEST: Final[i64] = 1 << 40

_scratch: Final = BytesWriter()


def follows(ms: i64, seq: i64, before_ms: i64, before_seq: i64) -> bool:
    """Whether a step leads from one ID to a later one."""
    return ms >= 0 and before_ms >= 0 and seq >= 0 and before_seq >= 0 and ms - before_ms < WIDEST


def write_step(out: BytesWriter, ms: i64, seq: i64, before_ms: i64, before_seq: i64) -> None:
    """Append the step from one ID to another that `follows`."""
    delta: i64 = ms - before_ms
    told: i64 = seq - before_seq - 1 if delta == 0 else seq
    if told == 0:
        write_varint(out, delta << 1)
    else:
        write_varint(out, delta << 1 | 1)
        write_varint(out, told)


def step_bytes(ms: i64, seq: i64, before_ms: i64, before_seq: i64) -> bytes:
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    write_step(out, ms, seq, before_ms, before_seq)
    return out.getvalue()


@mypyc_attr(acyclic=True)
class IdSet:
    """See the module's docstring.  O(log n + a chunk) each."""

    def __init__(self) -> None:
        self.index: Final = IdIndex()
        self.chunks: list[bytes] = []
        self.count: i64 = 0
        self.end_ms: i64 = 0
        self.end_seq: i64 = 0
        self.chunk_bytes: i64 = 0

    def add(self, ms: i64, seq: i64) -> None:
        """Add an ID that is not in the set."""
        index = self.index
        self.count += 1
        if index.stop == index.head or precedes(self.end_ms, self.end_seq, ms, seq):
            last: i64 = index.stop - 1
            if (
                last < index.head
                or len(self.chunks[last]) >= CHUNK_LIMIT
                or not follows(ms, seq, self.end_ms, self.end_seq)
            ):
                self._insert_chunk(index.stop, ms, seq, b"")
            else:
                self._replace(last, b"%b%b" % (self.chunks[last], step_bytes(ms, seq, self.end_ms, self.end_seq)))
            self.end_ms = ms
            self.end_seq = seq
            return
        self._add_inside(ms, seq)

    def _add_inside(self, ms: i64, seq: i64) -> None:
        """Add an ID below the last one: the steps to it and from it replace the step over it."""
        index = self.index
        i = index.find(ms, seq)
        if i < index.head:
            # Before the first ID.  That ID becomes one of the chunk's steps, if a step can express it.
            i = index.head
            first_ms = index.ms[i]
            first_seq = index.seq[i]
            if follows(first_ms, first_seq, ms, seq):
                self._replace(i, b"%b%b" % (step_bytes(first_ms, first_seq, ms, seq), self.chunks[i]))
                index.set(i, ms, seq)
                self._split(i)
            else:
                self._insert_chunk(i, ms, seq, b"")
            return
        walk = self.walk(i)
        before_ms = walk.ms
        before_seq = walk.seq
        start = walk.at
        while walk.step() and precedes(walk.ms, walk.seq, ms, seq):
            before_ms = walk.ms
            before_seq = walk.seq
            start = walk.at
        chunk = self.chunks[i]
        rest = chunk[walk.at :] if walk.at > start else b""
        ends = walk.at == start
        if not follows(ms, seq, before_ms, before_seq):
            self._replace(i, chunk[:start])
            i = self._insert_chunk(i + 1, ms, seq, b"")
            if not ends:
                self._insert_chunk(i + 1, walk.ms, walk.seq, rest)
            return
        here = step_bytes(ms, seq, before_ms, before_seq)
        if ends:
            self._replace(i, b"%b%b" % (chunk, here))
        else:
            self._replace(i, b"%b%b%b%b" % (chunk[:start], here, step_bytes(walk.ms, walk.seq, ms, seq), rest))
        self._split(i)

    def remove(self, ms: i64, seq: i64) -> bool:
        """Remove an ID; return whether it was there."""
        index = self.index
        i = index.find(ms, seq)
        if i < index.head:
            return False
        walk = self.walk(i)
        chunk = self.chunks[i]
        if walk.ms == ms and walk.seq == seq:
            self.count -= 1
            if walk.step():
                self._replace(i, chunk[walk.at :])
                index.set(i, walk.ms, walk.seq)
            else:
                self._remove_chunk(i)
            return True
        before_ms = walk.ms
        before_seq = walk.seq
        start = walk.at
        while walk.step():
            if walk.ms == ms and walk.seq == seq:
                break
            if precedes(ms, seq, walk.ms, walk.seq):
                return False
            before_ms = walk.ms
            before_seq = walk.seq
            start = walk.at
        if walk.ms != ms or walk.seq != seq:
            return False
        self.count -= 1
        if walk.step():
            if follows(walk.ms, walk.seq, before_ms, before_seq):
                over = step_bytes(walk.ms, walk.seq, before_ms, before_seq)
                self._replace(i, b"%b%b%b" % (chunk[:start], over, chunk[walk.at :]))
            else:
                self._replace(i, chunk[:start])
                self._insert_chunk(i + 1, walk.ms, walk.seq, chunk[walk.at :])
        else:
            self._replace(i, chunk[:start])
            if i == index.stop - 1:
                self.end_ms = before_ms
                self.end_seq = before_seq
        return True

    def _replace(self, i: i64, chunk: bytes) -> None:
        self.chunk_bytes += len(chunk) - len(self.chunks[i])
        self.chunks[i] = chunk

    def _insert_chunk(self, i: i64, ms: i64, seq: i64, chunk: bytes) -> i64:
        """Insert a chunk at position `i`; return its position, because a gap before it may have been closed."""
        index = self.index
        if index.has_gap():
            moved = index.close_gap()
            del self.chunks[:moved]
            i -= moved
        if index.is_full():
            index.grow()
        index.insert(i, ms, seq)
        self.chunks.insert(i, chunk)
        self.chunk_bytes += len(chunk) + CHUNK_BYTES
        return i

    def _remove_chunk(self, i: i64) -> None:
        index = self.index
        last = i == index.stop - 1
        self.chunk_bytes -= len(self.chunks[i]) + CHUNK_BYTES
        if i == index.head:
            self.chunks[i] = b""
        else:
            del self.chunks[i]
        index.remove(i)
        if last and index.head < index.stop:
            walk = self.walk(index.stop - 1)
            while walk.step():
                pass
            self.end_ms = walk.ms
            self.end_seq = walk.seq

    def _split(self, i: i64) -> None:
        """Divide chunk `i` if it has become too long."""
        chunk = self.chunks[i]
        if len(chunk) <= CHUNK_LIMIT << 1:
            return
        walk = self.walk(i)
        start = walk.at
        while walk.step() and walk.at < CHUNK_LIMIT:
            start = walk.at
        self._replace(i, chunk[:start])
        self._insert_chunk(i + 1, walk.ms, walk.seq, chunk[walk.at :])

    def walk(self, i: i64) -> IdWalk:
        """At the first ID of chunk `i`."""
        return IdWalk(self.chunks[i], self.index.ms[i], self.index.seq[i])

    def cursor(self, ms: i64, seq: i64) -> IdCursor:
        """A cursor whose next ID is the first one after this one."""
        return IdCursor(self, ms, seq)

    def size_bytes(self) -> i64:
        return 200 + self.chunk_bytes

    def copy(self) -> IdSet:
        made = IdSet()
        index = self.index
        for i in range(index.head, index.stop):
            made._insert_chunk(made.index.stop, index.ms[i], index.seq[i], self.chunks[i])
        made.count = self.count
        made.end_ms = self.end_ms
        made.end_seq = self.end_seq
        return made

    def check(self) -> None:
        """Assert all that must always hold.  O(n)."""
        index = self.index
        assert len(self.chunks) == index.stop == len(index.ms) == len(index.seq)
        found: i64 = 0
        size: i64 = 0
        ms: i64 = 0
        seq: i64 = 0
        for i in range(index.head, index.stop):
            walk = self.walk(i)
            size += len(self.chunks[i]) + CHUNK_BYTES
            while True:
                assert found == 0 or precedes(ms, seq, walk.ms, walk.seq)
                ms = walk.ms
                seq = walk.seq
                found += 1
                if not walk.step():
                    break
        assert found == self.count
        assert size == self.chunk_bytes
        assert found == 0 or (ms == self.end_ms and seq == self.end_seq)


@mypyc_attr(acyclic=True, free_list_len=1)
class IdWalk:
    """Iterates over the IDs of a chunk, from the first one on.  `at` is the offset of the next step."""

    def __init__(self, chunk: bytes, ms: i64, seq: i64) -> None:
        self.chunk = chunk
        self.ms: i64 = ms
        self.seq: i64 = seq
        self.at: i64 = 0

    def step(self) -> bool:
        """Go to the next ID; return whether there is one."""
        at = self.at
        chunk = self.chunk
        if at >= len(chunk):
            return False
        code = varint_at(chunk, at)
        at = varint_end(chunk, at)
        if code >> 1 == 0:
            self.seq += 1
        else:
            self.ms += code >> 1
            self.seq = 0
        if code & 1 != 0:
            self.seq += varint_at(chunk, at)
            at = varint_end(chunk, at)
        self.at = at
        return True


@mypyc_attr(acyclic=True)
class IdCursor:
    """Iterates over the IDs of a set that follow a given ID.  Valid until the set changes."""

    def __init__(self, of: IdSet, ms: i64, seq: i64) -> None:
        self.of = of
        self.ms: i64 = ms
        self.seq: i64 = seq
        index = of.index
        i = index.find(ms, seq)
        self.chunk: i64 = i
        self.walk: IdWalk | None = None
        if i >= index.head:
            walk = of.walk(i)
            self.walk = walk
            at = walk.at
            before_ms = walk.ms
            before_seq = walk.seq
            while walk.step() and not precedes(ms, seq, walk.ms, walk.seq):
                at = walk.at
                before_ms = walk.ms
                before_seq = walk.seq
            walk.at = at
            walk.ms = before_ms
            walk.seq = before_seq
        else:
            self.chunk = index.head - 1

    def step(self) -> bool:
        """Go to the next ID, which is then `ms`-`seq`; return whether there is one."""
        walk = self.walk
        if walk is None or not walk.step():
            self.chunk += 1
            if self.chunk >= self.of.index.stop:
                self.walk = None
                self.chunk -= 1
                return False
            walk = self.of.walk(self.chunk)
            self.walk = walk
        self.ms = walk.ms
        self.seq = walk.seq
        return True
