"""SSCAN, HSCAN and ZSCAN: iterate over a collection in several calls with a cursor.

A collection that the reference keeps packed is returned in one reply, whatever the cursor.  The cursor of a table is a
position in the order of hashes (`structures/table_walk.py`).  Therefore an item that exists from the first call to the
last is returned, even if the table grows or shrinks.  If the table is packed in between, the next call returns all of
it.

ZSCAN writes the scores of a large sorted set with 17 digits, as the reference does for a skip list.  It writes the
scores of a packed sorted set like every other command.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, RO, one_key
from redpoll.catalogue.spec import HASH, READONLY, SORTEDSET
from redpoll.catalogue.spec import SET as SET_CATEGORY
from redpoll.commands.scan_options import ScanOptions, scan_cursor
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.keyspace.scan import CURSORS
from redpoll.protocol.numbers import digits_of, int_text, parse_double
from redpoll.structures.members import recorded_score
from redpoll.structures.table import Table
from redpoll.structures.table_walk import Records, scan
from redpoll.types.field_records import value_of
from redpoll.types.kinds import HASH_HASHTABLE, HASH_VOLATILE, SET_HASHTABLE, ZSET_SKIPLIST
from redpoll.types.value import Value

ALONE: Final = 0
WITH_VALUE: Final = 1
WITH_SCORE: Final = 2


def scanned(session: Session, cursor: int, value: Value | None, args: list[bytes], name: bytes) -> object:
    """The reply to a scan of `value`.  None stands for a missing key; the options are then not read."""
    if value is None:
        return [b"0", []]
    options = ScanOptions(args, 3, name)
    found: list[object] = []
    table = value.inner()
    kind = value.kind
    fields = kind == HASH_HASHTABLE or kind == HASH_VOLATILE
    if table is None or (kind != SET_HASHTABLE and kind != ZSET_SKIPLIST and not fields):
        add_all(value, options, found)
        return [b"0", found]
    records = Records()
    following: i64 = cursor % CURSORS
    while True:
        following = scan(table, following, records, kind != SET_HASHTABLE)
        if following == 0 or len(records.keys) >= options.count:
            break
    add_records(table, records, fields, options, session.db.moment.now_ms, found)
    return [int_text(following), found]


def add_all(value: Value, options: ScanOptions, found: list[object]) -> None:
    """Add all items that match."""
    rows = value.rows()
    width = value.row_width()
    glob = options.glob
    at: i64 = 0
    count: i64 = len(rows)
    while at < count:
        if glob is None or glob.matches(rows[at]):
            found.append(rows[at])
            if width == 2 and not options.bare:
                text = rows[at + 1]
                found.append(digits_of(parse_double(text)) if value.kind == ZSET_SKIPLIST else text)
        at += width


def add_records(
    table: Table, records: Records, fields: bool, options: ScanOptions, now_ms: i64, found: list[object]
) -> None:
    """Add the items of these records that match.  Expired fields are left out."""
    glob = options.glob
    told = ALONE if options.bare or len(records.values) == 0 else WITH_VALUE if fields else WITH_SCORE
    for n in range(len(records.keys)):
        key = records.keys[n]
        deadline = records.deadlines[n]
        if (deadline != 0 and deadline <= now_ms) or (glob is not None and not glob.matches(key)):
            continue
        found.append(key)
        if told == WITH_VALUE:
            found.append(value_of(records, n))
        elif told == WITH_SCORE:
            found.append(digits_of(recorded_score(records, n)))


@command(
    "sscan", arity=-3, flags=READONLY, acl=SET_CATEGORY, keys=one_key(RO | ACCESS), group="set",
    tips="nondeterministic_output",
    arguments="key#0 cursor:integer [MATCH pattern:pattern] [COUNT count:integer]",
    since="2.8.0", complexity="O(1) for each call, O(members) for a whole walk",
    summary="Iterate over the members of a set, a few with each call.",
)  # fmt: skip
def sscan(session: Session, args: list[bytes]) -> object:
    cursor = scan_cursor(args[2])
    return scanned(session, cursor, session.db.members(args[1]), args, b"SSCAN")


@command(
    "hscan", arity=-3, flags=READONLY, acl=HASH, keys=one_key(RO | ACCESS), group="hash",
    tips="nondeterministic_output",
    arguments="key#0 cursor:integer [MATCH pattern:pattern] [COUNT count:integer] [NOVALUES]",
    since="2.8.0", complexity="O(1) for each call, O(fields) for a whole walk",
    summary="Iterate over the fields of a hash, a few with each call.",
)  # fmt: skip
def hscan(session: Session, args: list[bytes]) -> object:
    cursor = scan_cursor(args[2])
    return scanned(session, cursor, session.db.hash(args[1]), args, b"HSCAN")


@command(
    "zscan", arity=-3, flags=READONLY, acl=SORTEDSET, keys=one_key(RO | ACCESS), group="sorted-set",
    tips="nondeterministic_output",
    arguments="key#0 cursor:integer [MATCH pattern:pattern] [COUNT count:integer] [NOSCORES]",
    since="2.8.0", complexity="O(1) for each call, O(members) for a whole walk",
    summary="Iterate over the members of a sorted set, a few with each call.",
)  # fmt: skip
def zscan(session: Session, args: list[bytes]) -> object:
    cursor = scan_cursor(args[2])
    return scanned(session, cursor, session.db.zset(args[1]), args, b"ZSCAN")
