"""XREAD and XREADGROUP: read entries after an ID from several streams, and wait for new ones.

Both look up every stream first, in the order of the arguments, and raise errors there.  If there are entries, they are
returned at once.  If there are none and BLOCK is given, the session waits, and the command runs again when an entry
arrives.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, RO, keys_after
from redpoll.catalogue.spec import BLOCKING, MOVABLEKEYS, READONLY, STREAM, WRITE
from redpoll.commands.stream_arguments import GREATEST, entry_count, stream_id
from redpoll.commands.stream_effects import journal_deliveries, journal_group_id
from redpoll.commands.stream_groups import adjust, consumer_of
from redpoll.commands.stream_replies import Entries
from redpoll.commands.waits import timeout_deadline_ms
from redpoll.engine.blocking import ANY_CHANGE, STREAMS
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import (
    GREATER_ID_IN_XREAD,
    GROUP_MISSING,
    SYNTAX,
    CommandError,
    meaningless_id,
    no_group_to_read,
    only_in_xreadgroup,
    unbalanced_streams,
)
from redpoll.protocol.reply import NULL_ARRAY, PairMap
from redpoll.structures.entries import ENDLESS, Picked
from redpoll.structures.ids import StreamId
from redpoll.types.stream import Stream, id_text, raised_count
from redpoll.types.stream_group import Consumer, Group

AFTER: Final = 0
"""A stream is read from an ID on ..."""
UNDELIVERED: Final = 1
"""... or what its group has not delivered yet (`>`)."""


class ReadOptions:
    """The options before STREAMS, and the streams after it."""

    def __init__(self, session: Session, args: list[bytes], grouped: bool) -> None:
        self.most: i64 = ENDLESS
        self.blocks = False
        self.deadline_ms: i64 = 0
        self.group: bytes | None = None
        self.consumer: bytes = b""
        self.noack = False
        self.first: i64 = 0
        self.count: i64 = 0
        name = b"xreadgroup" if grouped else b"xread"
        last: i64 = i64(len(args)) - 1
        at: i64 = 1
        while at <= last:
            word = args[at].upper()
            if word == b"BLOCK" and at < last:
                self.deadline_ms = timeout_deadline_ms(session, args[at + 1])
                self.blocks = True
                at += 1
            elif word == b"COUNT" and at < last:
                self.most = entry_count(args[at + 1])
                if self.most == 0:
                    self.most = ENDLESS
                at += 1
            elif word == b"STREAMS" and at < last:
                self.first = at + 1
                streams: i64 = last - at
                if streams & 1 != 0:
                    raise CommandError(unbalanced_streams(name, b">" if grouped else b"$"))
                self.count = streams >> 1
                break
            elif word == b"GROUP" and last - at >= 2:
                if not grouped:
                    raise CommandError(only_in_xreadgroup(b"GROUP"))
                self.group = args[at + 1]
                self.consumer = args[at + 2]
                at += 2
            elif word == b"NOACK":
                if not grouped:
                    raise CommandError(only_in_xreadgroup(b"NOACK"))
                self.noack = True
            else:
                raise CommandError(SYNTAX)
            at += 1
        if self.first == 0:
            raise CommandError(SYNTAX)
        if grouped and self.group is None:
            raise CommandError(GROUP_MISSING)


class Source:
    """One stream to read, and the ID to start after."""

    def __init__(self, key: bytes, stream: Stream | None, mode: int, after: StreamId) -> None:
        self.key: Final = key
        self.stream: Final = stream
        self.mode: Final = mode
        self.after: Final = after


@command(
    "xread", arity=-4, flags=READONLY | BLOCKING | MOVABLEKEYS, acl=STREAM,
    keys=keys_after(b"STREAMS", 1, -1, RO | ACCESS, 2), group="stream",
    arguments="[COUNT count:integer] [BLOCK milliseconds:integer] (STREAMS key#0 ... id ...)",
    since="5.0.0", complexity="O(log n + entries returned) for each stream",
    summary="Return the entries of streams after an ID; BLOCK waits for new ones.",
)  # fmt: skip
def xread(session: Session, args: list[bytes]) -> object:
    options = ReadOptions(session, args, False)
    sources: list[Source] = []
    at: i64 = 0
    while at < options.count:
        sources.append(source_of(session, args[options.first + at], args[options.first + options.count + at]))
        at += 1

    found: list[object] = []
    for source in sources:
        stream = source.stream
        session.db.look_again(source.key, stream is not None)
        if stream is None:
            continue
        picked = Picked()
        if not source.after.is_last():
            start = source.after.following()
            stream.pick(picked, start.ms, start.seq, -1, -1, options.most)
        if picked.count() > 0:
            found.append(source.key)
            found.append(rows_for(session, picked))
    if len(found) > 0:
        return PairMap(found)
    if not options.blocks:
        return NULL_ARRAY
    return wait(session, resolved(args, options, sources), options, STREAMS)


def source_of(session: Session, key: bytes, word: bytes) -> Source:
    """A stream that XREAD names, with its ID."""
    stream = session.db.stream(key)
    if word == b"$" or word == b"+":
        last = stream.last_id() if stream is not None else StreamId(0, 0)
        # The last ID there ever was: if its entry is deleted, or XSETID made it, there is nothing to read.
        if word == b"+" and stream is not None and stream.length() > 0:
            last = last.preceding()
        return Source(key, stream, AFTER, last)
    if word == b">":
        raise CommandError(GREATER_ID_IN_XREAD)
    return Source(key, stream, AFTER, stream_id(word))


def rows_for(session: Session, picked: Picked) -> Entries:
    """The reply for some entries.  Sessions that waited for the same entries share one reply."""
    made = Entries(picked)
    if session.tried is None:
        return made
    blocking = session.engine.blocking
    before = blocking.rows
    if isinstance(before, Entries) and made.shows_same(before):
        return before
    made.shared = True
    blocking.rows = made
    return made


def resolved(args: list[bytes], options: ReadOptions, sources: list[Source]) -> list[bytes]:
    """The command with the last ID of now instead of `$`.

    `+` stays: it means the last entry when the command runs again.
    """
    said = list(args)
    for n in range(len(sources)):
        at = options.first + options.count + n
        if args[at] == b"$":
            after = sources[n].after
            said[at] = id_text(after.ms, after.seq)
    return said


def wait(session: Session, args: list[bytes], options: ReadOptions, mask: i64) -> object:
    """Block until one of the streams gets an entry."""
    keys = args[options.first : options.first + options.count]
    return session.engine.blocking.block(session, args, keys, options.deadline_ms, NULL_ARRAY, mask)


@command(
    "xreadgroup", arity=-7, flags=WRITE | BLOCKING | MOVABLEKEYS, acl=STREAM,
    keys=keys_after(b"STREAMS", 4, -1, RO | ACCESS, 2), group="stream",
    arguments="GROUP (group-block: group consumer) [COUNT count:integer] [BLOCK milliseconds:integer] [NOACK] "
              "(STREAMS key#0 ... id ...)",
    since="5.0.0", complexity="O(log n + entries returned) for each stream",
    summary="Read as a consumer of a group: new entries, or its pending ones again; BLOCK waits for new ones.",
)  # fmt: skip
def xreadgroup(session: Session, args: list[bytes]) -> object:
    options = ReadOptions(session, args, True)
    name = options.group
    assert name is not None
    sources: list[Source] = []
    at: i64 = 0
    while at < options.count:
        key = args[options.first + at]
        stream = session.db.stream(key)
        if stream is None or stream.group(name) is None:
            raise CommandError(no_group_to_read(key, name))
        word = args[options.first + options.count + at]
        if word == b"$" or word == b"+":
            raise CommandError(meaningless_id(word))
        after = StreamId(GREATEST, GREATEST) if word == b">" else stream_id(word)
        # Nothing can be pending after the greatest ID: it is another way to say `>`.
        sources.append(Source(key, stream, UNDELIVERED if after.is_last() else AFTER, after))
        at += 1

    session.journal_only()
    found: list[object] = []
    for source in sources:
        stream = source.stream
        assert stream is not None
        group = stream.group(name)
        assert group is not None
        session.db.look_again(source.key, True)
        if source.mode == UNDELIVERED:
            rows = deliver(session, source.key, stream, group, name, options)
        else:
            rows = history(session, source, stream, group, options)
        if rows is not None:
            found.append(source.key)
            found.append(rows)
    if len(found) > 0:
        return PairMap(found)
    if not options.blocks:
        return NULL_ARRAY
    return wait(session, args, options, STREAMS | ANY_CHANGE)


def deliver(
    session: Session, key: bytes, stream: Stream, group: Group, name: bytes, options: ReadOptions
) -> Entries | None:
    """Deliver new entries to the consumer; return None if there are none."""
    is_new = options.consumer not in group.consumers
    consumer = consumer_of(session, key, stream, group, options.consumer)
    if options.noack and is_new and session.journals():
        session.journal_as([b"XGROUP", b"CREATECONSUMER", key, name, options.consumer])
    picked = Picked()
    last = group.last_id()
    if not last.is_last():
        start = last.following()
        stream.pick(picked, start.ms, start.seq, -1, -1, options.most)
    if picked.count() == 0:
        return None
    now_ms = session.db.moment.now_ms
    if not options.noack:
        consumer.active_ms = now_ms
        k: i64 = 0
        while k < picked.count():
            group.deliver(picked.ms[k], picked.seq[k], consumer, now_ms, 1)
            k += 1
    stream.advance(group, picked)
    adjust(session, key, stream, group, 1)
    if session.journals():
        if not options.noack:
            journal_deliveries(session, key, name, group, consumer, picked)
        journal_group_id(session, key, name, group)
    return Entries(picked)


def history(session: Session, source: Source, stream: Stream, group: Group, options: ReadOptions) -> Entries:
    """Return the entries that are pending for the consumer, after an ID."""
    consumer = consumer_of(session, source.key, stream, group, options.consumer)
    picked = pending_entries(stream, group, consumer, source.after, options.most, session.db.moment.now_ms)
    adjust(session, source.key, stream, group, 1)
    return Entries(picked)


def pending_entries(
    stream: Stream, group: Group, consumer: Consumer, after: StreamId, most: i64, now_ms: i64
) -> Picked:
    """The entries pending for a consumer after an ID.

    Those that are still in the stream count as delivered once more.
    """
    picked = Picked()
    pending = group.pending
    cursor = consumer.ids.cursor(after.ms, after.seq)
    while picked.count() < most and cursor.step():
        ms = cursor.ms
        seq = cursor.seq
        if stream.pick(picked, ms, seq, ms, seq, 1) == 0:
            picked.add_missing(ms, seq)
        elif pending.find(ms, seq):
            pending.set_delivered(now_ms, raised_count(pending.deliveries()))
    return picked
