"""CLUSTERSCAN: a walk over the keys of a whole cluster, node by node.

A cursor is `fingerprint-{tag}-local`.  The tag has the slot that comes next, so that clients route the cursor like a
key.  `local` is a cursor of SCAN.  It is valid for the node with that fingerprint only: other nodes begin with the
slot of the tag.  A node walks the slots that it serves one after another from there; then the tag is that of the first
slot of another node.
"""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.cluster.machine import Machine
from redpoll.cluster.slot_sets import has
from redpoll.cluster_errors import BAD_CLUSTER_CURSOR, CURSOR_MISMATCH, SLOT_REPEATED
from redpoll.commands.cluster_node import node_of, slot_number
from redpoll.commands.scan_options import ScanOptions
from redpoll.engine.args import Args
from redpoll.engine.session import Session
from redpoll.errors import CommandError
from redpoll.keyspace.scan import chosen_keys, scan_run
from redpoll.keyspace.slots import SLOT_BITS, SLOTS, key_slot, pattern_slot, slot_tag
from redpoll.protocol.numbers import parse_unsigned
from redpoll.structures.table_walk import Records

START = b"0"
FINGERPRINT = 6


class ClusterScanOptions(ScanOptions):
    """The options of SCAN, and SLOT."""

    def __init__(self, args: list[bytes]) -> None:
        self.slot = -1
        super().__init__(args, 2, b"CLUSTERSCAN")

    def accept(self, word: bytes, options: Args) -> bool:
        if word != b"SLOT":
            return False
        if self.slot >= 0:
            raise CommandError(SLOT_REPEATED)
        self.slot = slot_number(options.next())
        return True


def scan(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    options = ClusterScanOptions(args)
    pattern = options.pattern
    matching: i64 = pattern_slot(pattern) if pattern is not None else i64(-1)
    mismatch = matching >= 0 and options.slot >= 0 and options.slot != matching
    if args[1] == START:
        first = options.slot if options.slot >= 0 else int(max(matching, 0))
        return [START, []] if mismatch else [to_slot(first), []]
    cursor = Cursor(args[1], fingerprint(session))
    slot = cursor.slot
    if options.slot >= 0 and options.slot != slot:
        raise CommandError(CURSOR_MISMATCH)
    if mismatch or 0 <= matching < slot:
        return [START, []]
    if matching > slot:
        return [to_slot(int(matching)), []]
    alone = options.slot >= 0 or matching >= 0
    last = slot if alone else run_end(machine, slot)
    found = Records()
    following = scan_run(session.db, cursor.local, last, options.count, found)
    keys = chosen_keys(session.db, found, options.glob, options.type)
    if following >= 0:
        return [b"%b-{%b}-%d" % (fingerprint(session), slot_tag(following & (SLOTS - 1)), int(following)), keys]
    return [START if alone or last + 1 == SLOTS else to_slot(last + 1), keys]


class Cursor:
    """A cursor that does not begin a walk.  Raises CommandError."""

    def __init__(self, word: bytes, fingerprint: bytes) -> None:
        parts = word.split(b"-")
        local = parse_unsigned(parts[2]) if len(parts) == 3 else None
        if local is None:
            raise CommandError(BAD_CLUSTER_CURSOR)
        self.slot = int(key_slot(parts[1]))
        self.local: int = local
        """The place to go on from: the slot, and above it the cursor of the slot's table."""
        if parts[0] != fingerprint or local & ((1 << SLOT_BITS) - 1) < self.slot:
            self.local = self.slot


def fingerprint(session: Session) -> bytes:
    """Names the order of the keys in this process: a cursor of another one says nothing here."""
    return session.engine.run_id[:FINGERPRINT]


def to_slot(slot: int) -> bytes:
    """The cursor that begins with a slot, on the node that serves it."""
    return b"0-{%b}-0" % slot_tag(slot)


def run_end(machine: Machine, slot: int) -> int:
    """The last of the slots from `slot` on that this node's shard serves without a gap."""
    primary = machine.view.shard_primary()
    served = primary.slots if primary is not None else 0
    while slot + 1 < SLOTS and has(served, slot + 1):
        slot += 1
    return slot
