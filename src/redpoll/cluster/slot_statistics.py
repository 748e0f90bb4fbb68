"""Statistics of each slot for CLUSTER SLOT-STATS: processor time, bytes of requests and of replies.

They are kept while `cluster-slot-stats-enabled` is on.  The engine then calls `add` after each command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.vecs import vec
from mypy_extensions import i64

from redpoll.cluster.slot_sets import ALL_SLOTS, SLOT_COUNT, members
from redpoll.engine.command import Command
from redpoll.engine.command_log import request_bytes
from redpoll.engine.outliers import Measuring, reply_bytes
from redpoll.engine.session import Session

if TYPE_CHECKING:
    from redpoll.cluster.router import ClusterRouter

MULTI_BYTES: Final[i64] = 15
"""MULTI as a request.  It has no slot, so it counts for the slot of its EXEC."""


class SlotStatistics(Measuring):
    """See the module's docstring."""

    def __init__(self, router: ClusterRouter) -> None:
        self.router: Final = router
        self.on = False
        self.spent_us: vec[i64] = vec[i64]()
        self.received: vec[i64] = vec[i64]()
        self.sent: vec[i64] = vec[i64]()
        self.transaction_slot: i64 = -1
        """The slot of the running transaction, -1 if there is none ..."""
        self.replied: i64 = 0
        """... and the bytes of its replies so far."""
        self.reset()

    def switch(self, on: bool) -> None:
        """Begin or end to count.  What was counted stays."""
        self.on = on
        self.router.engine.outliers.measure_slots(self if on else None)

    def reset(self) -> None:
        """Begin again at 0."""
        self.spent_us = vec[i64]([0] * SLOT_COUNT)
        self.received = vec[i64]([0] * SLOT_COUNT)
        self.sent = vec[i64]([0] * SLOT_COUNT)

    def forget_others(self, slots: int) -> None:
        """Begin again at 0 for all slots outside a set, which other shards serve now."""
        if self.on:
            for slot in members(ALL_SLOTS & ~slots):
                self.spent_us[slot] = 0
                self.received[slot] = 0
                self.sent[slot] = 0

    def add(self, session: Session, command: Command, args: list[bytes], reply: object, usec: i64) -> None:
        """Count a command that ran."""
        if session.executing == 0 and self.router.engine.frozen > 0:
            # A call in a script counts with the command that runs the script.
            return
        ends = command.name == b"exec"
        slot = self.transaction_slot if ends else self.router.slot(command, args)
        if slot >= 0:
            sent = reply_bytes(reply, session.resp)
            self.received[slot] += request_bytes(args)
            if ends:
                # Its commands were counted one by one.
                self.received[slot] += MULTI_BYTES
            else:
                self.spent_us[slot] += usec
                if session.executing > 0:
                    # As in the reference, each command of a transaction counts all that is replied so far.
                    if self.transaction_slot < 0:
                        self.transaction_slot = slot
                        self.replied = len(str(session.executing)) + 3
                    self.replied += sent
                    sent = self.replied
            self.sent[slot] += sent
        if ends:
            self.transaction_slot = -1
