"""XINFO: reports on streams, their groups and consumers."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, RO, one_key
from redpoll.catalogue.spec import READONLY, STREAM
from redpoll.commands.containers import container, help_command
from redpoll.commands.stream_replies import Entries, entry_at
from redpoll.engine.args import integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import NO_SUCH_KEY, CommandError, no_such_group, wrong_subcommand
from redpoll.protocol.reply import Map
from redpoll.structures.entries import ENDLESS, Picked
from redpoll.types.stream import Stream, id_text
from redpoll.types.stream_group import NEVER_ACTIVE, UNKNOWN, Consumer, Group

SHOWN: Final[i64] = 10
"""How many entries, and pending ones of each group and consumer, FULL shows without a COUNT."""

xinfo = container(
    "xinfo", group="stream", since="5.0.0", summary="Commands that inspect streams, consumer groups and consumers."
)


@command(
    "xinfo|consumers", arity=4, flags=READONLY, acl=STREAM, keys=one_key(RO | ACCESS, 2), group="stream",
    tips="nondeterministic_output",
    arguments="key#0 group",
    since="5.0.0", complexity="O(consumers)", summary="List the consumers of a group.",
)  # fmt: skip
def xinfo_consumers(session: Session, args: list[bytes]) -> object:
    stream = existing(session, args[2])
    group = stream.group(args[3])
    if group is None:
        raise CommandError(no_such_group(args[3], args[2]))
    now_ms = session.db.moment.now_ms
    found: list[object] = []
    for consumer in group.sorted_consumers():
        inactive: i64 = -1
        if consumer.active_ms != NEVER_ACTIVE:
            inactive = since(consumer.active_ms, now_ms)
        found.append(
            Map([
                b"name", consumer.name,
                b"pending", consumer.ids.count,
                b"idle", since(consumer.seen_ms, now_ms),
                b"inactive", inactive,
            ])
        )  # fmt: skip
    return found


def since(then_ms: i64, now_ms: i64) -> i64:
    return now_ms - then_ms if now_ms > then_ms else i64(0)


@command(
    "xinfo|groups", arity=3, flags=READONLY, acl=STREAM, keys=one_key(RO | ACCESS, 2), group="stream",
    arguments="key#0",
    since="5.0.0", complexity="O(groups)", summary="List the consumer groups of a stream.",
)  # fmt: skip
def xinfo_groups(session: Session, args: list[bytes]) -> object:
    stream = existing(session, args[2])
    found: list[object] = []
    for name in stream.sorted_groups():
        group = stream.group(name)
        assert group is not None
        found.append(
            Map([
                b"name", name,
                b"consumers", len(group.consumers),
                b"pending", group.pending.count,
                b"last-delivered-id", id_text(group.last_ms, group.last_seq),
                *progress(stream, group),
            ])
        )  # fmt: skip
    return found


@command(
    "xinfo|stream", arity=-3, flags=READONLY, acl=STREAM, keys=one_key(RO | ACCESS, 2), group="stream",
    arguments="key#0 [full-block: FULL [COUNT count:integer]]",
    since="5.0.0", complexity="O(nodes), with FULL O(what is shown) more",
    summary="Describe a stream; with FULL also its entries, groups and consumers.",
)  # fmt: skip
def xinfo_stream(session: Session, args: list[bytes]) -> object:
    stream = existing(session, args[2])
    count: i64 = len(args)
    if count == 3:
        return about(stream)
    if args[3].upper() != b"FULL" or (count != 4 and (count != 6 or args[4].upper() != b"COUNT")):
        raise CommandError(wrong_subcommand(args[1], b"XINFO"))
    most = SHOWN
    if count == 6:
        most = integer(args[5])
        if most < 0:
            most = SHOWN
        elif most == 0 or most > ENDLESS:
            most = ENDLESS
    return everything(stream, most)


def existing(session: Session, key: bytes) -> Stream:
    """The stream at `key`.  Raises CommandError if there is none."""
    stream = session.db.stream(key)
    if stream is None:
        raise CommandError(NO_SUCH_KEY)
    return stream


def head(stream: Stream) -> list[object]:
    """The fields that both forms of XINFO STREAM begin with."""
    first = stream.first_id()
    return [
        b"length", stream.length(),
        b"radix-tree-keys", stream.node_count(),
        b"radix-tree-nodes", stream.tree_nodes(),
        b"last-generated-id", id_text(stream.last_ms, stream.last_seq),
        b"max-deleted-entry-id", id_text(stream.gone_ms, stream.gone_seq),
        b"entries-added", stream.added,
        b"recorded-first-entry-id", id_text(first.ms, first.seq) if first is not None else b"0-0",
    ]  # fmt: skip


def about(stream: Stream) -> Map:
    """XINFO STREAM."""
    first = stream.first_id()
    last = stream.end_id()
    return Map([
        *head(stream),
        b"groups", len(stream.sorted_groups()),
        b"first-entry", entry_at(stream, first.ms, first.seq) if first is not None else None,
        b"last-entry", entry_at(stream, last.ms, last.seq) if last is not None else None,
    ])  # fmt: skip


def everything(stream: Stream, most: i64) -> Map:
    """XINFO STREAM FULL, with up to `most` entries in each list."""
    entries = Picked()
    stream.pick(entries, 0, 0, -1, -1, most)
    groups: list[object] = []
    for name in stream.sorted_groups():
        group = stream.group(name)
        assert group is not None
        consumers: list[object] = []
        for consumer in group.sorted_consumers():
            consumers.append(full_consumer(group, consumer, most))
        groups.append(
            Map([
                b"name", name,
                b"last-delivered-id", id_text(group.last_ms, group.last_seq),
                *progress(stream, group),
                b"pel-count", group.pending.count,
                b"pending", pending_of(group, most),
                b"consumers", consumers,
            ])
        )  # fmt: skip
    return Map([*head(stream), b"entries", Entries(entries), b"groups", groups])


def progress(stream: Stream, group: Group) -> list[object]:
    """The fields about how far a group has read."""
    read = group.read
    return [b"entries-read", read if read != UNKNOWN else None, b"lag", stream.lag(group)]


def pending_of(group: Group, most: i64) -> list[object]:
    """The first pending entries of a group: ID, consumer, time, deliveries."""
    pending = group.pending
    found: list[object] = []
    there = pending.to_first()
    while there and len(found) < most:
        id = id_text(pending.ms(), pending.seq())
        entry: list[object] = [id, group.owner().name, pending.delivered_ms(), pending.deliveries()]
        found.append(entry)
        there = pending.step()
    return found


def full_consumer(group: Group, consumer: Consumer, most: i64) -> Map:
    """A consumer with its first pending entries."""
    pending = group.pending
    found: list[object] = []
    cursor = consumer.ids.cursor(0, 0)
    while len(found) < most and cursor.step():
        if pending.find(cursor.ms, cursor.seq):
            entry: list[object] = [id_text(cursor.ms, cursor.seq), pending.delivered_ms(), pending.deliveries()]
            found.append(entry)
    return Map([
        b"name", consumer.name,
        b"seen-time", consumer.seen_ms,
        b"active-time", consumer.active_ms,
        b"pel-count", consumer.ids.count,
        b"pending", found,
    ])  # fmt: skip


help_command(xinfo, since="5.0.0", acl=STREAM)
