"""What commands on groups write into the journal: claims and IDs, which have the same effect on a replica.

Source: spec/aof.md, "XREADGROUP", "XCLAIM".
"""

from __future__ import annotations

from redpoll.engine.session import Session
from redpoll.protocol.numbers import int_text
from redpoll.structures.entries import Picked
from redpoll.types.stream import id_text
from redpoll.types.stream_group import Consumer, Group


def journal_claim(
    session: Session, key: bytes, name: bytes, group: Group, consumer: Consumer, last: bytes | None = None
) -> None:
    """Journal that `consumer` owns the pending entry at the group's position.

    The last ID is the group's, or `last`.
    """
    pending = group.pending
    if last is None:
        last = id_text(group.last_ms, group.last_seq)
    session.journal_as([
        b"XCLAIM", key, name, consumer.name, b"0", id_text(pending.ms(), pending.seq()),
        b"TIME", int_text(pending.delivered_ms()), b"RETRYCOUNT", b"%d" % pending.deliveries(),
        b"FORCE", b"JUSTID", b"LASTID", last,
    ])  # fmt: skip


def journal_deliveries(
    session: Session, key: bytes, name: bytes, group: Group, consumer: Consumer, picked: Picked
) -> None:
    """Journal the delivery of new entries."""
    for k in range(picked.count()):
        if group.pending.find(picked.ms[k], picked.seq[k]):
            journal_claim(session, key, name, group, consumer, id_text(picked.ms[k], picked.seq[k]))


def journal_group_id(session: Session, key: bytes, name: bytes, group: Group) -> None:
    """Journal how far a group has read."""
    session.journal_as([
        b"XGROUP", b"SETID", key, name, id_text(group.last_ms, group.last_seq),
        b"ENTRIESREAD", int_text(group.read),
    ])  # fmt: skip
