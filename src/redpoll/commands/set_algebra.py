"""Intersection, union and difference of sets, returned or stored.

A result is complete before it is stored, so the target may be one of the sources.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64, u8

from redpoll.catalogue.keyspec import ACCESS, OW, RO, UPDATE, KeyRange, KeySpec, counted_keys, key_range
from redpoll.catalogue.spec import DENYOOM, MOVABLEKEYS, READONLY, WRITE
from redpoll.catalogue.spec import SET as SET_CATEGORY
from redpoll.commands.results import store
from redpoll.commands.set_replies import add_member, all_members
from redpoll.engine.args import Args, integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import LIMIT_NEGATIVE, NUMKEYS_NOT_POSITIVE, SYNTAX, TOO_MANY_NUMKEYS, CommandError
from redpoll.keyspace.events import SDIFFSTORE, SINTERSTORE, SUNIONSTORE
from redpoll.protocol.reply import SET, PackedStrings, SetOf, Strings
from redpoll.structures.table_copy import copied
from redpoll.types.kinds import SET_HASHTABLE, SET_INTSET, EncodingLimits
from redpoll.types.set import ITEM_LIMIT, Set
from redpoll.types.set_walk import Walk, holds, walk_over

INDEX_BITS: Final = 24
INDEX_MASK: Final = (1 << 24) - 1

PIECE_BYTES: Final = 65536
"""Members of a union that the largest set lacks are packed in pieces of about this size."""

FEW_SETS: Final[i64] = 4
"""A union of up to this many sets looks each member up in the earlier sets; for more sets, it builds a new set."""


def store_keys() -> list[KeySpec]:
    """A target, then sources."""
    return [KeyRange(OW | UPDATE, 1, 1, 1), KeyRange(RO | ACCESS, 2, -1, 1)]


def look_up(session: Session, keys: list[bytes]) -> list[Set | None]:
    """The sets at all keys, None where there is none.  Raises WRONGTYPE."""
    db = session.db
    found: list[Set | None] = []
    for key in keys:
        found.append(db.members(key))
    return found


def present(sets: list[Set | None]) -> list[Set]:
    found: list[Set] = []
    for value in sets:
        if value is not None:
            found.append(value)
    return found


def by_size(sets: list[Set], largest_first: bool = False) -> list[Set]:
    """The sets by their number of members; equal ones stay in order."""
    sizes: list[int] = []
    for at in range(len(sets)):
        size: int = sets[at].count()
        sizes.append((-size if largest_first else size) << INDEX_BITS | at)
    sizes.sort()
    return [sets[size & INDEX_MASK] for size in sizes]


# Intersection: walk over the smallest set, and look its members up in the others, in the order of their size.


def common(sets: list[Set | None]) -> list[Set]:
    """The sets of an intersection, the smallest first; empty if a key is missing."""
    found = present(sets)
    return by_size(found) if len(found) == len(sets) else []


def in_all(sets: list[Set], walk: Walk) -> bool:
    """Whether the member at which a walk over the first set stands is in all others."""
    at: i64 = 1
    count: i64 = len(sets)
    while at < count:
        if not holds(sets[at], walk):
            return False
        at += 1
    return True


@command(
    "sinter", arity=-2, flags=READONLY, acl=SET_CATEGORY, keys=key_range(1, -1, 1, RO | ACCESS), group="set",
    tips="nondeterministic_output_order",
    arguments="key#0 ...",
    since="1.0.0", complexity="O(members of the smallest set, times the sets)",
    summary="Return the intersection of sets: members that are in all of them.",
)  # fmt: skip
def sinter(session: Session, args: list[bytes]) -> object:
    sets = common(look_up(session, args[1:]))
    if len(sets) == 0:
        return SetOf([])
    if len(sets) == 1:
        return all_members(sets[0], SET)
    found = Strings(SET)
    walk = walk_over(sets[0])
    while walk.step():
        if in_all(sets, walk):
            add_member(found, walk)
    return found


@command(
    "sintercard", arity=-3, flags=READONLY | MOVABLEKEYS, acl=SET_CATEGORY, keys=counted_keys(1, RO | ACCESS),
    group="set",
    arguments="numkeys:integer key#0 ... [LIMIT limit:integer]",
    since="7.0.0", complexity="O(members of the smallest set, times the sets)",
    summary="Return the size of the intersection of sets, up to a limit.",
)  # fmt: skip
def sintercard(session: Session, args: list[bytes]) -> object:
    keys = integer(args[1], NUMKEYS_NOT_POSITIVE)
    if keys < 1:
        raise CommandError(NUMKEYS_NOT_POSITIVE)
    if keys > len(args) - 2:
        raise CommandError(TOO_MANY_NUMKEYS)
    limit: i64 = 0
    options = Args(args, 2 + keys)
    while options.left() > 0:
        if options.word() != b"LIMIT" or options.left() == 0:
            raise CommandError(SYNTAX)
        limit = options.integer(LIMIT_NEGATIVE)
        if limit < 0:
            raise CommandError(LIMIT_NEGATIVE)
    sets = common(look_up(session, args[2 : 2 + keys]))
    if len(sets) == 0:
        return 0
    found: i64 = 0
    walk = walk_over(sets[0])
    while (limit == 0 or found < limit) and walk.step():
        if in_all(sets, walk):
            found += 1
    return found


@command(
    "sinterstore", arity=-3, flags=WRITE | DENYOOM, acl=SET_CATEGORY, keys=store_keys(), group="set",
    arguments="destination#0 key#1 ...",
    since="1.0.0", complexity="O(members of the smallest set, times the sets)",
    summary="Store the intersection of sets and return its size.",
)  # fmt: skip
def sinterstore(session: Session, args: list[bytes]) -> object:
    limits = session.db.moment.limits
    sets = common(look_up(session, args[2:]))
    made = Set()
    if len(sets) > 0:
        # Sets of numbers give a set of numbers, which may exceed its limit.  Otherwise the result decides the encoding.
        numbers = sets[0].kind == SET_INTSET
        made.kind = SET_INTSET if numbers else SET_HASHTABLE
        walk = walk_over(sets[0])
        while walk.step():
            if in_all(sets, walk):
                made.add(walk.member(), limits)
        if not numbers:
            made.fit(limits)
    return store(session, args[1], made, made.count(), SINTERSTORE)


# Union.


@command(
    "sunion", arity=-2, flags=READONLY, acl=SET_CATEGORY, keys=key_range(1, -1, 1, RO | ACCESS), group="set",
    tips="nondeterministic_output_order",
    arguments="key#0 ...",
    since="1.0.0", complexity="O(members of all sets)",
    summary="Return the union of sets: members that are in any of them.",
)  # fmt: skip
def sunion(session: Session, args: list[bytes]) -> object:
    sets = present(look_up(session, args[1:]))
    if len(sets) == 0:
        return SetOf([])
    if len(sets) > FEW_SETS or are_numbers(sets):
        return all_members(united(sets, session.db.moment.limits), SET)
    # The reply has the largest set as it is, then the additional members of the others.
    sets = by_size(sets, largest_first=True)
    view = all_members(sets[0], SET)
    at: i64 = 1
    while at < len(sets):
        add_lacking(view, sets, at)
        at += 1
    return view


def are_numbers(sets: list[Set]) -> bool:
    return all(value.has_numbers() for value in sets)


def add_lacking(view: PackedStrings, sets: list[Set], which: i64) -> None:
    """Add the members of the set at index `which` that are in no earlier set."""
    out = BytesWriter()
    walk = walk_over(sets[which])
    while walk.step():
        at: i64 = 0
        while at < which and not holds(sets[at], walk):
            at += 1
        if at < which:
            continue
        view.count += 1
        member = walk.member()
        if len(member) > ITEM_LIMIT:
            view.wholes.append(member)
            continue
        out.append(u8(len(member)))
        out.write(member)
        if len(out) >= PIECE_BYTES:
            view.pieces.append(out.getvalue())
            out.truncate(0)
    if len(out) > 0:
        view.pieces.append(out.getvalue())


def united(sets: list[Set], limits: EncodingLimits) -> Set:
    """A new set of all members, encoded as if they had been added one by one to an empty set of numbers."""
    made = Set()
    made.kind = SET_INTSET
    largest = by_size(sets, largest_first=True)[0]
    whole: Set | None = None
    if outgrows(largest, limits):
        whole = largest
        start_from(made, whole)
    for value in sets:
        if value is not whole:
            add_all(made, value, limits)
    return made


def outgrows(value: Set, limits: EncodingLimits) -> bool:
    """Whether a set of this many members exceeds every limit, so that it is always a hash table."""
    size = value.count()
    return value.is_large() and size > limits.set_intset and size > limits.set_entries


def start_from(made: Set, value: Set) -> None:
    """Fill a new set with the members of a large one that exceeds the limits.  O(buckets)."""
    table = value.table
    assert table is not None
    made.kind = SET_HASHTABLE
    made.table = copied(table)


def add_all(made: Set, value: Set, limits: EncodingLimits) -> None:
    walk = walk_over(value)
    while walk.step():
        made.add(walk.member(), limits)


@command(
    "sunionstore", arity=-3, flags=WRITE | DENYOOM, acl=SET_CATEGORY, keys=store_keys(), group="set",
    arguments="destination#0 key#1 ...",
    since="1.0.0", complexity="O(members of all sets)", summary="Store the union of sets and return its size.",
)  # fmt: skip
def sunionstore(session: Session, args: list[bytes]) -> object:
    sets = present(look_up(session, args[2:]))
    made = united(sets, session.db.moment.limits) if len(sets) > 0 else Set()
    return store(session, args[1], made, made.count(), SUNIONSTORE)


# Difference.  Either look each member of the first set up in all others, or copy the first set and remove the members
# of the others: whichever is less work.


def asks_each(first: Set, others: list[Set]) -> bool:
    """Whether the first way is less work.  The estimate is the reference's, because the choice affects the encoding."""
    size = first.count()
    total = size
    for value in others:
        total += value.count()
    return size * (len(others) + 1) // 2 <= total


def in_any(sets: list[Set], walk: Walk) -> bool:
    return any(holds(value, walk) for value in sets)


def reduced(first: Set, others: list[Set], limits: EncodingLimits) -> Set:
    """A new set: the first one without the members of the others."""
    made = Set()
    made.kind = SET_INTSET
    if outgrows(first, limits):
        start_from(made, first)
    else:
        add_all(made, first, limits)
    for value in others:
        if made.is_empty():
            break
        walk = walk_over(value)
        while walk.step():
            if holds(made, walk):
                made.remove(walk.member())
    return made


@command(
    "sdiff", arity=-2, flags=READONLY, acl=SET_CATEGORY, keys=key_range(1, -1, 1, RO | ACCESS), group="set",
    tips="nondeterministic_output_order",
    arguments="key#0 ...",
    since="1.0.0", complexity="O(members of all sets)",
    summary="Return the difference of sets: members of the first one that are in no other.",
)  # fmt: skip
def sdiff(session: Session, args: list[bytes]) -> object:
    found = look_up(session, args[1:])
    first = found[0]
    if first is None:
        return SetOf([])
    others = by_size(present(found[1:]), largest_first=True)
    if len(others) == 0:
        return all_members(first, SET)
    if not asks_each(first, others):
        return all_members(reduced(first, others, session.db.moment.limits), SET)
    told = Strings(SET)
    walk = walk_over(first)
    while walk.step():
        if not in_any(others, walk):
            add_member(told, walk)
    return told


@command(
    "sdiffstore", arity=-3, flags=WRITE | DENYOOM, acl=SET_CATEGORY, keys=store_keys(), group="set",
    arguments="destination#0 key#1 ...",
    since="1.0.0", complexity="O(members of all sets)",
    summary="Store the difference of sets and return its size.",
)  # fmt: skip
def sdiffstore(session: Session, args: list[bytes]) -> object:
    limits = session.db.moment.limits
    found = look_up(session, args[2:])
    first = found[0]
    made = Set()
    if first is not None:
        others = by_size(present(found[1:]), largest_first=True)
        if asks_each(first, others):
            made.kind = SET_INTSET
            walk = walk_over(first)
            while walk.step():
                if not in_any(others, walk):
                    made.add(walk.member(), limits)
        else:
            made = reduced(first, others, limits)
    return store(session, args[1], made, made.count(), SDIFFSTORE)
