"""Pub/Sub: subscribing, publishing, and PUBSUB, which lists subscriptions."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import NOT_KEY, key_range, one_key
from redpoll.catalogue.spec import FAST, LOADING, NOSCRIPT, PUBSUB, STALE
from redpoll.commands.containers import container, help_command
from redpoll.engine.command import Handler, command
from redpoll.engine.pubsub import Topics
from redpoll.engine.session import CHANNELS, PATTERNS, SHARDS, Session
from redpoll.errors import CommandError, deny_blocking, wrong_subcommand
from redpoll.keyspace.glob import Glob
from redpoll.protocol.reply import Push, Sequence

MODE = PUBSUB | NOSCRIPT | LOADING | STALE
"""Flags of commands that change subscriptions ..."""
ASKING = PUBSUB | LOADING | STALE
"""... of commands that list them ..."""
PUBLISHING = PUBSUB | LOADING | STALE | FAST
"""... and of commands that publish."""

PAGE_BITS: Final[i64] = 12
"""This many bytes of a message count as one more delivery (4 KB)."""


def begin(session: Session, kind: i64, word: bytes, names: list[bytes]) -> object:
    """Subscribe to each name; return a confirmation for each."""
    pubsub = session.engine.pubsub
    confirmations: list[object] = []
    for name in names:
        pubsub.subscribe(session, kind, name)
        confirmations.append(Push([word, name, session.subscription_count(kind)]))
    return Sequence(confirmations)


def end(session: Session, kind: i64, word: bytes, names: list[bytes]) -> object:
    """End the named subscriptions, without names all of the kind; return a confirmation for each, at least one."""
    pubsub = session.engine.pubsub
    if len(names) == 0:
        names = session.subscribed_names(kind)
        if len(names) == 0:
            return Sequence([Push([word, None, session.subscription_count(kind)])])
    confirmations: list[object] = []
    for name in names:
        pubsub.unsubscribe(session, kind, name)
        confirmations.append(Push([word, name, session.subscription_count(kind)]))
    return Sequence(confirmations)


def forward(session: Session, args: list[bytes], reached: i64, shard: bool) -> None:
    """Send a published message to replicas and other nodes; report its deliveries to the publisher's connection."""
    router = session.engine.router
    if router is None:
        session.journal_for_replicas()
    else:
        # The bus also reaches the replicas.
        router.publish(args[1], args[2], shard)
    if reached > 0:
        session.peer.spread(reached * (1 + (i64(len(args[2])) >> PAGE_BITS)))


def counts(topics: Topics, names: list[bytes]) -> list[object]:
    """Each name and how many subscribe to it, by turns."""
    found: list[object] = []
    for name in names:
        found.append(name)
        found.append(topics.count(name))
    return found


@command(
    "subscribe", arity=-2, flags=MODE, group="pubsub",
    arguments="channel ...",
    since="2.0.0", complexity="O(channels)", summary="Subscribe to channels.",
)  # fmt: skip
def subscribe(session: Session, args: list[bytes]) -> object:
    # Scripts and callers without a connection cannot receive messages; the connection of a transaction can.
    if not session.may_block:
        raise CommandError(deny_blocking(b"SUBSCRIBE"))
    return begin(session, CHANNELS, b"subscribe", args[1:])


@command(
    "unsubscribe", arity=-1, flags=MODE, group="pubsub",
    arguments="[channel ...]",
    since="2.0.0", complexity="O(channels)", summary="Unsubscribe from channels; from all without arguments.",
)  # fmt: skip
def unsubscribe(session: Session, args: list[bytes]) -> object:
    return end(session, CHANNELS, b"unsubscribe", args[1:])


@command(
    "psubscribe", arity=-2, flags=MODE, group="pubsub",
    arguments="pattern:pattern ...",
    since="2.0.0", complexity="O(patterns)", summary="Subscribe to channels that match patterns.",
)  # fmt: skip
def psubscribe(session: Session, args: list[bytes]) -> object:
    if not session.may_block:
        raise CommandError(deny_blocking(b"PSUBSCRIBE"))
    return begin(session, PATTERNS, b"psubscribe", args[1:])


@command(
    "punsubscribe", arity=-1, flags=MODE, group="pubsub",
    arguments="[pattern:pattern ...]",
    since="2.0.0", complexity="O(patterns)", summary="Unsubscribe from patterns; from all without arguments.",
)  # fmt: skip
def punsubscribe(session: Session, args: list[bytes]) -> object:
    return end(session, PATTERNS, b"punsubscribe", args[1:])


@command(
    "ssubscribe", arity=-2, flags=MODE, keys=key_range(1, -1, 1, NOT_KEY), group="pubsub",
    arguments="shardchannel ...",
    since="7.0.0", complexity="O(channels)", summary="Subscribe to shard channels.",
)  # fmt: skip
def ssubscribe(session: Session, args: list[bytes]) -> object:
    if not session.can_block():
        raise CommandError(deny_blocking(b"SSUBSCRIBE"))
    return begin(session, SHARDS, b"ssubscribe", args[1:])


@command(
    "sunsubscribe", arity=-1, flags=MODE, keys=key_range(1, -1, 1, NOT_KEY), group="pubsub",
    arguments="[shardchannel ...]",
    since="7.0.0", complexity="O(channels)", summary="Unsubscribe from shard channels; from all without arguments.",
)  # fmt: skip
def sunsubscribe(session: Session, args: list[bytes]) -> object:
    return end(session, SHARDS, b"sunsubscribe", args[1:])


class Publish(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        reached = session.engine.pubsub.publish(args[1], args[2])
        forward(session, args, reached, False)
        return reached


command(
    "publish", arity=3, flags=PUBLISHING, group="pubsub",
    arguments="channel message",
    since="2.0.0", complexity="O(deliveries + patterns)", summary="Send a message to a channel.",
)(Publish())  # fmt: skip


@command(
    "spublish", arity=3, flags=PUBLISHING, keys=one_key(NOT_KEY), group="pubsub",
    arguments="shardchannel message",
    since="7.0.0", complexity="O(deliveries)", summary="Send a message to a shard channel.",
)  # fmt: skip
def spublish(session: Session, args: list[bytes]) -> object:
    reached = session.engine.pubsub.publish_in_shard(args[1], args[2])
    forward(session, args, reached, True)
    return reached


pubsub = container(
    "pubsub", group="pubsub", since="2.8.0",
    summary="List and count subscriptions.",
)  # fmt: skip


@command(
    "pubsub|channels", arity=-2, flags=ASKING, group="pubsub",
    arguments="[pattern:pattern]",
    since="2.8.0", complexity="O(channels)", summary="Return the channels with subscribers.",
)  # fmt: skip
def pubsub_channels(session: Session, args: list[bytes]) -> object:
    return session.engine.pubsub.channels.names(pattern_of(args))


@command(
    "pubsub|numpat", arity=2, flags=ASKING, group="pubsub",
    since="2.8.0", complexity="O(1)", summary="Count the patterns with subscribers.",
)  # fmt: skip
def pubsub_numpat(session: Session, args: list[bytes]) -> object:
    return len(session.engine.pubsub.patterns.audiences)


@command(
    "pubsub|numsub", arity=-2, flags=ASKING, group="pubsub",
    arguments="[channel ...]",
    since="2.8.0", complexity="O(channels asked for)", summary="Count the subscribers of each channel.",
)  # fmt: skip
def pubsub_numsub(session: Session, args: list[bytes]) -> object:
    return counts(session.engine.pubsub.channels, args[2:])


@command(
    "pubsub|shardchannels", arity=-2, flags=ASKING, group="pubsub",
    arguments="[pattern:pattern]",
    since="7.0.0", complexity="O(shard channels)", summary="Return the shard channels with subscribers.",
)  # fmt: skip
def pubsub_shardchannels(session: Session, args: list[bytes]) -> object:
    return session.engine.pubsub.shards.names(pattern_of(args))


@command(
    "pubsub|shardnumsub", arity=-2, flags=ASKING, group="pubsub",
    arguments="[shardchannel ...]",
    since="7.0.0", complexity="O(channels asked for)", summary="Count the subscribers of each shard channel.",
)  # fmt: skip
def pubsub_shardnumsub(session: Session, args: list[bytes]) -> object:
    return counts(session.engine.pubsub.shards, args[2:])


help_command(pubsub, since="6.2.0")


def pattern_of(args: list[bytes]) -> Glob | None:
    """The pattern that CHANNELS and SHARDCHANNELS may be given, or CommandError."""
    if len(args) > 3:
        raise CommandError(wrong_subcommand(args[1], b"PUBSUB"))
    return Glob(args[2]) if len(args) == 3 else None
