"""Set: unordered members.  Packed while small, as numbers or as `[length][member]...`; a Table once large.

Packed numbers (`structures/intset.py`) are the form of an intset (OBJECT ENCODING), up to NUMBERS_LIMIT bytes.  Other
packed sets keep their members in the order of insertion.  A look-up in them walks over lengths, so a set leaves that
form at PACKED_LIMIT bytes, or with a member of more than 254 bytes.  The encoding that clients see follows the
configured limits instead, and is kept in `kind`.  As in the reference, every new member may change it.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.env.random import Random
from redpoll.protocol.numbers import NO_INT, int_text, is_int, to_int
from redpoll.structures import intset
from redpoll.structures.members import MemberWalk, insert_member
from redpoll.structures.packed import LENGTH_BYTE, equal_at
from redpoll.structures.segment import Outside
from redpoll.structures.table import Table, large_table
from redpoll.structures.table_copy import copied
from redpoll.types.kinds import SET_HASHTABLE, SET_INTSET, SET_LISTPACK, EncodingLimits
from redpoll.types.value import CREATED, Value

PACKED_LIMIT: Final[i64] = 1024
NUMBERS_LIMIT: Final[i64] = 16384
MOST_NUMBERS: Final[i64] = 2047
"""So many fit into NUMBERS_LIMIT, whatever their width."""
ITEM_LIMIT: Final[i64] = 254


@mypyc_attr(acyclic=True, free_list_len=1)
class Set(Value):
    """See the module's docstring.  Look-ups and changes are O(1) on average, O(members) while packed."""

    def __init__(self) -> None:
        super().__init__(SET_LISTPACK)
        self.table: Table | None = None
        self.walked: i64 = 0
        """How many members the last `_find` that found none has gone past: all of them."""

    def is_large(self) -> bool:
        return self.table is not None

    def is_empty(self) -> bool:
        table = self.table
        return table.size == 0 if table is not None else self.start == self.stop

    def has_numbers(self) -> bool:
        """Whether the packed form is that of numbers."""
        return self.kind == SET_INTSET and self.table is None

    def count(self) -> i64:
        """Number of members.  O(1), but of packed ones O(members)."""
        table = self.table
        if table is not None:
            return table.size
        if self.kind == SET_INTSET:
            return intset.count(self.blob, self.start, self.stop)
        blob = self.blob
        at = self.start
        stop = self.stop
        found: i64 = 0
        while at < stop:
            at += 1 + blob[at]
            found += 1
        return found

    def has(self, member: bytes) -> bool:
        """Whether `member` is there."""
        table = self.table
        if table is not None:
            return table.find(member)
        if self.kind == SET_INTSET:
            n = to_int(member)
            if n == NO_INT and not is_int(member):
                return False
            return intset.find(self.blob, self.start, self.stop, n) >= 0
        return self._find(member) >= 0

    def _find(self, member: bytes) -> i64:
        """The offset of a packed member (its length byte), or -1.

        If it is missing, `walked` is the number of members.
        """
        blob = self.blob
        at = self.start
        stop = self.stop
        wanted: i64 = len(member)
        past: i64 = 0
        while at < stop:
            length: i64 = blob[at]
            if length == wanted and equal_at(blob, at + 1, member, length):
                return at
            at += 1 + length
            past += 1
        self.walked = past
        return -1

    # Adding.

    def expect(self, first: bytes, count: i64, limits: EncodingLimits) -> None:
        """Choose the encoding before a command adds `count` members, the first of which is `first`.

        All arguments count, including members that exist already.
        """
        if self.home == CREATED and self.is_empty():
            if count <= limits.set_intset and is_int(first):
                self.kind = SET_INTSET
            elif count > limits.set_entries:
                self.kind = SET_HASHTABLE
        elif self.kind == SET_INTSET:
            if count > limits.set_intset:
                self._leave_numbers(SET_HASHTABLE)
        elif self.kind == SET_LISTPACK and count > limits.set_entries:
            self.kind = SET_HASHTABLE

    def add(self, member: bytes, limits: EncodingLimits) -> bool:
        """Add `member`; return whether it is new."""
        table = self.table
        if table is not None:
            if table.find(member):
                return False
            if self.kind != SET_HASHTABLE:
                self._weigh(member, table.size, limits)
            insert_member(table, member)
            return True
        if self.kind == SET_INTSET:
            n = to_int(member)
            if n != NO_INT or is_int(member):
                return self._add_number(n, limits)
            self._weigh(member, intset.count(self.blob, self.start, self.stop), limits)
            return self.add(member, limits)
        if self._find(member) >= 0:
            return False
        if self.kind == SET_LISTPACK:
            self._weigh(member, self.walked, limits)
        if len(member) > ITEM_LIMIT:
            grown = self._grow()
            grown.find(member)
            insert_member(grown, member)
            return True
        self.splice(self.stop, self.stop, b"%b%b" % (LENGTH_BYTE[len(member)], member))
        if self.stop - self.start > PACKED_LIMIT:
            self._grow()
        return True

    def _add_number(self, n: i64, limits: EncodingLimits) -> bool:
        rank = intset.place(self.blob, self.start, self.stop, n)
        count = intset.count(self.blob, self.start, self.stop)
        if rank < count and intset.number_at(self.blob, self.start, rank) == n:
            return False
        self.rewrite(intset.with_number(self.packed(), rank, n))
        if count >= limits.set_intset:
            self._leave_numbers(SET_HASHTABLE)
        elif self.stop > NUMBERS_LIMIT:
            self._grow()
        return True

    def _weigh(self, member: bytes, count: i64, limits: EncodingLimits) -> None:
        """Choose the encoding for a new `member`.  The set is not a hash table yet."""
        fits = count < limits.set_entries and len(member) <= limits.set_value
        if self.kind == SET_LISTPACK:
            if not fits:
                self.kind = SET_HASHTABLE
        elif is_int(member):
            if count >= limits.set_intset:
                self._leave_numbers(SET_HASHTABLE)
        elif fits and (limits.set_value >= intset.LENGTH_LIMIT or self._longest() <= limits.set_value):
            self._leave_numbers(SET_LISTPACK)
        else:
            self._leave_numbers(SET_HASHTABLE)

    def _longest(self) -> i64:
        """The length of the longest member.  O(members)."""
        longest: i64 = 0
        for member in self.rows():
            if len(member) > longest:
                longest = len(member)
        return longest

    def fill(self, members: list[bytes]) -> bool:
        """Hold these members, in an empty set whose kind is not that of numbers; whether none comes twice."""
        size: i64 = len(members)
        longest: i64 = 0
        for member in members:
            length: i64 = len(member)
            size += length
            if length > longest:
                longest = length
        if longest <= ITEM_LIMIT and size <= PACKED_LIMIT:
            self._pack(members)
            return len(set(members)) == len(members)
        table = large_table()
        for member in members:
            if table.find(member):
                return False
            insert_member(table, member)
        self.table = table
        self.rewrite(b"")
        return True

    def fill_numbers(self, packed: bytes, limits: EncodingLimits) -> None:
        """Hold the numbers of this packed form (`structures/intset.py`), in an empty set."""
        self.kind = SET_INTSET
        self.rewrite(packed)
        if intset.count(packed, 0, len(packed)) > limits.set_intset:
            self._leave_numbers(SET_HASHTABLE)
        elif self.stop > NUMBERS_LIMIT:
            self._grow()

    # Removing.

    def remove(self, member: bytes) -> bool:
        """Remove `member`; return whether it was there."""
        table = self.table
        if table is not None:
            if not table.find(member):
                return False
            table.remove()
            return True
        if self.kind == SET_INTSET:
            n = to_int(member)
            if n == NO_INT and not is_int(member):
                return False
            rank = intset.find(self.blob, self.start, self.stop, n)
            if rank < 0:
                return False
            self.rewrite(intset.without_rank(self.packed(), rank))
            return True
        at = self._find(member)
        if at < 0:
            return False
        self._cut(at)
        return True

    def _cut(self, at: i64) -> None:
        """Remove the packed member at an offset."""
        self.splice(at, at + 1 + self.blob[at], b"")

    # Choosing.

    def pick(self, random: Random) -> bytes:
        """A random member of a set that is not empty."""
        table = self.table
        if table is not None:
            table.seek_random(random)
            return table.key()
        if self.kind == SET_INTSET:
            rank = random.below(intset.count(self.blob, self.start, self.stop))
            return int_text(intset.number_at(self.blob, self.start, rank))
        at = self._place_of(random.below(self.count()))
        return self.blob[at + 1 : at + 1 + self.blob[at]]

    def pop(self, random: Random) -> bytes:
        """Remove and return a random member."""
        table = self.table
        if table is not None:
            table.seek_random(random)
            member = table.key()
            table.remove()
            return member
        if self.kind == SET_INTSET:
            rank = random.below(intset.count(self.blob, self.start, self.stop))
            number = int_text(intset.number_at(self.blob, self.start, rank))
            self.rewrite(intset.without_rank(self.packed(), rank))
            return number
        at = self._place_of(random.below(self.count()))
        popped = self.blob[at + 1 : at + 1 + self.blob[at]]
        self._cut(at)
        return popped

    def _place_of(self, rank: i64) -> i64:
        """The offset of the packed member with this index."""
        blob = self.blob
        at = self.start
        while rank > 0:
            at += 1 + blob[at]
            rank -= 1
        return at

    def take(self, ranks: vec[i64]) -> list[bytes]:
        """Remove and return the packed members at these ascending indexes.  O(members)."""
        taken: list[bytes] = []
        kept: list[bytes] = []
        members = self.rows()
        wanted: i64 = len(ranks)
        i: i64 = 0
        for rank in range(len(members)):
            if i < wanted and ranks[i] == rank:
                taken.append(members[rank])
                i += 1
            else:
                kept.append(members[rank])
        self._pack(kept)
        return taken

    # Changing the form.

    def keep(self, members: list[bytes], limits: EncodingLimits) -> None:
        """Replace all members, and reset the encoding: numbers stay an intset, others become a listpack."""
        if self.kind != SET_INTSET:
            self.kind = SET_LISTPACK
        self.table = None
        self.rewrite(b"")
        for member in members:
            self.add(member, limits)

    def fit(self, limits: EncodingLimits) -> None:
        """Switch to the smallest encoding that the limits allow.  O(members)."""
        count = self.count()
        if count > limits.set_intset and count > limits.set_entries:
            self.kind = SET_HASHTABLE
            return
        members = self.rows()
        longest: i64 = 0
        whole = count <= limits.set_intset
        for member in members:
            if len(member) > longest:
                longest = len(member)
            whole = whole and is_int(member)
        if whole:
            self.kind = SET_INTSET
            if count <= MOST_NUMBERS:
                self.table = None
                self._pack(members)
        elif count <= limits.set_entries and longest <= limits.set_value:
            self.kind = SET_LISTPACK
        else:
            self.kind = SET_HASHTABLE

    def _pack(self, members: list[bytes]) -> None:
        """Switch to the packed form with these members, which fit into it."""
        if self.kind == SET_INTSET:
            found = [to_int(member) for member in members]
            found.sort()
            ascending = vec[i64](capacity=len(found))
            for n in found:
                ascending = append(ascending, n)
            self.rewrite(intset.packed_numbers(ascending))
            return
        parts: list[bytes] = []
        for member in members:
            parts.append(LENGTH_BYTE[len(member)])
            parts.append(member)
        self.rewrite(b"".join(parts))

    def _leave_numbers(self, kind: i64) -> None:
        """Switch from numbers to another encoding."""
        if self.has_numbers():
            members = self.rows()
            self.kind = kind
            self._pack(members)
            if self.stop > PACKED_LIMIT:
                self._grow()
        self.kind = kind

    def _grow(self) -> Table:
        """Take the native form."""
        table = large_table()
        for member in self.rows():
            table.find(member)
            insert_member(table, member)
        self.table = table
        self.rewrite(b"")
        return table

    # Iterating.

    def rows(self) -> list[bytes]:
        found: list[bytes] = []
        table = self.table
        if table is not None:
            walk = MemberWalk(table)
            while walk.step():
                found.append(walk.blob[walk.start : walk.stop])
        elif self.kind == SET_INTSET:
            for n in intset.numbers(self.blob, self.start, self.stop):
                found.append(int_text(n))
        else:
            blob = self.blob
            at = self.start
            while at < self.stop:
                following: i64 = at + 1 + blob[at]
                found.append(blob[at + 1 : following])
                at = following
        return found

    def starts(self) -> vec[i64]:
        """The offsets of the packed members that are not numbers (their length bytes)."""
        blob = self.blob
        at = self.start
        found = vec[i64]()
        while at < self.stop:
            found = append(found, at)
            at += 1 + blob[at]
        return found

    def inner(self) -> Table | None:
        return self.table

    def size_bytes(self) -> i64:
        table = self.table
        return 208 + (table.size_bytes() if table is not None else len(self.blob))

    def copy(self) -> Outside:
        made = Set()
        made.stand_beside(self.kind, self.packed())
        table = self.table
        if table is not None:
            made.table = copied(table)
        return made

    def in_pieces(self) -> bool:
        return True

    def release(self, budget: i64) -> i64:
        table = self.table
        return table.release(budget) if table is not None else budget - 1
