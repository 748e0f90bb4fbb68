"""Keyspace notifications: messages for the classes of events in `notify-keyspace-events`.

    __keyspace@<db>__:<key>     <event>         with K
    __keyevent@<db>__:<event>   <key>           with E, after the message for K

The bit NOTIFIED of `moment.interest` is set only if the setting can send an event.  Otherwise events cost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.config.special_values import EVENT_LETTERS
from redpoll.keyspace.events import Event
from redpoll.keyspace.moment import NOTIFIED

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine

BY_KEY: Final[i64] = 1 << EVENT_LETTERS.index(b"K")
BY_EVENT: Final[i64] = 1 << EVENT_LETTERS.index(b"E")
CHANNELS: Final[i64] = BY_KEY | BY_EVENT


class Notifications:
    """Publishes the events of the databases."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.classes: i64 = 0

    def choose(self, classes: i64) -> None:
        """Set the classes to send: a bit for each of EVENT_LETTERS."""
        self.classes = classes
        moment = self.engine.moment
        if classes & CHANNELS != 0 and classes & ~CHANNELS != 0:
            moment.interest |= NOTIFIED
        else:
            moment.interest &= ~NOTIFIED

    def send(self, db: i64, key: bytes, event: Event) -> None:
        """Publish an event if its class is set and there are subscribers.  O(deliveries + patterns)."""
        classes = self.classes
        pubsub = self.engine.pubsub
        if classes & event.class_bit == 0 or not pubsub.is_heard():
            return
        if classes & BY_KEY != 0:
            pubsub.publish(b"__keyspace@%d__:%b" % (db, key), event.name)
        if classes & BY_EVENT != 0:
            pubsub.publish(b"__keyevent@%d__:%b" % (db, event.name), key)
