"""Geo: places as members of a sorted set, their coordinates, hashes and distances.  `geo_search.py` finds them."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, RO, RW, UPDATE, one_key
from redpoll.catalogue.spec import DENYOOM, GEO, READONLY, WRITE
from redpoll.commands.zsets import longest_member
from redpoll.engine.args import Args, double
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import GEO_UNIT, SYNTAX, CommandError, place_out_of_range
from redpoll.keyspace.events import ZADD
from redpoll.protocol.numbers import format_double
from redpoll.protocol.reply import NULL_ARRAY, Coordinate
from redpoll.types.geohash import (
    MOST_LATITUDE,
    MOST_LONGITUDE,
    distance_text,
    geohash_text,
    place_of,
    score_of,
)
from redpoll.types.value import CREATED
from redpoll.types.zset import ADDED, MOVED, ONLY_NEW, ONLY_OLD


def unit_of(word: bytes) -> float:
    """Metres of a unit, in any case."""
    unit = word.lower()
    if unit == b"m":
        return 1.0
    if unit == b"km":
        return 1000.0
    if unit == b"ft":
        return 0.3048
    if unit == b"mi":
        return 1609.34
    raise CommandError(GEO_UNIT)


class Coordinates:
    """Longitude and latitude as a client sends them, within the limits."""

    def __init__(self, longitude: bytes, latitude: bytes) -> None:
        self.longitude: float = double(longitude)
        self.latitude: float = double(latitude)
        if not (
            -MOST_LONGITUDE <= self.longitude <= MOST_LONGITUDE and -MOST_LATITUDE <= self.latitude <= MOST_LATITUDE
        ):
            raise CommandError(place_out_of_range(self.longitude, self.latitude))


@command(
    "geoadd", arity=-5, flags=WRITE | DENYOOM, acl=GEO, keys=one_key(RW | UPDATE), group="geo",
    arguments="key#0 [condition: NX | XX]@6.2.0 [change: CH]@6.2.0 "
              "(data: longitude:double latitude:double member) ...",
    since="3.2.0", complexity="O(log n) for each place",
    summary="Add or move places in a geo index; return how many are new.",
)  # fmt: skip
def geoadd(session: Session, args: list[bytes]) -> object:
    condition: i64 = 0
    ch = False
    cursor = Args(args, 2)
    while cursor.left() > 0:
        word = cursor.args[cursor.at].upper()
        if word == b"NX":
            condition |= ONLY_NEW
        elif word == b"XX":
            condition |= ONLY_OLD
        elif word == b"CH":
            ch = True
        else:
            break
        cursor.at += 1
    first = cursor.at
    count: i64 = len(args)
    if (count - first) % 3 != 0 or condition == ONLY_NEW | ONLY_OLD:
        raise CommandError(SYNTAX)
    effect = [b"ZADD", args[1], *args[2:first]]
    scores: list[float] = []
    i = first
    while i < count:
        where = Coordinates(args[i], args[i + 1])
        score = score_of(where.longitude, where.latitude)
        scores.append(score)
        effect.append(format_double(score))
        effect.append(args[i + 2])
        i += 3
    key = args[1]
    zset = session.db.zset_to_change(key, condition & ONLY_OLD == 0)
    if zset is None:
        return 0
    limits = session.db.moment.limits
    kind = zset.kind
    zset.expect(len(scores), longest_member(args, first + 2, 3), limits)
    added: i64 = 0
    moved: i64 = 0
    i = 0
    while i < len(scores):
        outcome = zset.put(args[first + i * 3 + 2], scores[i], limits, condition)
        if outcome == ADDED:
            added += 1
        elif outcome == MOVED:
            moved += 1
        i += 1
    session.journal_as(effect)
    if added + moved > 0:
        session.changed(key, zset, ZADD, added + moved)
    elif zset.kind != kind and zset.home != CREATED:
        session.db.put_back(key, zset)
    return added + moved if ch else added


@command(
    "geopos", arity=-2, flags=READONLY, acl=GEO, keys=one_key(RO | ACCESS), group="geo",
    arguments="key#0 [member ...]",
    since="3.2.0", complexity="O(1) for each member", summary="Return the longitude and latitude of places.",
)  # fmt: skip
def geopos(session: Session, args: list[bytes]) -> object:
    zset = session.db.zset(args[1])
    found: list[object] = []
    for member in args[2:]:
        if zset is not None and zset.find(member):
            place = place_of(zset.score)
            found.append([Coordinate(place.longitude), Coordinate(place.latitude)])
        else:
            found.append(NULL_ARRAY)
    return found


@command(
    "geohash", arity=-2, flags=READONLY, acl=GEO, keys=one_key(RO | ACCESS), group="geo",
    arguments="key#0 [member ...]",
    since="3.2.0", complexity="O(1) for each member", summary="Return places as geohash texts of 11 characters.",
)  # fmt: skip
def geohash(session: Session, args: list[bytes]) -> object:
    zset = session.db.zset(args[1])
    found: list[object] = []
    for member in args[2:]:
        found.append(geohash_text(zset.score) if zset is not None and zset.find(member) else None)
    return found


@command(
    "geodist", arity=-4, flags=READONLY, acl=GEO, keys=one_key(RO | ACCESS), group="geo",
    arguments="key#0 member1 member2 [unit: M | KM | FT | MI]",
    since="3.2.0", complexity="O(1)", summary="Return the distance between two places.",
)  # fmt: skip
def geodist(session: Session, args: list[bytes]) -> object:
    unit = 1.0
    if len(args) == 5:
        unit = unit_of(args[4])
    elif len(args) > 5:
        raise CommandError(SYNTAX)
    zset = session.db.zset(args[1])
    if zset is None or not zset.find(args[2]):
        return None
    place = place_of(zset.score)
    if not zset.find(args[3]):
        return None
    other = place_of(zset.score)
    return distance_text(place.distance_to(other.longitude, other.latitude), unit)
