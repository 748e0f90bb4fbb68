"""Geo: places within a circle, a box or a polygon, as a reply or stored as another sorted set."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, OW, RO, UPDATE, one_key
from redpoll.catalogue.spec import DENYOOM, GEO, MOVABLEKEYS, READONLY, WRITE
from redpoll.catalogue.variable_keys import geo_store_keys
from redpoll.commands.geo import Coordinates, unit_of
from redpoll.engine.args import double, integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import (
    COUNT_NOT_ABOVE_0,
    GEO_ANY,
    GEO_HEIGHT,
    GEO_RADIUS,
    GEO_RADIUS_NEGATIVE,
    GEO_SIZE_NEGATIVE,
    GEO_TOO_FEW_VERTICES,
    GEO_VERTICES,
    GEO_WIDTH,
    GEORADIUS_STORE_WITH,
    GEOSEARCHSTORE_WITH,
    SYNTAX,
    CommandError,
    geo_by_missing,
    geo_from_missing,
    no_such_member,
)
from redpoll.keyspace.events import DEL, GEORADIUSSTORE, GEOSEARCHSTORE, Event
from redpoll.protocol.reply import Coordinate
from redpoll.types.geo_area import Box, Polygon, Shape, ranges_of
from redpoll.types.geo_walk import Places
from redpoll.types.geohash import bits_of, place_of
from redpoll.types.zset import ZSet

GREATEST_INT: Final[i64] = (1 << 31) - 1
UNORDERED: Final = 0
NEAREST_FIRST: Final = 1
FARTHEST_FIRST: Final = 2

OPTIONS: Final = "[WITHCOORD] [WITHDIST] [WITHHASH] [count-block: COUNT count:integer [ANY@6.2.0]] [order: ASC | DESC]"
STORES: Final = " [store: STORE storekey:key#1<key> | STOREDIST storedistkey:key#2<key>]"
UNIT: Final = "(unit: M | KM | FT | MI)"
PLACE_AND_SIZE: Final = "key#0 longitude:double latitude:double radius:double " + UNIT + " "
MEMBER_AND_SIZE: Final = "key#0 member radius:double " + UNIT + " "
SHAPES: Final = (
    "[from: FROMMEMBER member | FROMLONLAT (fromlonlat: longitude:double latitude:double)] "
    "(by: (circle: BYRADIUS radius:double (unit: M | KM | FT | MI)) | "
    "(box: BYBOX width:double height:double (unit: M | KM | FT | MI)) | "
    "(polygon: BYPOLYGON num-vertices:integer (vertices: longitude:double latitude:double) ...)@9.0.0) "
    "[order: ASC | DESC] [count-block: COUNT count:integer [ANY]] "
)


class Search:
    """The parsed arguments of a search.  `zset` is None if the key is missing."""

    def __init__(self, zset: ZSet | None, name: bytes) -> None:
        self.zset: Final = zset
        self.name: Final = name
        self.longitude: float = 0.0
        self.latitude: float = 0.0
        self.from_member = False
        self.from_place = False
        self.shape: Shape | None = None
        self.polygon = False
        self.box = False
        self.radius = -1.0
        self.width = 0.0
        self.height = 0.0
        self.unit = 1.0
        self.with_distance = False
        self.with_hash = False
        self.with_place = False
        self.any = False
        self.count: i64 = 0
        self.order: i64 = UNORDERED
        self.store: bytes | None = None
        self.store_distances = False

    # The centre and the shape.

    def start_from_member(self, member: bytes) -> None:
        """Search around a member.  Raises CommandError if the key exists but has no such member."""
        zset = self.zset
        self.from_member = True
        if zset is not None:
            if not zset.find(member):
                raise CommandError(no_such_member(member))
            place = place_of(zset.score)
            self.longitude = place.longitude
            self.latitude = place.latitude

    def start_from_place(self, longitude: bytes, latitude: bytes) -> None:
        """Search around a place."""
        where = Coordinates(longitude, latitude)
        self.from_place = True
        self.longitude = where.longitude
        self.latitude = where.latitude

    def set_radius(self, word: bytes, unit: bytes) -> None:
        """Search within a radius."""
        radius = double(word, GEO_RADIUS)
        if radius < 0.0:
            raise CommandError(GEO_RADIUS_NEGATIVE)
        self.unit = unit_of(unit)
        self.radius = radius * self.unit

    def set_box(self, width_word: bytes, height_word: bytes, unit: bytes) -> None:
        """Search within a box."""
        width = double(width_word, GEO_WIDTH)
        height = double(height_word, GEO_HEIGHT)
        if width < 0.0 or height < 0.0:
            raise CommandError(GEO_SIZE_NEGATIVE)
        self.unit = unit_of(unit)
        self.box = True
        self.width = width * self.unit
        self.height = height * self.unit

    def read_polygon(self, args: list[bytes], at: i64) -> i64:
        """Search within the polygon at index `at`; the index after it."""
        vertices = integer(args[at], GEO_VERTICES)
        if vertices > GREATEST_INT or vertices < -GREATEST_INT - 1:
            raise CommandError(GEO_VERTICES)
        if vertices < 3 or vertices > (len(args) - at - 1) // 2:
            raise CommandError(GEO_TOO_FEW_VERTICES)
        longitudes: list[float] = []
        latitudes: list[float] = []
        at += 1
        for _ in range(vertices):
            where = Coordinates(args[at], args[at + 1])
            longitudes.append(where.longitude)
            latitudes.append(where.latitude)
            at += 2
        self.polygon = True
        self.unit = 1.0
        self.shape = Polygon(longitudes, latitudes)
        return at

    # Options.

    def read_options(self, args: list[bytes], at: i64, searching: bool, storing: bool) -> None:
        """Read the options of GEOSEARCH or GEORADIUS from index `at` on.

        With `storing`, GEOSEARCH takes STOREDIST alone, GEORADIUS takes STORE and STOREDIST with a key.
        """
        count: i64 = len(args)
        while at < count:
            word = args[at].upper()
            left = count - at - 1
            if word == b"WITHDIST":
                self.with_distance = True
            elif word == b"WITHHASH":
                self.with_hash = True
            elif word == b"WITHCOORD":
                self.with_place = True
            elif word == b"ANY":
                self.any = True
            elif word == b"ASC":
                self.order = NEAREST_FIRST
            elif word == b"DESC":
                self.order = FARTHEST_FIRST
            elif word == b"COUNT" and left > 0:
                at += 1
                self.count = integer(args[at])
                if self.count <= 0:
                    raise CommandError(COUNT_NOT_ABOVE_0)
            elif searching:
                at = self.read_search_option(word, args, at, left, storing)
            elif storing and (word == b"STORE" or word == b"STOREDIST") and left > 0:
                at += 1
                self.store = args[at]
                self.store_distances = word == b"STOREDIST"
            else:
                raise CommandError(SYNTAX)
            at += 1

    def read_search_option(self, word: bytes, args: list[bytes], at: i64, left: i64, storing: bool) -> i64:
        """Read an option of GEOSEARCH; return the index of its last argument."""
        by_size = self.box or self.radius >= 0.0
        if word == b"FROMMEMBER" and left > 0 and not self.from_place and not self.polygon:
            self.start_from_member(args[at + 1])
            return at + 1
        if word == b"FROMLONLAT" and left > 1 and not self.from_member and not self.polygon:
            self.start_from_place(args[at + 1], args[at + 2])
            return at + 2
        if word == b"BYRADIUS" and left > 1 and not self.box and not self.polygon:
            self.set_radius(args[at + 1], args[at + 2])
            return at + 2
        if word == b"BYBOX" and left > 2 and self.radius < 0.0 and not self.polygon:
            self.set_box(args[at + 1], args[at + 2], args[at + 3])
            return at + 3
        if word == b"BYPOLYGON" and left > 0 and not by_size and not self.from_member and not self.from_place:
            return self.read_polygon(args, at + 1) - 1
        if word == b"STOREDIST" and storing:
            self.store_distances = True
            return at
        raise CommandError(SYNTAX)

    def check(self, searching: bool) -> None:
        """Complain of contradicting or missing options, and fill in the defaults."""
        if self.store is not None and (self.with_distance or self.with_hash or self.with_place):
            raise CommandError(GEOSEARCHSTORE_WITH if searching else GEORADIUS_STORE_WITH)
        if searching:
            if not (self.from_member or self.from_place or self.polygon):
                raise CommandError(geo_from_missing(self.name))
            if not (self.radius >= 0.0 or self.box or self.polygon):
                raise CommandError(geo_by_missing(self.name))
        if self.any and self.count == 0:
            raise CommandError(GEO_ANY)
        if self.count > 0 and self.order == UNORDERED and not self.any:
            self.order = NEAREST_FIRST

    # Finding.

    def find(self, zset: ZSet | None) -> Places:
        """The places asked for, in the order asked for.  O(log n + places in the cells searched)."""
        found = Places(self.count if self.any else i64(0))
        if zset is None:
            return found
        shape = self.shape
        if shape is None:
            if self.box:
                shape = Box(self.longitude, self.latitude, self.width, self.height)
            else:
                shape = Shape(self.longitude, self.latitude, self.radius)
        for scores in ranges_of(shape):
            found.add_from(zset.span_between(scores.low, scores.high), shape, scores.low, scores.high)
            if found.is_full():
                break
        if self.order != UNORDERED:
            found.sort(self.order == FARTHEST_FIRST)
        if 0 < self.count < found.count():
            found.cut(self.count)
        return found

    def reply(self, found: Places) -> list[object]:
        """The places as a reply."""
        items: list[object] = []
        plain = not (self.with_distance or self.with_hash or self.with_place)
        count = found.found()
        rank: i64 = 0
        while rank < count:
            index = found.at(rank)
            rank += 1
            member = found.members[index]
            if plain:
                items.append(member)
                continue
            item: list[object] = [member]
            if self.with_distance:
                item.append(found.distance_text(index, self.unit))
            if self.with_hash:
                item.append(bits_of(found.scores[index]))
            if self.with_place:
                where = place_of(found.scores[index])
                item.append([Coordinate(where.longitude), Coordinate(where.latitude)])
            items.append(item)
        return items


def answer(session: Session, search: Search, event: Event) -> object:
    """Reply with the places, or store them and reply how many they are."""
    zset = search.zset
    found = search.find(zset)
    target = search.store
    if target is None:
        return search.reply(found)
    db = session.db
    there = db.discard(target)
    count = found.found()
    if count == 0:
        if there:
            session.changed(target, None, DEL, 1)
        return 0
    made = ZSet()
    rank: i64 = 0
    while rank < count:
        index = found.at(rank)
        score = found.exact_metres(index) / search.unit if search.store_distances else found.scores[index]
        made.put(found.members[index], score, db.moment.limits)
        rank += 1
    session.changed(target, made, event, count)
    return count


def radius_search(session: Session, args: list[bytes], storing: bool) -> object:
    """GEORADIUS and GEORADIUS_RO."""
    search = Search(session.db.zset(args[1]), args[0])
    search.start_from_place(args[2], args[3])
    search.set_radius(args[4], args[5])
    search.read_options(args, 6, False, storing)
    search.check(False)
    return answer(session, search, GEORADIUSSTORE)


def member_search(session: Session, args: list[bytes], storing: bool) -> object:
    """GEORADIUSBYMEMBER and GEORADIUSBYMEMBER_RO.  If the key is missing, neither member nor radius is checked."""
    search = Search(session.db.zset(args[1]), args[0])
    if search.zset is not None:
        search.start_from_member(args[2])
        search.set_radius(args[3], args[4])
    search.read_options(args, 5, False, storing)
    search.check(False)
    return answer(session, search, GEORADIUSSTORE)


@command(
    "georadius", arity=-6, flags=WRITE | DENYOOM | MOVABLEKEYS, acl=GEO, keys=geo_store_keys(6), group="geo",
    arguments=PLACE_AND_SIZE + OPTIONS + STORES,
    since="3.2.0", complexity="O(places in the cells searched + log n)",
    summary="Find the places within a radius around a position; return or store them.",
)  # fmt: skip
def georadius(session: Session, args: list[bytes]) -> object:
    return radius_search(session, args, True)


@command(
    "georadius_ro", arity=-6, flags=READONLY, acl=GEO, keys=one_key(RO | ACCESS), group="geo",
    arguments=PLACE_AND_SIZE + OPTIONS,
    since="3.2.10", complexity="O(places in the cells searched + log n)",
    summary="Return the places within a radius around a position.",
)  # fmt: skip
def georadius_ro(session: Session, args: list[bytes]) -> object:
    return radius_search(session, args, False)


@command(
    "georadiusbymember", arity=-5, flags=WRITE | DENYOOM | MOVABLEKEYS, acl=GEO, keys=geo_store_keys(5), group="geo",
    arguments=MEMBER_AND_SIZE + OPTIONS.replace("[ANY@6.2.0]", "[ANY]") + STORES,
    since="3.2.0", complexity="O(places in the cells searched + log n)",
    summary="Find the places within a radius around a member; return or store them.",
)  # fmt: skip
def georadiusbymember(session: Session, args: list[bytes]) -> object:
    return member_search(session, args, True)


@command(
    "georadiusbymember_ro", arity=-5, flags=READONLY, acl=GEO, keys=one_key(RO | ACCESS), group="geo",
    arguments=MEMBER_AND_SIZE + OPTIONS.replace("[ANY@6.2.0]", "[ANY]"),
    since="3.2.10", complexity="O(places in the cells searched + log n)",
    summary="Return the places within a radius around a member.",
)  # fmt: skip
def georadiusbymember_ro(session: Session, args: list[bytes]) -> object:
    return member_search(session, args, False)


@command(
    "geosearch", arity=-7, flags=READONLY, acl=GEO, keys=one_key(RO | ACCESS), group="geo",
    arguments="key#0 " + SHAPES + "[WITHCOORD] [WITHDIST] [WITHHASH]",
    since="6.2.0", complexity="O(places in the cells searched + log n)",
    summary="Return the places within a circle, a box or a polygon.",
)  # fmt: skip
def geosearch(session: Session, args: list[bytes]) -> object:
    search = Search(session.db.zset(args[1]), args[0])
    search.read_options(args, 2, True, False)
    search.check(True)
    return answer(session, search, GEOSEARCHSTORE)


@command(
    "geosearchstore", arity=-8, flags=WRITE | DENYOOM, acl=GEO,
    keys=one_key(OW | UPDATE) + one_key(RO | ACCESS, 2), group="geo",
    arguments="destination#0 source#1 " + SHAPES + "[STOREDIST]",
    since="6.2.0", complexity="O(places in the cells searched + log n), and to store them",
    summary="Store the places within a circle, a box or a polygon; return how many.",
)  # fmt: skip
def geosearchstore(session: Session, args: list[bytes]) -> object:
    search = Search(session.db.zset(args[2]), args[0])
    search.store = args[1]
    search.read_options(args, 3, True, True)
    search.check(True)
    return answer(session, search, GEOSEARCHSTORE)
