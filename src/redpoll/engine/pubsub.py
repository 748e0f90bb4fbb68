"""Pub/Sub: subscriptions, and the delivery of messages to subscribers.

There are three kinds of names: channels, patterns of channels, and shard channels, which have their own names.  Each
name with subscribers has an `Audience`.  Each session with subscriptions has a dict for each kind, from the name to its
place in the audience.  Both always agree: only `Topics.add` and `Topics.remove` change them.

PUBLISH encodes a message once for each protocol and appends it to the output of every subscriber.  The connections send
it afterwards, in slices.  No message is stored, and no subscriber is disconnected while PUBLISH runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.engine.session import CHANNELS, PATTERNS, SHARDS, Session, Subscriptions
from redpoll.keyspace.glob import Glob
from redpoll.protocol.reply import Message

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine

NAME_BYTES: Final[i64] = 240
"""Memory of a name with subscribers, without the bytes of the name: an audience, its list, an entry of a dict."""
SUBSCRIPTION_BYTES: Final[i64] = 110
"""Memory of one more subscriber: a place in the audience and an entry of the session's dict."""


class Audience:
    """The sessions that subscribe to one name, in no particular order.  `glob` is the compiled pattern of a pattern."""

    def __init__(self, name: bytes, glob: Glob | None) -> None:
        self.name: Final = name
        self.glob: Final = glob
        self.sessions: list[Session] = []

    def deliver(self, message: Message) -> i64:
        """Push a message to every session; return the number of sessions."""
        sessions = self.sessions
        count: i64 = len(sessions)
        at: i64 = 0
        while at < count:
            session = sessions[at]
            session.peer.push(session, message)
            at += 1
        return count


class Topics:
    """The names of one kind that have subscribers."""

    def __init__(self, kind: i64) -> None:
        self.kind: i64 = kind
        self.audiences: Final[dict[bytes, Audience]] = {}
        self.held_bytes: i64 = 0
        """Estimated memory of the names and their subscribers: a running sum."""

    def add(self, session: Session, places: dict[bytes, int], name: bytes) -> None:
        """Subscribe a session that does not subscribe to `name` yet.  O(1)."""
        audience = self.audiences.get(name)
        if audience is None:
            audience = Audience(name, Glob(name) if self.kind == PATTERNS else None)
            self.audiences[name] = audience
            self.held_bytes += NAME_BYTES + i64(len(name))
        places[name] = len(audience.sessions)
        audience.sessions.append(session)
        self.held_bytes += SUBSCRIPTION_BYTES

    def remove(self, places: dict[bytes, int], name: bytes) -> None:
        """End an existing subscription; the last session of the audience gets its place.  O(1)."""
        audience = self.audiences[name]
        place: i64 = places.pop(name)
        sessions = audience.sessions
        last = sessions.pop()
        if place < len(sessions):
            sessions[place] = last
            moved = last.subscriptions
            assert moved is not None
            moved.places[self.kind][name] = place
        self.held_bytes -= SUBSCRIPTION_BYTES
        if len(sessions) == 0:
            del self.audiences[name]
            self.held_bytes -= NAME_BYTES + i64(len(name))

    def names(self, pattern: Glob | None) -> list[object]:
        """The names with subscribers that match a pattern; all names without a pattern.  O(names)."""
        found: list[object] = []
        for name in self.audiences:
            if pattern is None or pattern.matches(name):
                found.append(name)
        return found

    def count(self, name: bytes) -> i64:
        """The number of sessions that subscribe to a name.  O(1)."""
        audience = self.audiences.get(name)
        if audience is None:
            return 0
        return len(audience.sessions)

    def check(self) -> None:
        """Walk every invariant, for tests."""
        held: i64 = 0
        for name, audience in self.audiences.items():
            assert audience.name == name
            assert len(audience.sessions) > 0
            held += NAME_BYTES + i64(len(name)) + SUBSCRIPTION_BYTES * i64(len(audience.sessions))
            for place, session in enumerate(audience.sessions):
                subscriptions = session.subscriptions
                assert subscriptions is not None
                assert subscriptions.places[self.kind][name] == place
        assert held == self.held_bytes


class PubSub:
    """The subscriptions of one engine's sessions."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.channels: Final = Topics(CHANNELS)
        self.patterns: Final = Topics(PATTERNS)
        self.shards: Final = Topics(SHARDS)
        self.topics: Final = [self.channels, self.patterns, self.shards]
        self.clients: i64 = 0
        """The number of sessions with subscriptions."""

    # Subscribing.

    def subscribe(self, session: Session, kind: i64, name: bytes) -> None:
        """Subscribe a session to a name.  O(1)."""
        subscriptions = session.subscriptions
        if subscriptions is None:
            subscriptions = Subscriptions()
            session.subscriptions = subscriptions
            session.apply_mode()
            self.clients += 1
        places = subscriptions.places[kind]
        if name not in places:
            self.topics[kind].add(session, places, name)

    def unsubscribe(self, session: Session, kind: i64, name: bytes) -> None:
        """End a subscription if it exists.  O(1)."""
        subscriptions = session.subscriptions
        if subscriptions is not None and name in subscriptions.places[kind]:
            self.topics[kind].remove(subscriptions.places[kind], name)
            if subscriptions.is_empty():
                self._end(session)

    def leave(self, session: Session) -> None:
        """End all subscriptions of a session without a confirmation (RESET, a closed connection).  O(subscriptions)."""
        subscriptions = session.subscriptions
        if subscriptions is None:
            return
        for topics in self.topics:
            places = subscriptions.places[topics.kind]
            for name in list(places):
                topics.remove(places, name)
        self._end(session)

    def _end(self, session: Session) -> None:
        session.subscriptions = None
        session.apply_mode()
        self.clients -= 1

    # Publishing.

    def publish(self, channel: bytes, payload: bytes) -> i64:
        """Push a message to the subscribers of a channel and of matching patterns; return the number of deliveries.

        O(deliveries + patterns).
        """
        reached: i64 = 0
        audience = self.channels.audiences.get(channel)
        if audience is not None:
            reached = audience.deliver(Message([b"message", channel, payload]))
        if len(self.patterns.audiences) > 0:
            for fitting in self.patterns.audiences.values():
                glob = fitting.glob
                if glob is not None and fits(glob, channel):
                    reached += fitting.deliver(Message([b"pmessage", fitting.name, channel, payload]))
        return reached

    def publish_in_shard(self, channel: bytes, payload: bytes) -> i64:
        """Push a message to the subscribers of a shard channel; return the number of deliveries.  O(deliveries)."""
        audience = self.shards.audiences.get(channel)
        if audience is None:
            return 0
        return audience.deliver(Message([b"smessage", channel, payload]))

    def is_heard(self) -> bool:
        """Whether any session subscribes to a channel or a pattern."""
        return len(self.channels.audiences) > 0 or len(self.patterns.audiences) > 0

    def size_bytes(self) -> i64:
        """Estimated memory of all subscriptions.  O(1)."""
        return self.channels.held_bytes + self.patterns.held_bytes + self.shards.held_bytes

    def check(self) -> None:
        """Walk every invariant, for tests."""
        subscribers = 0
        for topics in self.topics:
            topics.check()
        for session in self.engine.sessions.values():
            subscriptions = session.subscriptions
            if subscriptions is None:
                continue
            subscribers += 1
            assert not subscriptions.is_empty()
            for topics in self.topics:
                for name, place in subscriptions.places[topics.kind].items():
                    assert topics.audiences[name].sessions[place] is session
        assert subscribers == self.clients


def fits(pattern: Glob, channel: bytes) -> bool:
    """Whether a channel matches a pattern.  Unlike with keys, only the empty pattern matches an empty name."""
    if len(channel) == 0:
        return len(pattern.pattern) == 0
    return pattern.matches(channel)
