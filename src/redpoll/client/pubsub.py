"""Pub/Sub inside a program: a subscriber keeps the messages until the program reads them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.engine.session import CHANNELS, PATTERNS, Peer, Session
from redpoll.engine.settings import PUBSUB
from redpoll.errors import TOO_MUCH_UNREAD, CommandError
from redpoll.protocol.reply import Message
from redpoll.protocol.words import Text, to_bytes

ITEM_BYTES: Final[i64] = 200
"""Memory of an unread message without its payload."""


class Inbox(Peer):
    """The unread messages of a subscriber, up to the hard limit of `client-output-buffer-limit pubsub`."""

    def __init__(self) -> None:
        self.waiting: deque[list[object]] = deque()
        self.held_bytes: i64 = 0
        self.overflowed = False

    def push(self, session: Session, message: Message) -> None:
        if self.overflowed:
            return
        items = message.items
        payload = items[-1]
        assert isinstance(payload, bytes)
        self.waiting.append(items)
        self.held_bytes += ITEM_BYTES + i64(len(payload))
        limit = session.engine.options.output_limits[PUBSUB].hard
        if 0 < limit <= self.held_bytes:
            self.overflowed = True
            self.waiting.clear()

    def take(self) -> list[object] | None:
        """The oldest unread message or confirmation."""
        if len(self.waiting) == 0:
            return None
        items = self.waiting.popleft()
        payload = items[-1]
        if isinstance(payload, bytes):
            self.held_bytes -= ITEM_BYTES + i64(len(payload))
        return items


class PubSub:
    """A subscriber of a `Store`, called like redis-py's.  Close it after use.

    A message is a dict with `type` ("message", "pmessage", "subscribe", ...), `pattern`, `channel` and `data`.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine
        self.inbox: Final = Inbox()
        self.session: Final[Session] = engine.open_session(self.inbox)

    def subscribe(self, *channels: Text) -> None:
        """Subscribe to channels."""
        self._begin(CHANNELS, b"subscribe", channels)

    def psubscribe(self, *patterns: Text) -> None:
        """Subscribe to all channels that match patterns."""
        self._begin(PATTERNS, b"psubscribe", patterns)

    def unsubscribe(self, *channels: Text) -> None:
        """Unsubscribe from channels; without arguments, from all channels."""
        self._end(CHANNELS, b"unsubscribe", channels)

    def punsubscribe(self, *patterns: Text) -> None:
        """Unsubscribe from patterns; without arguments, from all patterns."""
        self._end(PATTERNS, b"punsubscribe", patterns)

    @property
    def subscribed(self) -> bool:
        """Whether there is any subscription."""
        return self.session.subscriptions is not None

    def get_message(self, ignore_subscribe_messages: bool = False) -> dict[str, Any] | None:
        """The next unread message, or None.  Never waits.

        Raises CommandError if the unread messages exceeded the limit; all subscriptions have then ended.
        """
        inbox = self.inbox
        if inbox.overflowed:
            inbox.overflowed = False
            inbox.held_bytes = 0
            self.engine.pubsub.leave(self.session)
            raise CommandError(TOO_MUCH_UNREAD)
        while True:
            items = inbox.take()
            if items is None:
                return None
            word = items[0]
            assert isinstance(word, bytes)
            told = word.endswith(b"message")
            if told or not ignore_subscribe_messages:
                return {
                    "type": word.decode(),
                    "pattern": items[1] if word == b"pmessage" else None,
                    "channel": items[-2],
                    "data": items[-1],
                }

    def listen(self) -> Iterator[dict[str, Any]]:
        """The unread messages one by one.  Ends when there are no more."""
        found: list[dict[str, Any]] = []
        message = self.get_message()
        while message is not None:
            found.append(message)
            message = self.get_message()
        return iter(found)

    def close(self) -> None:
        """End all subscriptions and drop the unread messages."""
        self.engine.close_session(self.session)
        self.inbox.waiting.clear()

    def __enter__(self) -> PubSub:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close()

    def _begin(self, kind: i64, word: bytes, names: tuple[Text, ...]) -> None:
        if len(names) == 0:
            raise TypeError(f"{word.decode()} wants a name")
        for name in names:
            self.engine.pubsub.subscribe(self.session, kind, to_bytes(name))
            self._confirm(kind, word, to_bytes(name))

    def _end(self, kind: i64, word: bytes, names: tuple[Text, ...]) -> None:
        ended = [to_bytes(name) for name in names] if len(names) > 0 else self.session.subscribed_names(kind)
        for name in ended:
            self.engine.pubsub.unsubscribe(self.session, kind, name)
            self._confirm(kind, word, name)

    def _confirm(self, kind: i64, word: bytes, name: bytes) -> None:
        self.inbox.waiting.append([word, name, self.session.subscription_count(kind)])
