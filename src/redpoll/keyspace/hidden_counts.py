"""Counts the hidden keys that commands add and remove (`hidden.py`)."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.keyspace.database import Database
from redpoll.keyspace.slots import key_slot
from redpoll.structures.table_walk import Records, read_bucket


@mypyc_attr(acyclic=True)
class HiddenCounts:
    """Call `begin` before a command, and `end` after it."""

    def __init__(self, databases: list[Database]) -> None:
        self.databases: Final = databases
        self.keys: list[int] = []
        self.timed: list[int] = []

    def begin(self) -> None:
        """A command is about to run."""
        self.keys = [int(db.table.size) for db in self.databases]
        self.timed = [int(db.table.volatile) for db in self.databases]

    def end(self, slot: i64) -> None:
        """It has run; its keys are in this slot."""
        databases = self.databases
        if slot < 0 or not databases[0].moment.hidden.hides(slot):
            return
        for n in range(len(databases)):
            db = databases[n]
            db.moment.hidden.add(db.index, slot, db.table.size - self.keys[n], db.table.volatile - self.timed[n])


def recount_hidden(databases: list[Database]) -> None:
    """Count the hidden keys of all databases anew, after a load.  O(keys)."""
    hidden = databases[0].moment.hidden
    hidden.keys.clear()
    hidden.timed.clear()
    for db in databases:
        table = db.table
        for b in range(table.buckets):
            records = Records()
            read_bucket(table, b, records)
            for n in range(len(records.keys)):
                slot = key_slot(records.keys[n])
                if hidden.hides(slot):
                    hidden.add(db.index, slot, 1, 1 if records.deadlines[n] != 0 else 0)
