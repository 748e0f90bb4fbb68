"""Results that are stored: built apart from all keys, so that the target may be one of the sources."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.engine.session import Session
from redpoll.keyspace.events import DEL, Event
from redpoll.types.value import Value


def store(session: Session, target: bytes, made: Value, size: i64, event: Event) -> object:
    """Let `target` hold what was made, `size` items, or nothing if that is none; how many items."""
    db = session.db
    if size == 0:
        # Also a key past its deadline is deleted by the command, as the reference has it, and not by its time.
        if db.discard(target):
            session.changed(target, None, DEL, 1)
        return 0
    db.set_container(target, made)
    session.changed(target, None, event, 1)
    return size
