"""ZRANDMEMBER: random members of sorted sets.  Each member is equally likely."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, RO, one_key
from redpoll.catalogue.spec import READONLY, SORTEDSET
from redpoll.commands.zset_replies import Picked, members_reply
from redpoll.engine.args import integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.env.random import Random
from redpoll.errors import COUNT_OUT_OF_RANGE, OUT_OF_RANGE, SYNTAX, CommandError
from redpoll.protocol.numbers import INT64_MIN
from redpoll.protocol.reply import ALONE, FLAT
from redpoll.structures import ranked
from redpoll.structures.members import found_score
from redpoll.structures.sampling import INDEX_BITS, INDEX_MASK, SPARSE, distinct_records
from redpoll.structures.table import Table
from redpoll.types.zset import ZSet

MOST_WITH_SCORES: Final = 4611686018427387903
"""Of more members the reference could not count members and scores."""


@command(
    "zrandmember", arity=-2, flags=READONLY, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    tips="nondeterministic_output",
    arguments="key#0 [options: count:integer [WITHSCORES]]",
    since="6.2.0", complexity="O(1) for each member told", summary="Return random members of a sorted set.",
)  # fmt: skip
def zrandmember(session: Session, args: list[bytes]) -> object:
    random = session.engine.random
    if len(args) == 2:
        zset = session.db.zset(args[1])
        return zset.pick(random) if zset is not None else None
    count: int = integer(args[2])
    if count == INT64_MIN:
        raise CommandError(COUNT_OUT_OF_RANGE)
    layout = ALONE
    if len(args) > 3:
        if len(args) > 4 or args[3].upper() != b"WITHSCORES":
            raise CommandError(SYNTAX)
        if count > MOST_WITH_SCORES or count < -MOST_WITH_SCORES:
            raise CommandError(OUT_OF_RANGE)
        layout = FLAT
    zset = session.db.zset(args[1])
    if zset is None or count == 0:
        return []
    if count < 0:
        return repeated(zset, random, -count, layout)
    return different(zset, random, count, layout)


def repeated(zset: ZSet, random: Random, count: i64, layout: i64) -> object:
    """`count` random members, possibly repeated.  O(count)."""
    found = Picked(layout)
    table = zset.members
    if table is not None:
        for _ in range(count):
            table.seek_random(random)
            add_record(found, table)
        return found
    places = ranked.offsets(zset.blob, zset.start, zset.stop)
    for _ in range(count):
        add_packed(found, zset.blob, places[random.below(len(places))])
    return found


def different(zset: ZSet, random: Random, count: i64, layout: i64) -> object:
    """`count` different members, or all of them if there are not so many.  O(count), packed O(members)."""
    size = zset.count()
    if count >= size:
        return members_reply(zset, 0, size, False, layout)
    found = Picked(layout)
    table = zset.members
    if table is not None and count * SPARSE < size:
        for place in distinct_records(random, count, table):
            table.seek_index(place >> INDEX_BITS, place & INDEX_MASK)
            add_record(found, table)
        return found
    # Selection sampling: each member is chosen with probability (still needed) / (still left).
    span = zset.span(0, size)
    index: i64 = 0
    while count > 0:
        blob = span.blobs[index]
        at = span.begin(index)
        stop = span.end(index)
        while at < stop and count > 0:
            if random.below(size) < count:
                add_packed(found, blob, at)
                count -= 1
            size -= 1
            at = ranked.record_end(blob, at)
        index += 1
    return found


def add_record(found: Picked, table: Table) -> None:
    """Add the member at the table's position."""
    if table.is_outside():
        member = table.key()
        found.add(member, 0, len(member), found_score(table))
    else:
        found.add(table.blob(), table.offset + 1, table.value_start(), found_score(table))


def add_packed(found: Picked, blob: bytes, at: i64) -> None:
    """Add the packed member that begins there."""
    found.add(blob, ranked.member_start(blob, at), ranked.record_end(blob, at), ranked.score_of(blob, at))
