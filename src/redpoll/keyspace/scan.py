"""Keys that nobody named: SCAN (cursors stay true while the table grows and shrinks), KEYS, RANDOMKEY."""

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
    """SCAN's TYPE: a type's name in any case; CommandError for a name that is no type."""

    def __init__(self, name: bytes | None) -> None:
        self.name: Final = name.lower() if name is not None else None
        if name is not None and self.name not in TYPE_NAME:
            raise CommandError(unknown_type_name(name))

    def fits(self, kind: i64) -> bool:
        return self.name is None or TYPE_NAME[kind] == self.name


def glob_or_none(pattern: bytes | None) -> Glob | None:
    return None if pattern is None or pattern == b"*" else Glob(pattern)


def scan_keys(db: Database, cursor: int, count: i64, glob: Glob | None, wanted: TypeFilter) -> tuple[i64, list[object]]:
    """The next cursor (0 at the end) and the keys of at least `count` records, as far as they fit the filters.

    Those of them that are past their deadline are deleted.  O(count).
    """
    found = Records()
    # In plain integers: a cursor may have 64 bits.
    position: i64 = cursor % CURSORS
    following: i64 = position
    while True:
        following = scan(db.table, following, found)
        if following == 0 or len(found.keys) >= count:
            break
    keys: list[object] = []
    now_ms = db.moment.now_ms
    for n in range(len(found.keys)):
        key = found.keys[n]
        if not wanted.fits(found.words[n] >> KIND_SHIFT & KIND_MASK) or (glob is not None and not glob.matches(key)):
            continue
        if found.deadlines[n] != 0 and found.deadlines[n] <= now_ms:
            db.peek(key, False)
        else:
            keys.append(key)
    return following, keys


def all_keys(db: Database, glob: Glob | None) -> list[object]:
    """The keys that match; those past their deadline are left out and not deleted.  O(keys)."""
    keys: list[object] = []
    now_ms = db.moment.now_ms
    table = db.table
    for b in range(table.buckets):
        found = Records()
        read_bucket(table, b, found)
        for n in range(len(found.keys)):
            if found.deadlines[n] != 0 and found.deadlines[n] <= now_ms:
                continue
            if glob is None or glob.matches(found.keys[n]):
                keys.append(found.keys[n])
    return keys


DRAWS: Final[i64] = 100


def random_key(db: Database, random: Random) -> bytes | None:
    """A key, each as likely as any other; None if there is none.

    Keys past their deadline that are drawn are deleted.  Where that is held back and every key has a deadline, the
    DRAWS-th is told though it may be past it: searching on could take for ever.
    """
    table = db.table
    left = DRAWS
    while table.seek_random(random):
        key = table.key()
        left -= 1
        if db.kind_of(key) >= 0 or (left <= 0 and table.volatile == table.size and not db.moment.deleting_expired):
            return key
    return None
