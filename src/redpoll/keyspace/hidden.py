"""The slots whose keys are hidden: they arrive from another node of the cluster, which still serves them.

Hidden keys are in the tables of their slots, but SCAN, KEYS, RANDOMKEY, DBSIZE and the digest leave them out, and they
neither expire nor are evicted.
"""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from redpoll.keyspace.slots import SLOTS, key_slot


@mypyc_attr(acyclic=True)
class Hidden:
    """See the module's docstring.  `any` is False while nothing is hidden."""

    def __init__(self) -> None:
        self.any = False
        self.flags: bytearray = bytearray()
        """1 for each hidden slot, else 0; empty until the first slot is hidden."""
        self.slots: list[int] = []
        """The hidden slots."""

    def holds(self, key: bytes) -> bool:
        """Whether a key is hidden.  O(length)."""
        return self.any and self.flags[key_slot(key)] != 0

    def hides(self, slot: i64) -> bool:
        """Whether the keys of a slot are hidden."""
        return self.any and self.flags[slot] != 0

    def hide(self, slots: list[int]) -> None:
        """Hide the keys of slots."""
        self._set(slots, 1)

    def show(self, slots: list[int]) -> None:
        """Hide the keys of these slots no longer."""
        self._set(slots, 0)

    def _set(self, slots: list[int], flag: int) -> None:
        if len(self.flags) == 0:
            self.flags = bytearray(int(SLOTS))
        for slot in slots:
            self.flags[slot] = flag
        self.slots = [slot for slot in range(int(SLOTS)) if self.flags[slot] != 0]
        self.any = len(self.slots) > 0
