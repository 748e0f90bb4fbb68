"""SCAN, KEYS and RANDOMKEY.  Cursors stay valid while the table grows and shrinks."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.env.random import Random
from redpoll.errors import CommandError, unknown_type_name
from redpoll.keyspace.database import Database
from redpoll.keyspace.glob import Glob
from redpoll.keyspace.slots import SLOT_BITS, SLOTS, pattern_slot
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


def slot_of_matches(db: Database, pattern: bytes | None) -> i64:
    """The slot of all keys that match the pattern, if that is known and helps; else -1."""
    return pattern_slot(pattern) if db.slotted and pattern is not None else i64(-1)


def glob_or_none(pattern: bytes | None) -> Glob | None:
    return None if pattern is None or pattern == b"*" else Glob(pattern)


def scan_keys(
    db: Database, cursor: int, count: i64, glob: Glob | None, wanted: TypeFilter, only: i64 = -1
) -> tuple[i64, list[object]]:
    """The next cursor (0 at the end), and the keys of at least `count` records that match the filters.

    Expired keys among the matching ones are deleted.  `only`: the slot of all keys that match, -1 if there may be
    several.  O(count).
    """
    found = Records()
    following = scan_slots(db, cursor, count, only, found) if db.slotted else scan_table(db, cursor, count, found)
    return following, chosen_keys(db, found, glob, wanted)


def scan_table(db: Database, cursor: int, count: i64, found: Records) -> i64:
    """Add at least `count` records of the single table to `found`; return the next cursor."""
    # Plain integers, because a cursor may have 64 bits.
    following: i64 = cursor % CURSORS
    while True:
        following = scan(db.table, following, found)
        if following == 0 or len(found.keys) >= count:
            return following


def scan_slots(db: Database, cursor: int, count: i64, only: i64, found: Records) -> i64:
    """`scan_table` with a table for each slot."""
    last = SLOTS - 1
    if only >= 0:
        slot = cursor % int(SLOTS)
        if slot > int(only):
            return 0
        if slot < int(only):
            cursor = int(only)
        last = only
    following = scan_run(db, cursor, last, count, found)
    return following if following >= 0 else i64(0)


def scan_run(db: Database, cursor: int, last: i64, count: i64, found: Records) -> i64:
    """Add at least `count` records of the slots up to `last` to `found`; return the next cursor, -1 after the last.

    The low bits of a cursor are the slot, as in the reference; the others are the cursor of the slot's table.
    """
    tables = db.tables
    slot: i64 = cursor % int(SLOTS)
    position: i64 = (cursor >> SLOT_BITS) % CURSORS
    while 0 <= slot <= last:
        if tables.tables[slot] is not tables.absent:
            position = scan(tables.tables[slot], position, found)
        else:
            position = 0
        if position == 0:
            slot = tables.following(slot + 1)
        if len(found.keys) >= count and 0 <= slot <= last:
            return position << SLOT_BITS | slot
    return -1


def chosen_keys(db: Database, found: Records, glob: Glob | None, wanted: TypeFilter) -> list[object]:
    """The keys among the records that match the filters.  Expired ones are deleted instead."""
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
    return keys


def all_keys(db: Database, glob: Glob | None, only: i64 = -1) -> list[object]:
    """The keys that match.  Expired keys are left out, but not deleted.  `only` as in `scan_keys`.  O(keys)."""
    keys: list[object] = []
    now_ms = db.moment.now_ms
    hidden = db.moment.hidden
    tables = db.tables_of(only, only) if db.slotted and only >= 0 else db.tables.existing()
    for table in tables:
        if hidden.hides(table.slot):
            continue
        for b in range(table.buckets):
            found = Records()
            read_bucket(table, b, found)
            for n in range(len(found.keys)):
                if found.deadlines[n] != 0 and found.deadlines[n] <= now_ms:
                    continue
                if glob is None or glob.matches(found.keys[n]):
                    keys.append(found.keys[n])
    return keys


def visible_keys(db: Database) -> i64:
    """The number of keys that clients see.  O(hidden slots)."""
    count = db.tables.size()
    for slot in db.moment.hidden.slots:
        count -= db.count_in_slot(slot)
    return count


def visible_timed(db: Database) -> i64:
    """The number of keys with a deadline that clients see.  O(hidden slots)."""
    count = db.tables.volatile()
    for slot in db.moment.hidden.slots:
        count -= db.tables.tables[slot].volatile
    return count


def visible_volatile_items(db: Database) -> i64:
    """The number of keys that clients see whose values have deadlines of their own.  O(hidden slots)."""
    count = db.tables.volatile_items()
    for slot in db.moment.hidden.slots:
        count -= db.tables.tables[slot].volatile_items
    return count


def visible_mean_ttl_ms(db: Database) -> i64:
    """`Database.mean_ttl_ms`, or 0 if clients see no key with a deadline."""
    return db.mean_ttl_ms() if visible_timed(db) > 0 else i64(0)


DRAWS: Final[i64] = 100


def random_key(db: Database, random: Random) -> bytes | None:
    """A random key, None if there is none.

    Deletes the expired keys that it draws.  If deleting is off and every key has a deadline, it returns the DRAWS-th
    key even if that has expired, because the search might never end.  Hidden keys are drawn again.
    """
    left = DRAWS
    hidden = db.moment.hidden
    tables = db.tables
    while visible_keys(db) > 0:
        table = tables.drawn(random, False)
        table.seek_random(random)
        key = table.key()
        if hidden.any and hidden.holds(key):
            continue
        left -= 1
        if db.kind_of(key) >= 0:
            return key
        if left <= 0 and tables.volatile() == tables.size() and not db.moment.deleting_expired:
            return key
    return None
