"""The slots whose keys are hidden: they arrive from another node of the cluster, which still serves them.

Hidden keys are in the tables of the databases, but SCAN, KEYS, RANDOMKEY, DBSIZE and the digest leave them out, and
they neither expire nor are evicted.  The keys of each hidden slot are counted by the difference that each command of
the link makes to the sizes of the tables, because a table does not know the slots of its keys.
"""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from redpoll.keyspace.slots import SLOTS, key_slot


@mypyc_attr(acyclic=True)
class Hidden:
    """See the module's docstring.  `any` is False while nothing is hidden."""

    def __init__(self) -> None:
        self.any = False
        self.flags: bytearray = bytearray(int(SLOTS))
        """1 for each hidden slot."""
        self.keys: dict[tuple[int, int], int] = {}
        """The keys of each hidden slot: (database, slot) to count."""
        self.timed: dict[tuple[int, int], int] = {}
        """Those of them that have a deadline."""

    def holds(self, key: bytes) -> bool:
        """Whether a key is hidden.  O(length)."""
        return self.any and self.flags[key_slot(key)] != 0

    def hides(self, slot: i64) -> bool:
        return self.any and self.flags[slot] != 0

    def hide(self, slots: list[int]) -> None:
        """Hide the keys of slots, which have none now."""
        for slot in slots:
            self.flags[slot] = 1
            self.any = True

    def show(self, slots: list[int]) -> None:
        """Hide the keys of these slots no longer."""
        for slot in slots:
            self.flags[slot] = 0
        self.forget(slots)
        self.any = any(self.flags)

    def forget(self, slots: list[int]) -> None:
        """The keys of these slots are gone, or not counted any more."""
        gone = set(slots)
        for place in [place for place in self.keys if place[1] in gone]:
            del self.keys[place]
        for place in [place for place in self.timed if place[1] in gone]:
            del self.timed[place]

    def add(self, db: i64, slot: i64, keys: i64, timed: i64) -> None:
        """A command has added so many keys to a hidden slot, and so many that have a deadline."""
        place = (int(db), int(slot))
        if keys != 0:
            self.keys[place] = self.keys.get(place, 0) + int(keys)
        if timed != 0:
            self.timed[place] = self.timed.get(place, 0) + int(timed)

    def keys_in(self, db: i64) -> i64:
        """The hidden keys of a database.  O(hidden slots)."""
        total = 0
        if self.any:
            for place, count in self.keys.items():
                if place[0] == db:
                    total += count
        return total

    def timed_in(self, db: i64) -> i64:
        """The hidden keys of a database that have a deadline."""
        total = 0
        if self.any:
            for place, count in self.timed.items():
                if place[0] == db:
                    total += count
        return total
