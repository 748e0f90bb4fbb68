"""SCAN, KEYS and RANDOMKEY.  Cursors stay valid while the table grows and shrinks."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.env.random import Random
from redpoll.errors import CommandError, unknown_type_name
from redpoll.keyspace.database import Database
from redpoll.keyspace.glob import Glob
from redpoll.structures.segment import KIND_MASK, KIND_SHIFT
from redpoll.structures.table_walk import Records, read_bucket, scan
from redpoll.types.kinds import TYPE_NAME

CURSORS: Final = 1 << 26
"""How many cursors there are: one for each hash."""


class TypeFilter:
    """SCAN's TYPE option: the name of a type, in any case.  Raises CommandError for another name."""

    def __init__(self, name: bytes | None) -> None:
        self.name: Final = name.lower() if name is not None else None
        if name is not None and self.name not in TYPE_NAME:
            raise CommandError(unknown_type_name(name))

    def fits(self, kind: i64) -> bool:
        return self.name is None or TYPE_NAME[kind] == self.name


def glob_or_none(pattern: bytes | None) -> Glob | None:
    return None if pattern is None or pattern == b"*" else Glob(pattern)


def scan_keys(db: Database, cursor: int, count: i64, glob: Glob | None, wanted: TypeFilter) -> tuple[i64, list[object]]:
    """The next cursor (0 at the end), and the keys of at least `count` records that match the filters.

    Expired keys among the matching ones are deleted.  O(count).
    """
    found = Records()
    # Plain integers, because a cursor may have 64 bits.
    position: i64 = cursor % CURSORS
    following: i64 = position
    while True:
        following = scan(db.table, following, found)
        if following == 0 or len(found.keys) >= count:
            break
    keys: list[object] = []
    now_ms = db.moment.now_ms
    hidden = db.moment.hidden
    for n in range(len(found.keys)):
        key = found.keys[n]
        if hidden.any and hidden.holds(key):
            continue
        if not wanted.fits(found.words[n] >> KIND_SHIFT & KIND_MASK) or (glob is not None and not glob.matches(key)):
            continue
        if found.deadlines[n] != 0 and found.deadlines[n] <= now_ms:
            db.peek(key, False)
        else:
            keys.append(key)
    return following, keys


def all_keys(db: Database, glob: Glob | None) -> list[object]:
    """The keys that match.  Expired keys are left out, but not deleted.  O(keys)."""
    keys: list[object] = []
    now_ms = db.moment.now_ms
    hidden = db.moment.hidden
    table = db.table
    for b in range(table.buckets):
        found = Records()
        read_bucket(table, b, found)
        for n in range(len(found.keys)):
            if found.deadlines[n] != 0 and found.deadlines[n] <= now_ms:
                continue
            if hidden.any and hidden.holds(found.keys[n]):
                continue
            if glob is None or glob.matches(found.keys[n]):
                keys.append(found.keys[n])
    return keys


def visible_keys(db: Database) -> i64:
    """The number of keys that clients see."""
    hidden = db.moment.hidden
    return db.table.size - hidden.keys_in(db.index) if hidden.any else db.table.size


def visible_timed(db: Database) -> i64:
    """The number of keys with a deadline that clients see."""
    hidden = db.moment.hidden
    return db.table.volatile - hidden.timed_in(db.index) if hidden.any else db.table.volatile


DRAWS: Final[i64] = 100


def random_key(db: Database, random: Random) -> bytes | None:
    """A random key, None if there is none.

    Deletes the expired keys that it draws.  If deleting is off and every key has a deadline, it returns the DRAWS-th
    key even if that has expired, because the search might never end.  Hidden keys are drawn again.
    """
    table = db.table
    left = DRAWS
    hidden = db.moment.hidden
    if hidden.any and visible_keys(db) <= 0:
        return None
    while table.seek_random(random):
        key = table.key()
        if hidden.any and hidden.holds(key):
            continue
        left -= 1
        if db.kind_of(key) >= 0 or (left <= 0 and table.volatile == table.size and not db.moment.deleting_expired):
            return key
    return None
