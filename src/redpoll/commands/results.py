"""Storing results.  A result is complete before it is stored, so the target may be one of the sources."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.engine.session import Session
from redpoll.keyspace.events import DEL, Event
from redpoll.types.value import Value


def store(session: Session, target: bytes, made: Value, size: i64, event: Event) -> object:
    """Store a result of `size` items at `target`, or delete `target` if there are none; return `size`."""
    db = session.db
    if size == 0:
        # As in the reference, the deletion of an expired key counts as the command's, not as an expiry.
        if db.discard(target):
            session.changed(target, None, DEL, 1)
        return 0
    db.set_container(target, made)
    session.changed(target, None, event, 1)
    return size
