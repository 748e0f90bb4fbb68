"""SORT and SORT_RO: sort the elements of a list, a set or a sorted set, by themselves or by other keys."""

from __future__ import annotations

from heapq import nlargest, nsmallest
from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from redpoll.catalogue.spec import DANGEROUS, DENYOOM, LIST, MOVABLEKEYS, READONLY, SET, SORTEDSET, WRITE
from redpoll.catalogue.variable_keys import sort_keys
from redpoll.engine.args import Args
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import SORT_NOT_A_NUMBER, SYNTAX, WRONGTYPE, CommandError
from redpoll.keyspace.database import Database
from redpoll.keyspace.events import DEL, SORTSTORE
from redpoll.protocol.numbers import parse_double
from redpoll.structures.sorting import ranks_of
from redpoll.types.hash import Hash
from redpoll.types.kinds import (
    HASH_LISTPACK,
    HASH_VOLATILE,
    LIST_LISTPACK,
    LIST_QUICKLIST,
    SET_HASHTABLE,
    SET_INTSET,
    STRING_RAW,
    ZSET_LISTPACK,
    ZSET_SKIPLIST,
)
from redpoll.types.list import List, built
from redpoll.types.zset import ZSet

FEW: Final[i64] = 8
"""If fewer than one in this many elements is requested, only those are looked up."""


class Pattern:
    """A BY or GET pattern: a key, or a hash and a field, with `*` for the element; or `#`, the element itself."""

    def __init__(self, text: bytes) -> None:
        self.is_element = text == b"#"
        star = text.find(b"*")
        self.has_star = star >= 0
        self.before = text[:star]
        self.after = text[star + 1 :]
        self.field: bytes = b""
        arrow = self.after.find(b"->")
        if arrow >= 0 and arrow + 2 < len(self.after):
            self.field = self.after[arrow + 2 :]
            self.after = self.after[:arrow]

    def value(self, db: Database, element: bytes) -> bytes | None:
        """The value of the pattern for an element, None if there is no such string or field."""
        if self.is_element:
            return element
        if not self.has_star:
            return None
        key = b"%b%b%b" % (self.before, element, self.after)
        if not db.look(key):
            return None
        kind = db.table.kind()
        if len(self.field) == 0:
            return db.text() if kind <= STRING_RAW else None
        if kind < HASH_LISTPACK or kind > HASH_VOLATILE:
            return None
        hash = db.container()
        assert isinstance(hash, Hash)
        return hash.get(self.field)


class Plan:
    """The options of SORT."""

    def __init__(self, cursor: Args, storing: bool) -> None:
        self.descending = False
        self.alpha = False
        self.offset: i64 = 0
        self.count: i64 = -1
        self.by: Pattern | None = None
        self.unsorted = False
        self.gets: list[Pattern] = []
        self.target: bytes | None = None
        while cursor.left() > 0:
            word = cursor.word()
            left = cursor.left()
            if word == b"ASC":
                self.descending = False
            elif word == b"DESC":
                self.descending = True
            elif word == b"ALPHA":
                self.alpha = True
            elif word == b"LIMIT" and left >= 2:
                self.offset = cursor.integer()
                self.count = cursor.integer()
            elif word == b"STORE" and left >= 1 and storing:
                self.target = cursor.next()
            elif word == b"BY" and left >= 1:
                self._sort_by(Pattern(cursor.next()))
            elif word == b"GET" and left >= 1:
                self.gets.append(Pattern(cursor.next()))
            else:
                raise CommandError(SYNTAX)

    def _sort_by(self, pattern: Pattern) -> None:
        """A BY pattern without `*`: all elements would have the same key, so they are not sorted.

        This stays so even if a later BY has a `*`.
        """
        if pattern.has_star:
            self.by = pattern
        else:
            self.unsorted = True

    def start(self, size: i64) -> i64:
        """The index of the first element wanted, of `size`."""
        return self.offset if 0 < self.offset < size else (i64(0) if self.offset <= 0 else size)

    def stop(self, size: i64) -> i64:
        """The index after the last one."""
        start = self.start(size)
        return start + self.count if 0 <= self.count < size - start else size


def sort_elements(session: Session, args: list[bytes], storing: bool) -> object:
    """Run SORT or SORT_RO and return the reply."""
    plan = Plan(Args(args, 2), storing)
    db = session.db
    elements = sorted_elements(session, plan, args[1])
    target = plan.target
    if len(plan.gets) == 0:
        return elements if target is None else stored(session, target, elements)
    found: list[object] = []
    for element in elements:
        for pattern in plan.gets:
            found.append(pattern.value(db, element))
    if target is None:
        return found
    return stored(session, target, [item if isinstance(item, bytes) else b"" for item in found])


def stored(session: Session, target: bytes, items: list[bytes]) -> object:
    """Store the elements as a list at `target`, or delete `target` if there are none; return how many."""
    db = session.db
    size: i64 = len(items)
    if size == 0:
        if db.discard(target):
            session.changed(target, None, DEL, 1)
        return 0
    db.set_container(target, built(items, db.moment.limits))
    session.changed(target, None, SORTSTORE, size)
    return size


def sorted_elements(session: Session, plan: Plan, key: bytes) -> list[bytes]:
    """The elements that the plan asks for, in its order.  Raises WRONGTYPE and SORT_NOT_A_NUMBER."""
    db = session.db
    if not db.look(key):
        return []
    kind = db.table.kind()
    is_set = SET_INTSET <= kind <= SET_HASHTABLE
    if plan.unsorted and is_set and plan.target is not None:
        # The order of a set differs between servers, so it must be sorted.
        plan.unsorted = False
        plan.alpha = True
        plan.by = None
    if LIST_LISTPACK <= kind <= LIST_QUICKLIST:
        if plan.unsorted:
            return part_of_list(db, plan)
    elif ZSET_LISTPACK <= kind <= ZSET_SKIPLIST:
        if kind == ZSET_LISTPACK:
            # The reference sorts the other encoding alone, and the sorted set stays in it.
            zset = db.found_zset()
            zset.kind = ZSET_SKIPLIST
            session.changed(key, zset, SORTSTORE, 0)
            db.look(key)
        if plan.unsorted:
            return part_of_zset(db, plan)
    elif not is_set:
        raise CommandError(WRONGTYPE)
    value = db.container()
    elements = value.rows()
    if value.row_width() == 2:
        elements = elements[::2]
    size: i64 = len(elements)
    start = plan.start(size)
    stop = plan.stop(size)
    if plan.unsorted:
        return elements[start:stop]
    if plan.alpha:
        elements = by_text(session, plan, elements, stop)
    else:
        elements = by_number(db, plan, elements, stop)
    return elements[start:stop]


def part_of_list(db: Database, plan: Plan) -> list[bytes]:
    """The elements of the list at the position, in their order or in reverse."""
    value = db.container()
    assert isinstance(value, List)
    size = value.count()
    start = plan.start(size)
    stop = plan.stop(size)
    if not plan.descending:
        return value.slice(start, stop)
    found = value.slice(size - stop, size - start)
    found.reverse()
    return found


def part_of_zset(db: Database, plan: Plan) -> list[bytes]:
    """The members of the sorted set at the position by their scores."""
    value = db.container()
    assert isinstance(value, ZSet)
    size = value.count()
    start = plan.start(size)
    stop = plan.stop(size)
    found: list[bytes] = []
    if plan.descending:
        value.span(size - stop, size - start).members(found)
        found.reverse()
    else:
        value.span(start, stop).members(found)
    return found


def by_number(db: Database, plan: Plan, elements: list[bytes], stop: i64) -> list[bytes]:
    """The first `stop` elements, sorted by the number of the element or its key; ties are sorted by bytes."""
    by = plan.by
    numbers = vec[float](capacity=len(elements))
    bad = False
    for element in elements:
        text = element if by is None else by.value(db, element)
        number = 0.0 if text is None else number_of(text)
        if number != number:
            # Look the other keys up too, because hits, misses and access times count.
            bad = True
        numbers = append(numbers, number)
    if bad:
        raise CommandError(SORT_NOT_A_NUMBER)
    if stop * FEW < len(elements):
        few = zip(list(numbers), elements, strict=True)
        first = nlargest(int(stop), few) if plan.descending else nsmallest(int(stop), few)
        return [element for _, element in first]
    found = [elements[at] for at in ranks_of(numbers, elements)]
    if plan.descending:
        found.reverse()
    return found


def number_of(text: bytes) -> float:
    """The number in `text`, which ends at a zero byte; nan if it is not a number."""
    number = parse_double(text)
    if number != number and b"\0" in text:
        return parse_double(text.partition(b"\0")[0])
    return number


def by_text(session: Session, plan: Plan, elements: list[bytes], stop: i64) -> list[bytes]:
    """The elements by themselves or by the texts of their keys, the first `stop` of them.

    Sorts by the locale; by bytes if the result is stored.  Elements without a key come first.
    """
    collation = session.engine.collation
    by_bytes = collation.by_bytes or plan.target is not None
    by = plan.by
    few = stop * FEW < len(elements)
    if by is None and by_bytes:
        if few:
            return nlargest(int(stop), elements) if plan.descending else nsmallest(int(stop), elements)
        elements.sort(reverse=plan.descending)
        return elements
    texts = [element if by is None else by.value(session.db, element) for element in elements]
    if by_bytes:
        order = first_by(stop, few, plan.descending, [b"" if text is None else b"\1%b" % text for text in texts])
    else:
        keys = ["" if text is None else "\1" + collation.key(text) for text in texts]
        order = first_by(stop, few, plan.descending, keys)
    return [elements[at] for at in order]


def first_by(stop: i64, few: bool, descending: bool, keys: list[bytes] | list[str]) -> list[int]:
    """The indexes of `keys` in sorted order, stable; with `few` only the first `stop`."""
    places = range(len(keys))
    if not few:
        return sorted(places, key=keys.__getitem__, reverse=descending)
    if descending:
        return nlargest(int(stop), places, key=keys.__getitem__)
    return nsmallest(int(stop), places, key=keys.__getitem__)


@command(
    "sort", arity=-2, flags=WRITE | DENYOOM | MOVABLEKEYS, acl=SET | SORTEDSET | LIST | DANGEROUS, keys=sort_keys(True),
    group="generic",
    arguments="key#0 [BY by-pattern:pattern#1<pattern>] [LIMIT (offset:integer count:integer)] "
              "[GET get-pattern:pattern#1<pattern>] ... [order: ASC | DESC] [sorting: ALPHA] [STORE destination#2]",
    since="1.0.0", complexity="O(n log n)",
    summary="Sort the elements of a list, a set or a sorted set, and return or store them.",
)  # fmt: skip
def sort(session: Session, args: list[bytes]) -> object:
    return sort_elements(session, args, True)


@command(
    "sort_ro", arity=-2, flags=READONLY | MOVABLEKEYS, acl=SET | SORTEDSET | LIST | DANGEROUS, keys=sort_keys(False),
    group="generic",
    arguments="key#0 [BY by-pattern:pattern#1<pattern>] [LIMIT (offset:integer count:integer)] "
              "[GET get-pattern:pattern#1<pattern>] ... [order: ASC | DESC] [sorting: ALPHA]",
    since="7.0.0", complexity="O(n log n)",
    summary="Sort the elements of a list, a set or a sorted set, and return them.",
)  # fmt: skip
def sort_ro(session: Session, args: list[bytes]) -> object:
    return sort_elements(session, args, False)
