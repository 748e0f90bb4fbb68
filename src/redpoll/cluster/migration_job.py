"""One migration of slots between two nodes: what moves, between whom, and how far it is.

    export  connecting ─▶ (sending-auth-command ─▶ reading-auth-response ─▶) sending-establish-command
            ─▶ reading-establish-response ─▶ waiting-to-snapshot ─▶ snapshotting ─▶ replicating
            ─▶ (waiting-to-pause ─▶) failover-paused ─▶ failover-granted ─▶ success
    import  waiting-for-ack ─▶ receiving-snapshot ─▶ waiting-for-paused ─▶ failover-requested ─▶ failover-granted
            ─▶ success
    on a replica of the target: occurring-on-primary ─▶ success

Each state before the last one can end in `failed` (an import: by way of `cleaning-up`), and an export in `cancelled`.
Source: spec/cluster.md, section 14.
"""

from __future__ import annotations

from typing import Final

from redpoll.cluster.slot_sets import span

CONNECTING: Final = b"connecting"
SENDING_AUTH: Final = b"sending-auth-command"
READING_AUTH: Final = b"reading-auth-response"
SENDING_ESTABLISH: Final = b"sending-establish-command"
READING_ESTABLISH: Final = b"reading-establish-response"
WAITING_TO_SNAPSHOT: Final = b"waiting-to-snapshot"
SNAPSHOTTING: Final = b"snapshotting"
REPLICATING: Final = b"replicating"
WAITING_TO_PAUSE: Final = b"waiting-to-pause"
FAILOVER_PAUSED: Final = b"failover-paused"
FAILOVER_GRANTED: Final = b"failover-granted"

WAITING_FOR_ACK: Final = b"waiting-for-ack"
RECEIVING_SNAPSHOT: Final = b"receiving-snapshot"
WAITING_FOR_PAUSED: Final = b"waiting-for-paused"
FAILOVER_REQUESTED: Final = b"failover-requested"
CLEANING_UP: Final = b"cleaning-up"

OCCURRING_ON_PRIMARY: Final = b"occurring-on-primary"

SUCCESS: Final = b"success"
FAILED: Final = b"failed"
CANCELLED: Final = b"cancelled"

ENDED: Final = (SUCCESS, FAILED, CANCELLED)
HANDSHAKE: Final = (CONNECTING, SENDING_AUTH, READING_AUTH, SENDING_ESTABLISH, READING_ESTABLISH)
"""The states of an export before the target has accepted it."""

EXPORT: Final = 0
IMPORT: Final = 1
TRACKED: Final = 2
"""An import of our primary, on its replica or in its append-only file."""


class Job:
    """See the module's docstring.  Times are ms of the steady clock."""

    def __init__(self, name: bytes, kind: int, ranges: list[tuple[int, int]], now: int) -> None:
        self.name: Final = name
        self.kind: Final = kind
        self.ranges: Final = ranges
        self.slots: Final = joined(ranges)
        self.source = b""
        """The names of both nodes; empty if they are not known (TRACKED)."""
        self.target = b""
        self.created: Final = now
        self.number = 0
        """Jobs of one node are numbered in the order of their creation."""
        self.updated = now
        self.heard = now
        """When the other side last sent anything."""
        self.acked = 0
        """When this side last sent an ACK."""
        self.state: bytes = CONNECTING
        self.message = b""
        self.dialed = False
        """Whether an export has begun to connect."""
        self.postponed = False
        """Whether the log says that its snapshot has to wait."""

    def is_export(self) -> bool:
        return self.kind == EXPORT

    def has_ended(self) -> bool:
        return self.state in ENDED

    def range_words(self) -> bytes:
        """The ranges as GETSLOTMIGRATIONS shows them: `0-10 20-20`."""
        return b" ".join([b"%d-%d" % pair for pair in self.ranges])

    def shown(self) -> str:
        """The job in log lines."""
        other = ("target", self.target) if self.is_export() else ("source", self.source)
        return (
            f"{{name: {self.name.decode()}, operation: {'export' if self.is_export() else 'import'}, "
            f"{other[0]}_node_id: {other[1].decode()}, slots: {self.range_words().decode()}}}"
        )


def joined(ranges: list[tuple[int, int]]) -> int:
    """The set of the slots of ranges."""
    slots = 0
    for first, last in ranges:
        slots |= span(first, last)
    return slots
