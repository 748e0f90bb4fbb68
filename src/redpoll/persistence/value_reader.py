"""One value of a snapshot or a payload: read, checked in full, and built as a type's object.

A string becomes bytes, a container becomes a `Value` in the encoding that the limits choose.  A container without items
becomes None: a file skips it, RESTORE refuses it.  Source: spec/rdb.md, sections 7 and 11.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.persistence import codes
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.packed_forms import intset_numbers, listpack_items, word32, ziplist_items, zipmap_items
from redpoll.persistence.scores import score_in
from redpoll.persistence.source import Source
from redpoll.persistence.stream_reader import read_stream
from redpoll.protocol.numbers import is_int, to_int
from redpoll.structures.intset import packed_numbers
from redpoll.structures.packed import LENGTH_BYTE
from redpoll.types.hash import Hash
from redpoll.types.kinds import (
    HASH_HASHTABLE,
    HASH_LISTPACK,
    SET_HASHTABLE,
    SET_INTSET,
    ZSET_LISTPACK,
    ZSET_SKIPLIST,
    EncodingLimits,
)
from redpoll.types.list import List, built
from redpoll.types.listpack import FRAME_BYTES, entry_bytes
from redpoll.types.set import MOST_NUMBERS, Set
from redpoll.types.value import Value
from redpoll.types.zset import ZSet

FEW: Final[i64] = 64
"""Up to this many items are read before the value is built.  Further items are added one by one."""

LATEST_REDIS: Final[i64] = (1 << 48) - 1
"""The greatest deadline of a field in a file of Redis 7.4."""

TWICE: Final = "the same %s comes twice"


@mypyc_attr(acyclic=True)
class ValueReader:
    """Reads values for `limits`.  After `read`, `text` is the string if that was one, else None.

    With `past_ms` above 0, fields of hashes whose deadline is not after it are left out.
    """

    def __init__(self, limits: EncodingLimits) -> None:
        self.limits: Final = limits
        self.version: i64 = codes.VALKEY_80
        self.past_ms: i64 = 0
        self.text: bytes | None = None
        self.all_past = False
        """Whether the last value was a hash whose fields have all expired."""

    def is_foreign(self) -> bool:
        return codes.FIRST_FOREIGN <= self.version <= codes.LAST_FOREIGN

    def read(self, source: Source, type: i64) -> Value | None:
        """Read a value of this type; raises DamagedError with the offset."""
        self.text = None
        self.all_past = False
        try:
            return self._read(source, type)
        except DamagedError as damage:
            source.place(damage)
            raise

    def _read(self, source: Source, type: i64) -> Value | None:
        if type == codes.STRING:
            self.text = source.text()
            return None
        if type == codes.HASH_LISTPACK or type == codes.HASH_ZIPLIST or type == codes.HASH_ZIPMAP:
            return self._packed_hash(source, type)
        if type == codes.LIST_LISTPACKS or type == codes.LIST_ZIPLISTS:
            return self._nodes(source, type)
        if type == codes.ZSET_LISTPACK or type == codes.ZSET_ZIPLIST:
            return self._packed_zset(source, type)
        if type == codes.SET_INTSET or type == codes.SET_LISTPACK:
            return self._packed_set(source, type)
        if type == codes.LIST:
            return self._list(source)
        if type == codes.LIST_ZIPLIST:
            return self._ziplist(source)
        if type == codes.SET:
            return self._set(source)
        if type == codes.ZSET or type == codes.ZSET_TEXT:
            return self._zset(source, type)
        if type == codes.HASH:
            return self._hash(source)
        if type == codes.STREAM_1 or type == codes.STREAM_2 or type == codes.STREAM_3:
            return read_stream(source, type)
        return self._rare(source, type)

    def _rare(self, source: Source, type: i64) -> Value | None:
        if type == codes.HASH_TIMES:
            return self._hash_with_times(source, self.is_foreign())
        if self.is_foreign():
            if type == codes.HASH_TIMES_REDIS:
                return self._hash_with_times(source, True, source.word())
            if type == codes.HASH_TIMES_LISTPACK or type == codes.HASH_TIMES_LISTPACK_RC:
                return self._listpack_with_times(source, type)
        if type == codes.MODULE or type == codes.OLD_MODULE:
            raise source.damaged("a value of a module: redpoll has none")
        raise source.damaged(f"Unknown RDB encoding type {type}")

    # Lists.

    def _list(self, source: Source) -> Value | None:
        items: list[bytes] = []
        count = source.count()
        while count > 0:
            items.append(source.text())
            count -= 1
        return built(items, self.limits) if len(items) > 0 else None

    def _ziplist(self, source: Source) -> Value | None:
        """A list in one node, which stays a quicklist."""
        items: list[bytes] = []
        ziplist_items(source.text(), items)
        if len(items) == 0:
            return None
        size = FRAME_BYTES
        for item in items:
            size += entry_bytes(item)
        made = List()
        made.fill_nodes(items, append(vec[i64](), len(items)), append(vec[i64](), size), self.limits, False)
        return made

    def _nodes(self, source: Source, type: i64) -> Value | None:
        items: list[bytes] = []
        counts = vec[i64]()
        sizes = vec[i64]()
        nodes = source.count()
        while nodes > 0:
            nodes -= 1
            container = codes.PACKED_NODE if type == codes.LIST_ZIPLISTS else source.number()
            blob = source.text()
            before: i64 = len(items)
            size: i64 = len(blob)
            if container == codes.PLAIN_NODE:
                if size == 0:
                    raise DamagedError("list: a node has no bytes")
                items.append(blob)
                size = -size
            elif container != codes.PACKED_NODE:
                raise DamagedError(f"list: unknown container {container}")
            elif type == codes.LIST_ZIPLISTS:
                ziplist_items(blob, items)
                size = FRAME_BYTES
                for n in range(before, len(items)):
                    size += entry_bytes(items[n])
            else:
                listpack_items(blob, items)
            if len(items) > before:
                counts = append(counts, len(items) - before)
                sizes = append(sizes, size)
        if len(items) == 0:
            return None
        made = List()
        made.fill_nodes(items, counts, sizes, self.limits)
        return made

    # Sets.

    def _packed_set(self, source: Source, type: i64) -> Value | None:
        blob = source.text()
        made = Set()
        if type == codes.SET_INTSET:
            intset_numbers(blob)
            width = word32(blob, 0)
            shift: i64 = i64(3) if width == 8 else width >> 1
            made.fill_numbers(b"%b%b" % (LENGTH_BYTE[shift], blob[8:]), self.limits)
            return made
        members: list[bytes] = []
        listpack_items(blob, members)
        if len(members) == 0:
            return None
        if len(members) > self.limits.set_entries:
            made.kind = SET_HASHTABLE
        if not made.fill(members):
            raise DamagedError(TWICE % "member")
        return made

    def _set(self, source: Source) -> Value | None:
        limits = self.limits
        count = source.count()
        if count == 0:
            return None
        made = Set()
        most = limits.set_intset if limits.set_intset > limits.set_entries else limits.set_entries
        if count > FEW and count > most:
            made.kind = SET_HASHTABLE
            while count > 0:
                if not made.add(source.text(), limits):
                    raise DamagedError(TWICE % "member")
                count -= 1
            return made
        members: list[bytes] = []
        longest: i64 = 0
        whole = count <= limits.set_intset
        while count > 0:
            member = source.text()
            members.append(member)
            if len(member) > longest:
                longest = len(member)
            whole = whole and is_int(member)
            count -= 1
        if whole:
            return self._set_of_numbers(made, members)
        if (
            len(members) > limits.set_intset
            or len(members) > limits.set_entries
            or longest > limits.set_value
        ):  # fmt: skip
            made.kind = SET_HASHTABLE
        if not made.fill(members):
            raise DamagedError(TWICE % "member")
        return made

    def _set_of_numbers(self, made: Set, members: list[bytes]) -> Value:
        if len(set(members)) != len(members):
            raise DamagedError(TWICE % "member")
        numbers = [int(to_int(member)) for member in members]
        numbers.sort()
        ascending = vec[i64](capacity=len(numbers))
        for number in numbers:
            ascending = append(ascending, number)
        made.fill_numbers(packed_numbers(ascending), self.limits)
        assert made.kind == SET_INTSET or len(members) > MOST_NUMBERS
        return made

    # Sorted sets.

    def _packed_zset(self, source: Source, type: i64) -> Value | None:
        items = packed_pairs(source.text(), type, "sorted set: a member has no score")
        count: i64 = len(items)
        if count == 0:
            return None
        members: list[bytes] = []
        scores = vec[float](capacity=count >> 1)
        n: i64 = 0
        while n < count:
            score = score_in(items[n + 1])
            if score != score:
                raise DamagedError(f"sorted set: {items[n + 1]!r} is no score")
            members.append(items[n])
            # A packed sorted set does not store the sign of zero.
            scores = append(scores, score if score != 0.0 else 0.0)
            n += 2
        made = self._zset_of(scores, members)
        made.kind = ZSET_SKIPLIST if len(members) > self.limits.zset_entries else ZSET_LISTPACK
        return made

    def _zset(self, source: Source, type: i64) -> Value | None:
        count = source.count()
        if count == 0:
            return None
        members: list[bytes] = []
        scores = vec[float]()
        longest: i64 = 0
        while count > 0:
            member = source.text()
            score = source.double() if type == codes.ZSET else self._score_text(source)
            if score != score:
                raise source.damaged("sorted set: a score is no number")
            members.append(member)
            scores = append(scores, score)
            if len(member) > longest:
                longest = len(member)
            count -= 1
        return self._zset_of(scores, members)

    def _score_text(self, source: Source) -> float:
        length = source.byte()
        if length == 253:
            raise source.damaged("sorted set: a score is no number")
        if length == 254:
            return float("inf")
        if length == 255:
            return -float("inf")
        text = source.take(length)
        score = score_in(text)
        if score != score:
            raise source.damaged(f"sorted set: {text!r} is no score")
        return score

    def _zset_of(self, scores: vec[float], members: list[bytes]) -> ZSet:
        if len(set(members)) != len(members):
            raise DamagedError(TWICE % "member")
        made = ZSet()
        if not is_ascending(scores, members):
            if is_descending(scores, members):
                members.reverse()
                scores = reversed_scores(scores)
            else:
                rows = [(scores[n], members[n]) for n in range(len(members))]
                rows.sort()
                scores = vec[float](capacity=len(rows))
                for row in rows:
                    scores = append(scores, row[0])
                members = [row[1] for row in rows]
        made.fill(scores, members, self.limits)
        return made

    # Hashes.

    def _packed_hash(self, source: Source, type: i64) -> Value | None:
        items = packed_pairs(source.text(), type, "hash: a field has no value")
        count: i64 = len(items)
        if count == 0:
            return None
        made = Hash()
        if not made.fill(items, vec[i64]()):
            raise DamagedError(TWICE % "field")
        if count >> 1 > self.limits.hash_entries or (type == codes.HASH_ZIPMAP and self._is_long(items)):
            made.kind = HASH_HASHTABLE
        return made

    def _is_long(self, items: list[bytes]) -> bool:
        """Whether an item is too long for a listpack."""
        return any(len(item) > self.limits.hash_value for item in items)

    def _hash(self, source: Source) -> Value | None:
        count = source.count(2)
        if count == 0:
            return None
        made = Hash()
        if count > FEW:
            made.kind = HASH_HASHTABLE if count > self.limits.hash_entries else HASH_LISTPACK
            while count > 0:
                field = source.text()
                if not made.put(field, source.text()):
                    raise DamagedError(TWICE % "field")
                count -= 1
            if made.longest > self.limits.hash_value:
                made.kind = HASH_HASHTABLE
            made.longest = 0
            made.puts = 0
            return made
        items: list[bytes] = []
        count *= 2
        while count > 0:
            items.append(source.text())
            count -= 1
        if not made.fill(items, vec[i64]()):
            raise DamagedError(TWICE % "field")
        if len(items) >> 1 > self.limits.hash_entries or self._is_long(items):
            made.kind = HASH_HASHTABLE
        return made

    def _hash_with_times(self, source: Source, foreign: bool, earliest: i64 = 0) -> Value | None:
        """Fields with their deadlines: Valkey's form, or with `foreign` one of Redis, counted from `earliest` on."""
        count = source.count(3)
        if count == 0:
            return None
        items: list[bytes] = []
        column = vec[i64]()
        while count > 0:
            at_ms: i64 = 0
            if foreign:
                at_ms = source.number()
                if at_ms < 0 or at_ms > LATEST_REDIS:
                    raise source.damaged("hash: a deadline is out of range")
                if at_ms > 0 and earliest > 0:
                    at_ms += earliest - 1
            field = source.text()
            value = source.text()
            if not foreign:
                at_ms = source.word()
                if at_ms < -1:
                    raise source.damaged("hash: a deadline is negative")
                # 0 means no deadline here.  A deadline at the time 0 has passed anyway.
                at_ms = i64(0) if at_ms == -1 else (at_ms if at_ms > 0 else i64(1))
            items.append(field)
            items.append(value)
            column = append(column, at_ms)
            count -= 1
        return self._timed(items, column)

    def _listpack_with_times(self, source: Source, type: i64) -> Value | None:
        if type == codes.HASH_TIMES_LISTPACK:
            source.word()
        blob = source.text()
        triples: list[bytes] = []
        listpack_items(blob, triples)
        count: i64 = len(triples)
        if count % 3 != 0:
            raise DamagedError("hash: a field has no deadline")
        if count == 0:
            return None
        items: list[bytes] = []
        column = vec[i64]()
        n: i64 = 0
        before: i64 = 1
        while n < count:
            text = triples[n + 2]
            at_ms = to_int(text) if is_int(text) else i64(-1)
            if at_ms < 0 or at_ms > LATEST_REDIS or (at_ms > 0 and at_ms < before):
                raise DamagedError("hash: a deadline is out of order or range")
            # Fields without one come last.
            before = at_ms if at_ms > 0 else LATEST_REDIS + 1
            items.append(triples[n])
            items.append(triples[n + 1])
            column = append(column, at_ms)
            n += 3
        return self._timed(items, column)

    def _timed(self, items: list[bytes], column: vec[i64]) -> Value | None:
        """A hash of these fields and deadlines, without expired fields if asked for."""
        if self.past_ms > 0:
            if len(set(items[::2])) * 2 != len(items):
                raise DamagedError(TWICE % "field")
            kept: list[bytes] = []
            left = vec[i64]()
            for n in range(len(column)):
                if column[n] == 0 or column[n] > self.past_ms:
                    kept.append(items[2 * n])
                    kept.append(items[2 * n + 1])
                    left = append(left, column[n])
            items = kept
            column = left
            if len(items) == 0:
                self.all_past = True
                return None
        made = Hash()
        made.kind = HASH_HASHTABLE
        if not made.fill(items, column):
            raise DamagedError(TWICE % "field")
        if made.times is None and len(items) >> 1 <= self.limits.hash_entries and not self._is_long(items):
            made.kind = HASH_LISTPACK
        return made


def packed_pairs(blob: bytes, type: i64, complaint: str) -> list[bytes]:
    """The items of a packed hash or sorted set; `complaint` is that their number is odd."""
    items: list[bytes] = []
    if type == codes.HASH_LISTPACK or type == codes.ZSET_LISTPACK:
        listpack_items(blob, items)
    elif type == codes.HASH_ZIPLIST or type == codes.ZSET_ZIPLIST:
        ziplist_items(blob, items)
    else:
        zipmap_items(blob, items)
    if len(items) & 1 != 0:
        raise DamagedError(complaint)
    return items


def is_ascending(scores: vec[float], members: list[bytes]) -> bool:
    """Whether the entries are in the order of a sorted set."""
    for n in range(1, len(members)):
        if scores[n] < scores[n - 1] or (scores[n] == scores[n - 1] and members[n] <= members[n - 1]):
            return False
    return True


def is_descending(scores: vec[float], members: list[bytes]) -> bool:
    """Whether the entries are in the reverse order of a sorted set."""
    for n in range(1, len(members)):
        if scores[n] > scores[n - 1] or (scores[n] == scores[n - 1] and members[n] >= members[n - 1]):
            return False
    return True


def reversed_scores(scores: vec[float]) -> vec[float]:
    count: i64 = len(scores)
    made = vec[float](capacity=count)
    while count > 0:
        count -= 1
        made = append(made, scores[count])
    return made
