"""Active expiry of hash fields."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.keyspace.database import Database
from redpoll.keyspace.events import DEL, HEXPIRED
from redpoll.structures.table import Table
from redpoll.structures.table_walk import due_within
from redpoll.types.hash import Hash


def expire_fields(db: Database, most: i64) -> i64:
    """Delete about `most` expired fields, and hashes that become empty; return how many fields.

    O(deleted + segments).  With a table for each slot, the search continues where it stopped.
    """
    if not db.slotted:
        return _expire_fields_in(db, db.table, most)
    done: i64 = 0
    tables = db.tables
    slot = tables.due(db.fields_expire_from, db.moment.now_ms)
    while slot >= 0 and done < most:
        done += _expire_fields_in(db, tables.tables[slot], most - done)
        db.fields_expire_from = slot if done >= most else slot + 1
        slot = tables.due(db.fields_expire_from, db.moment.now_ms)
    if slot < 0:
        db.fields_expire_from = 0
    return done


def _expire_fields_in(db: Database, table: Table, most: i64) -> i64:
    """`expire_fields` for one table."""
    keys: list[bytes] = []
    due_within(table, db.moment.now_ms, most, keys)
    done: i64 = 0
    hidden = db.moment.hidden
    for key in keys:
        if done >= most:
            break
        if hidden.any and hidden.holds(key):
            continue
        # An expired hash is deleted as a whole.
        if not db.is_past(key) and db.find(key):
            db.preserve()
            value = db.container()
            assert isinstance(value, Hash)
            fields = value.remove_due(most - done)
            done += len(fields)
            if len(fields) > 0:
                _write_back(db, key, value, fields)
    return done


def _write_back(db: Database, key: bytes, value: Hash, fields: list[bytes]) -> None:
    """Write a hash back that has lost the expired `fields`, and report it."""
    moment = db.moment
    emptied = value.is_empty()
    if emptied:
        db.discard(key)
    else:
        db.put_back(key, value)
    moment.expired_fields += len(fields)
    moment.listener.fields_expired(db.index, key, fields, emptied)
    if moment.interest != 0:
        moment.listener.changed(db.index, key, HEXPIRED)
        if emptied:
            moment.listener.changed(db.index, key, DEL)
