"""SPOP and SRANDMEMBER: random members of sets.  Each member is equally likely."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, DELETE, RO, RW, one_key
from redpoll.catalogue.spec import FAST, READONLY, WRITE
from redpoll.catalogue.spec import SET as SET_CATEGORY
from redpoll.commands.set_replies import add_member, all_members
from redpoll.engine.args import integer
from redpoll.engine.command import Handler, command
from redpoll.engine.session import Session
from redpoll.env.random import Random
from redpoll.errors import COUNT_OUT_OF_RANGE, NOT_POSITIVE, SYNTAX, CommandError
from redpoll.keyspace.events import DEL, SPOP
from redpoll.protocol.numbers import INT64_MIN
from redpoll.protocol.reply import ARRAY, SET, PackedStrings, SetOf, Strings, View
from redpoll.structures.sampling import INDEX_BITS, INDEX_MASK, SPARSE, distinct, distinct_records
from redpoll.structures.table import Table
from redpoll.types.set import Set
from redpoll.types.set_walk import walk_over

EFFECT_MEMBERS: Final[i64] = 1024
"""So many members one SREM of the journal names."""

ANEW: Final[i64] = 5
"""SPOP builds a new set of the members that stay if at least this many go for each of them: that is faster."""


class Spop(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        if len(args) > 3:
            raise CommandError(SYNTAX)
        key = args[1]
        if len(args) == 3:
            return pop_many(session, key, integer(args[2], NOT_POSITIVE))
        value = session.db.members_to_change(key, False)
        if value is None:
            return None
        member = value.pop(session.engine.random)
        session.changed(key, value, SPOP, 1)
        session.journal_as([b"SREM", key, member])
        return member


command(
    "spop", arity=-2, flags=WRITE | FAST, acl=SET_CATEGORY, keys=one_key(RW | ACCESS | DELETE), group="set",
    tips="nondeterministic_output",
    arguments="key#0 [count:integer@3.2.0]",
    since="1.0.0", complexity="O(1) for each member popped", summary="Remove and return random members of a set.",
)(Spop())  # fmt: skip


def pop_many(session: Session, key: bytes, count: i64) -> object:
    """SPOP with a count."""
    if count < 0:
        raise CommandError(NOT_POSITIVE)
    db = session.db
    value = db.members_to_change(key, False)
    if value is None or count == 0:
        return SetOf([])
    size = value.count()
    if count >= size:
        popped: View = all_members(value, SET)
        # The reference reads the set as SMEMBERS does before it deletes it, and counts a hit for that.
        db.moment.hits += 1
        db.discard(key)
        session.changed(key, None, SPOP, size)
        session.also(key, DEL)
        session.journal_as([b"UNLINK", key])
        return popped
    popped = pop_some(session, value, count, size)
    session.changed(key, value, SPOP, count)
    note_popped(session, key, popped)
    return popped


def pop_some(session: Session, value: Set, count: i64, size: i64) -> View:
    """Remove `count` of `size` members and return them.  O(count)."""
    random = session.engine.random
    limits = session.db.moment.limits
    popped = PackedStrings(SET)
    anew = (size - count) * ANEW <= count
    table = value.table
    if table is None:
        popped.wholes = value.take(distinct(random, count, size))
        if anew:
            value.keep(value.rows(), limits)
    elif anew:
        # Move the members that stay to a new set; pop all that is left in the old table.
        staying: list[bytes] = []
        for _ in range(size - count):
            staying.append(value.pop(random))
        popped = all_members(value, SET)
        value.keep(staying, limits)
    else:
        for _ in range(count):
            popped.wholes.append(value.pop(random))
    popped.count = count
    return popped


def note_popped(session: Session, key: bytes, popped: View) -> None:
    """Write the removed members to the journal, in commands of a bounded length."""
    if session.engine.unit.journal is None:
        return
    popped.start()
    left = popped.count
    while left > 0:
        effect = [b"SREM", key]
        most = left if left < EFFECT_MEMBERS else EFFECT_MEMBERS
        for _ in range(most):
            effect.append(popped.step())
        session.journal_as(effect)
        left -= most


@command(
    "srandmember", arity=-2, flags=READONLY, acl=SET_CATEGORY, keys=one_key(RO | ACCESS), group="set",
    tips="nondeterministic_output",
    arguments="key#0 [count:integer@2.6.0]",
    since="1.0.0", complexity="O(1) for each member told", summary="Return random members of a set.",
)  # fmt: skip
def srandmember(session: Session, args: list[bytes]) -> object:
    if len(args) > 3:
        raise CommandError(SYNTAX)
    random = session.engine.random
    if len(args) == 2:
        value = session.db.members(args[1])
        return value.pick(random) if value is not None else None
    count: int = integer(args[2])
    if count == INT64_MIN:
        raise CommandError(COUNT_OUT_OF_RANGE)
    value = session.db.members(args[1])
    if value is None or count == 0:
        return []
    if count < 0:
        return repeated(value, random, -count)
    return different(value, random, count)


def repeated(value: Set, random: Random, count: i64) -> View:
    """`count` random members, possibly repeated.  O(count)."""
    found = Strings()
    table = value.table
    if table is not None:
        for _ in range(count):
            table.seek_random(random)
            add_record(found, table)
    elif value.has_numbers():
        members = value.rows()
        for _ in range(count):
            found.add(members[random.below(len(members))])
    else:
        starts = value.starts()
        for _ in range(count):
            add_packed(found, value, starts[random.below(len(starts))])
    return found


def different(value: Set, random: Random, count: i64) -> View:
    """`count` different members, or all of them if there are not so many.  O(count), packed O(members)."""
    size = value.count()
    if count >= size:
        return all_members(value, ARRAY)
    found = Strings()
    table = value.table
    if table is not None:
        if count * SPARSE < size:
            for place in distinct_records(random, count, table):
                table.seek_index(place >> INDEX_BITS, place & INDEX_MASK)
                add_record(found, table)
            return found
        # Selection as in `distinct`.
        walk = walk_over(value)
        while count > 0:
            walk.step()
            if random.below(size) < count:
                add_member(found, walk)
                count -= 1
            size -= 1
        return found
    ranks = distinct(random, count, size)
    if value.has_numbers():
        members = value.rows()
        for rank in ranks:
            found.add(members[rank])
        return found
    starts = value.starts()
    for rank in ranks:
        add_packed(found, value, starts[rank])
    return found


def add_record(found: Strings, table: Table) -> None:
    """Add the member at the table's position."""
    if table.is_outside():
        found.add(table.key())
    else:
        found.add_part(table.blob(), table.offset + 1, table.record_stop())


def add_packed(found: Strings, value: Set, at: i64) -> None:
    """Add the packed member that begins there."""
    blob = value.blob
    found.add_part(blob, at + 1, at + 1 + blob[at])
