"""Entries of a stream, packed one behind another: how a block is written and read.

    block  = names, entries
    names  = count, items                             the fields that most of its entries have
    entry  = size, head, [ms], [seq], items           values, one for each of the block's fields
           | size, head, [ms], [seq], count, items    fields and values by turns, if its fields are others
    size   = varint: bytes of the entry behind it     count  = varint
    head   = 1 byte: OWN | ms form << 1 | seq form << 4
    ms     = nothing: as in the entry before | 1 to 4 bytes: so much later | 8 bytes: the ms itself
    seq    = nothing: the next one in the same ms, 0 in a later one | 1, 2, 4 or 8 bytes: the seq itself
    item   = length byte below NUMBER, bytes | NUMBER + k, a signed number of k bytes | LONG, 4 bytes length, bytes

Numbers are little-endian, a varint has 7 bits a byte, low ones first.  The first entry follows an imagined one that is
just before the block's first ID.  Integers in canonical spelling are kept as numbers.  A deleted entry is taken out and
the one behind it written anew, as its ID is told from the one before.

Beside each size stands what the entry would take in the reference's nodes, which decides where a block ends.
"""

from __future__ import annotations

from typing import Final

from librt.strings import (
    BytesWriter,
    read_i16_le,
    read_i32_le,
    read_i64_le,
    write_i32_le,
    write_i64_le,
)
from librt.vecs import append, vec
from mypy_extensions import i32, i64, mypyc_attr, u8

from redpoll.scratch import SHARED
from redpoll.structures.entry_items import (
    NUMBER,
    SHORT_LIMIT,
    item_at,
    item_end,
    number_node_bytes,
    varint_at,
    varint_end,
    write_item,
    write_varint,
)
from redpoll.structures.ids import precedes
from redpoll.structures.packed import equal_at

OWN: Final[i64] = 1
OWN_PLACE: Final[i64] = 1 << 32
WIDE_MS: Final[i64] = 5
WIDE_SEQ: Final[i64] = 4

ENDLESS: Final[i64] = (1 << 62) - 1
"""A count for who wants all."""

_scratch: Final = BytesWriter()


def write_names(out: BytesWriter, args: list[bytes], first: i64) -> i64:
    """Append the names of a block: every other one of `args` from `first` on; what they take in a node."""
    count: i64 = len(args)
    write_varint(out, (count - first) >> 1)
    node_bytes = number_node_bytes((count - first) >> 1) + 2
    while first < count:
        node_bytes += write_item(out, args[first])
        first += 2
    return node_bytes


def has_names(blob: bytes, at: i64, args: list[bytes], first: i64) -> bool:
    """Whether the names of the block at `at` are those in `args`, every other one from `first` on."""
    count: i64 = len(args)
    if varint_at(blob, at) << 1 != count - first:
        return False
    at = varint_end(blob, at)
    while first < count:
        name = args[first]
        size: i64 = blob[at]
        if size < NUMBER:
            if size != len(name) or not equal_at(blob, at + 1, name, size):
                return False
            at += 1 + size
        else:
            if item_at(blob, at) != name:
                return False
            at = item_end(blob, at)
        first += 2
    return True


def names_end(blob: bytes, at: i64) -> i64:
    """Where the names at `at` end, and the entries begin."""
    count = varint_at(blob, at)
    at = varint_end(blob, at)
    while count > 0:
        at = item_end(blob, at)
        count -= 1
    return at


def entry_head(ms: i64, seq: i64, before_ms: i64, before_seq: i64) -> i64:
    """The forms of an ID behind another one, without OWN."""
    form: i64 = 0
    if ms != before_ms:
        if (ms ^ before_ms) < 0:
            form = WIDE_MS << 1
        else:
            delta: i64 = ms - before_ms
            if delta < 256:
                form = 1 << 1
            elif delta < 65536:
                form = 2 << 1
            elif delta < 16777216:
                form = 3 << 1
            else:
                form = i64(4 << 1) if delta < 4294967296 else WIDE_MS << 1
        if seq == 0:
            return form
    elif before_seq < ENDLESS and seq == before_seq + 1:
        return form
    if seq < 0:
        return form | WIDE_SEQ << 4
    if seq < 256:
        return form | 1 << 4
    if seq < 65536:
        return form | 2 << 4
    return form | 3 << 4 if seq < 2147483648 else form | WIDE_SEQ << 4


def write_prefix(out: BytesWriter, head: i64, ms: i64, seq: i64, before_ms: i64) -> None:
    """Append head, ms and seq of an entry."""
    out.append(u8(head))
    form: i64 = (head >> 1) & 7
    if form != 0:
        if form == WIDE_MS:
            write_i64_le(out, ms)
        else:
            delta: i64 = ms - before_ms
            while form > 0:
                out.append(u8(delta & 255))
                delta >>= 8
                form -= 1
    form = head >> 4
    if form == 1:
        out.append(u8(seq))
    elif form == 2:
        out.append(u8(seq & 255))
        out.append(u8(seq >> 8))
    elif form == 3:
        write_i32_le(out, i32(seq))
    elif form == WIDE_SEQ:
        write_i64_le(out, seq)


def prefix_size(head: i64) -> i64:
    """Bytes of head, ms and seq."""
    form: i64 = (head >> 1) & 7
    size: i64 = 1 + (8 if form == WIDE_MS else form)
    form = head >> 4
    if form < 3:
        return size + form
    return size + 4 if form == 3 else size + 8


def write_entry(
    out: BytesWriter,
    own: bool,
    ms: i64,
    seq: i64,
    before_ms: i64,
    before_seq: i64,
    args: list[bytes],
    first: i64,
    text_bytes: i64,
) -> i64:
    """Append an entry behind another one: `own` with the fields of `args` from `first` on, else the values alone.

    `text_bytes` is the length of what is written of them.  The result is what it takes in a node of the reference's;
    `frame_node_bytes` is the rest.
    """
    count: i64 = len(args)
    start: i64 = len(out)
    room = open_size(out, text_bytes, count - first)
    head = entry_head(ms, seq, before_ms, before_seq)
    node_bytes: i64 = 0
    if own:
        write_prefix(out, head | OWN, ms, seq, before_ms)
        pairs: i64 = (count - first) >> 1
        write_varint(out, pairs)
        node_bytes = number_node_bytes(pairs)
        while first < count:
            node_bytes += write_item(out, args[first])
            first += 1
    else:
        write_prefix(out, head, ms, seq, before_ms)
        first += 1
        while first < count:
            node_bytes += write_item(out, args[first])
            first += 2
    close_size(out, start, room)
    return node_bytes


def open_size(out: BytesWriter, text_bytes: i64, items: i64) -> i64:
    """Leave room for the size of an entry with so many items of so many bytes; how many bytes it is."""
    most: i64 = text_bytes + 24 + (items if text_bytes <= SHORT_LIMIT else items * 5)
    room: i64 = 1
    while most >= 128:
        out.append(128)
        most >>= 7
        room += 1
    out.append(0)
    return room


def close_size(out: BytesWriter, start: i64, room: i64) -> None:
    """Fill in the size of the entry at `start`, now that it is known."""
    end: i64 = len(out)
    size: i64 = end - start - room
    if room == 1:
        out[start] = u8(size)
        return
    while room > 1:
        out[start] = u8(size & 127 | 128)
        size >>= 7
        start += 1
        room -= 1
    out[start] = u8(size)


def rewritten(blob: bytes, walk: Walk, before_ms: i64, before_seq: i64) -> bytes:
    """The entry that `walk` is at, as it stands behind another one than before."""
    out = _scratch if SHARED else BytesWriter()
    out.truncate(0)
    head = entry_head(walk.ms, walk.seq, before_ms, before_seq)
    items = walk.items
    stop = walk.next
    write_varint(out, prefix_size(head) + stop - items)
    write_prefix(out, head | walk.own, walk.ms, walk.seq, before_ms)
    return b"%b%b" % (out.getvalue(), blob[items:stop])


def frame_node_bytes(own: bool, pairs: i64, ms_delta: i64, seq_delta: i64) -> i64:
    """What stands around an entry's fields in a node of the reference's: flags, deltas of the ID, a count."""
    count: i64 = 2 * pairs + 4 if own else pairs + 3
    return 2 + number_node_bytes(ms_delta) + number_node_bytes(seq_delta) + number_node_bytes(count)


# Reading


@mypyc_attr(acyclic=True, free_list_len=1)
class Walk:
    """Goes through the entries of `blob` from `at` to `stop`, which follow the ID `ms`-`seq`.

    After `step`: `ms` and `seq` of the entry, where it starts, where its items do, whether it has its own fields.
    """

    def __init__(self, blob: bytes, at: i64, stop: i64, ms: i64, seq: i64) -> None:
        self.blob = blob
        self.next: i64 = at
        self.stop: i64 = stop
        self.ms: i64 = ms
        self.seq: i64 = seq
        self.at: i64 = at
        self.items: i64 = at
        self.own: i64 = 0

    def step(self) -> bool:
        """Go to the next entry; whether there is one."""
        at = self.next
        if at >= self.stop:
            return False
        blob = self.blob
        self.at = at
        size: i64 = blob[at]
        at += 1
        if size >= 128:
            size = varint_at(blob, at - 1)
            at = varint_end(blob, at - 1)
        self.next = at + size
        head: i64 = blob[at]
        at += 1
        if head == 0:
            self.own = 0
            self.seq += 1
            self.items = at
            return True
        self.own = head & OWN
        form: i64 = (head >> 1) & 7
        if form == 0:
            if head >> 4 == 0:
                self.seq += 1
        else:
            if form == 1:
                self.ms += blob[at]
                at += 1
            elif form == 2:
                self.ms += i64(read_i16_le(blob, at)) & 0xFFFF
                at += 2
            elif form == WIDE_MS:
                self.ms = read_i64_le(blob, at)
                at += 8
            elif form == 3:
                self.ms += (i64(read_i16_le(blob, at)) & 0xFFFF) | i64(blob[at + 2]) << 16
                at += 3
            else:
                self.ms += i64(read_i32_le(blob, at)) & 0xFFFFFFFF
                at += 4
            self.seq = 0
        form = head >> 4
        if form != 0:
            if form == 1:
                self.seq = blob[at]
                at += 1
            elif form == 2:
                self.seq = i64(read_i16_le(blob, at)) & 0xFFFF
                at += 2
            elif form == 3:
                self.seq = i64(read_i32_le(blob, at))
                at += 4
            else:
                self.seq = read_i64_le(blob, at)
                at += 8
        self.items = at
        return True

    def seek(self, ms: i64, seq: i64) -> bool:
        """Go to the first entry at or after this ID; whether there is one."""
        while self.step():
            if not precedes(self.ms, self.seq, ms, seq):
                return True
        return False


@mypyc_attr(acyclic=True)
class Picked:
    """Entries picked out of blocks, in the order of a reply: their IDs, and where their items lie.

    It holds the blocks' bytes, not the stream, so it stays true whatever happens to that.
    """

    def __init__(self) -> None:
        self.ms: vec[i64] = vec[i64]()
        self.seq: vec[i64] = vec[i64]()
        self.places: vec[i64] = vec[i64]()
        """Of each: its block << 33 | own fields << 32 | where its items start; NOWHERE for one that was deleted."""
        self.blocks: list[bytes] = []
        self.names: vec[i64] = vec[i64]()
        """Where the names of each block start."""
        self.block = b""
        self.value_at: i64 = 0
        self.name_at: i64 = 0
        self.alternating = False
        self.at_name = False

    def count(self) -> i64:
        return len(self.ms)

    def add_block(self, block: bytes, names: i64) -> None:
        """The entries added from now on lie in `block`."""
        count: i64 = len(self.blocks)
        if count > 0 and self.blocks[count - 1] is block and self.names[count - 1] == names:
            return
        self.blocks.append(block)
        self.names = append(self.names, names)

    def add(self, ms: i64, seq: i64, own: i64, items: i64) -> None:
        """An entry of the last block."""
        self.ms = append(self.ms, ms)
        self.seq = append(self.seq, seq)
        block: i64 = len(self.blocks) - 1
        self.places = append(self.places, block << 33 | own << 32 | items)

    def add_walked(self, walk: Walk) -> None:
        """The entry that `walk` is at, in the last block."""
        self.add(walk.ms, walk.seq, walk.own, walk.items)

    def add_missing(self, ms: i64, seq: i64) -> None:
        """An ID whose entry was deleted."""
        self.ms = append(self.ms, ms)
        self.seq = append(self.seq, seq)
        self.places = append(self.places, NOWHERE)

    def open(self, k: i64) -> i64:
        """Go to the items of entry `k`; how many fields and values it has together, -1 if it was deleted."""
        place = self.places[k]
        if place < 0:
            return -1
        block = self.blocks[place >> 33]
        self.block = block
        at: i64 = place & 0xFFFFFFFF
        names = at if place & OWN_PLACE != 0 else self.names[place >> 33]
        pairs = varint_at(block, names)
        if place & OWN_PLACE != 0:
            self.alternating = False
            self.value_at = varint_end(block, at)
        else:
            self.alternating = True
            self.name_at = varint_end(block, names)
            self.value_at = at
        self.at_name = True
        return pairs << 1

    def step(self) -> i64:
        """Where the next item lies in `block`: its length byte, or NUMBER and so on."""
        if self.alternating:
            named = self.at_name
            self.at_name = not named
            if named:
                at = self.name_at
                self.name_at = item_end(self.block, at)
                return at
        at = self.value_at
        self.value_at = item_end(self.block, at)
        return at

    def items(self, k: i64) -> list[bytes] | None:
        """Fields and values of entry `k` by turns, None if it was deleted."""
        count = self.open(k)
        if count < 0:
            return None
        found: list[bytes] = []
        while count > 0:
            found.append(item_at(self.block, self.step()))
            count -= 1
        return found


NOWHERE: Final[i64] = -1


def pick(
    into: Picked, walk: Walk, names: i64, ms: i64, seq: i64, last_ms: i64, last_seq: i64, most: i64, reverse: bool
) -> i64:
    """Add the entries of a block from one ID to another, both included; how many.  `reverse` begins with the last.

    `walk` stands before the block's first entry, whose names start at `names`.
    """
    if most <= 0 or not walk.seek(ms, seq) or precedes(last_ms, last_seq, walk.ms, walk.seq):
        return 0
    into.add_block(walk.blob, names)
    if reverse:
        return _pick_backwards(into, walk, last_ms, last_seq, most)
    found: i64 = 0
    while not precedes(last_ms, last_seq, walk.ms, walk.seq):
        into.add(walk.ms, walk.seq, walk.own, walk.items)
        found += 1
        if found == most or not walk.step():
            break
    return found


def _pick_backwards(into: Picked, walk: Walk, last_ms: i64, last_seq: i64, most: i64) -> i64:
    passed = Picked()
    passed.blocks = into.blocks
    while not precedes(last_ms, last_seq, walk.ms, walk.seq):
        passed.add(walk.ms, walk.seq, walk.own, walk.items)
        if not walk.step():
            break
    k: i64 = passed.count() - 1
    found: i64 = 0
    while k >= 0 and found < most:
        into.ms = append(into.ms, passed.ms[k])
        into.seq = append(into.seq, passed.seq[k])
        into.places = append(into.places, passed.places[k])
        found += 1
        k -= 1
    return found
