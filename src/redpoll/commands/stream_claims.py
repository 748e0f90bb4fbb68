"""XPENDING, XCLAIM and XAUTOCLAIM: list the pending entries of a group, and claim them from another consumer."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, DELETE, RO, RW, UPDATE, one_key
from redpoll.catalogue.spec import FAST, READONLY, STREAM, WRITE
from redpoll.commands.stream_arguments import find_id, interval_end, interval_start, stream_id
from redpoll.commands.stream_effects import journal_claim, journal_group_id
from redpoll.commands.stream_groups import adjust, consumer_of
from redpoll.commands.stream_replies import Entries
from redpoll.engine.args import integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import (
    COUNT_NOT_ABOVE_0,
    SYNTAX,
    CommandError,
    invalid_claim_argument,
    no_key_or_group,
    unknown_claim_option,
)
from redpoll.protocol.reply import NULL_ARRAY
from redpoll.structures.entries import ENDLESS, Picked
from redpoll.structures.ids import StreamId, precedes
from redpoll.types.stream import Stream, id_text, raised_count
from redpoll.types.stream_group import Consumer, Group

MOST_CLAIMED: Final = 576460752303423487
"""The greatest COUNT of XAUTOCLAIM."""
CLAIMED: Final[i64] = 100
"""How many entries XAUTOCLAIM claims without a COUNT ..."""
LOOKED_AT: Final[i64] = 10
"""... and how many times as many it looks at."""


def group_and_stream(session: Session, key: bytes, name: bytes) -> Stream:
    """The stream at `key` and its group `name`.  Raises CommandError if either is missing."""
    stream = session.db.stream(key)
    if stream is None or stream.group(name) is None:
        raise CommandError(no_key_or_group(key, name))
    return stream


# XPENDING


class PendingOptions:
    """The options of XPENDING: which pending entries to list."""

    def __init__(self, args: list[bytes]) -> None:
        self.min_idle: i64 = 0
        count: i64 = len(args)
        at: i64 = 3
        if args[3].upper() == b"IDLE":
            if count == 4:
                raise CommandError(SYNTAX)
            self.min_idle = integer(args[4])
            if count < 8:
                raise CommandError(SYNTAX)
            at = 5
            if count > 9:
                raise CommandError(SYNTAX)
        self.most = integer(args[at + 2])
        if self.most < 0:
            self.most = 0
        self.start: Final = interval_start(args[at])
        self.end: Final = interval_end(args[at + 1])
        self.consumer: Final = args[at + 3] if at + 3 < count else None


@command(
    "xpending", arity=-3, flags=READONLY, acl=STREAM, keys=one_key(RO | ACCESS), group="stream",
    tips="nondeterministic_output",
    arguments="key#0 group [filters: [IDLE min-idle-time:integer]@6.2.0 start end count:integer [consumer]]",
    since="5.0.0", complexity="O(log n + entries returned); the summary O(consumers)",
    summary="Return the pending entries of a group: a summary, or the entries in a range.",
)  # fmt: skip
def xpending(session: Session, args: list[bytes]) -> object:
    count: i64 = len(args)
    if count != 3 and (count < 6 or count > 9):
        raise CommandError(SYNTAX)
    if count == 3:
        stream = group_and_stream(session, args[1], args[2])
        group = stream.group(args[2])
        assert group is not None
        return pending_summary(group)
    options = PendingOptions(args)
    stream = group_and_stream(session, args[1], args[2])
    group = stream.group(args[2])
    assert group is not None
    return pending_list(group, options, session.db.moment.now_ms)


def pending_summary(group: Group) -> list[object]:
    """The reply of XPENDING without a range: count, first and last ID, and how many each consumer has."""
    pending = group.pending
    if not pending.to_first():
        return [0, None, None, NULL_ARRAY]
    first = id_text(pending.ms(), pending.seq())
    pending.to_last()
    last = id_text(pending.ms(), pending.seq())
    consumers: list[object] = []
    for consumer in group.sorted_consumers():
        if consumer.ids.count > 0:
            pair: list[object] = [consumer.name, b"%d" % consumer.ids.count]
            consumers.append(pair)
    return [pending.count, first, last, consumers]


def pending_list(group: Group, options: PendingOptions, now_ms: i64) -> list[object]:
    """ID, consumer, idle ms and deliveries of pending entries, of one consumer or of all."""
    found: list[object] = []
    if options.most == 0:
        return found
    pending = group.pending
    start = options.start
    if options.consumer is not None:
        consumer = group.consumers.get(options.consumer)
        if consumer is None:
            return found
        if start.is_zero() and pending.find(0, 0) and group.owner() is consumer:
            list_pending(found, group, options, now_ms)
        before = start.preceding() if not start.is_zero() else start
        cursor = consumer.ids.cursor(before.ms, before.seq)
        while len(found) < options.most and cursor.step():
            if precedes(options.end.ms, options.end.seq, cursor.ms, cursor.seq):
                break
            if pending.find(cursor.ms, cursor.seq):
                list_pending(found, group, options, now_ms)
        return found
    there = pending.seek(start.ms, start.seq)
    while there and len(found) < options.most:
        if precedes(options.end.ms, options.end.seq, pending.ms(), pending.seq()):
            break
        list_pending(found, group, options, now_ms)
        there = pending.step()
    return found


def list_pending(found: list[object], group: Group, options: PendingOptions, now_ms: i64) -> None:
    """Add the pending entry at the position if it has been idle for long enough."""
    pending = group.pending
    idle = idle_ms(group, now_ms)
    if options.min_idle > 0 and idle < options.min_idle:
        return
    id = id_text(pending.ms(), pending.seq())
    entry: list[object] = [id, group.owner().name, idle, pending.deliveries()]
    found.append(entry)


def idle_ms(group: Group, now_ms: i64) -> i64:
    """Milliseconds since the pending entry at the position was delivered."""
    idle = now_ms - group.pending.delivered_ms()
    return idle if idle > 0 else i64(0)


# XCLAIM


class ClaimOptions:
    """The IDs and the options of XCLAIM."""

    def __init__(self, args: list[bytes], now_ms: i64) -> None:
        self.ids: Final[list[StreamId]] = []
        self.min_idle = min_idle_time(args[4], b"XCLAIM")
        self.delivered_ms: i64 = -1
        self.deliveries: int = -1
        self.force = False
        self.just_id = False
        self.last: StreamId | None = None
        count: i64 = len(args)
        at: i64 = 5
        while at < count:
            id = find_id(args[at], 0)
            if id is None:
                break
            self.ids.append(id)
            at += 1
        while at < count:
            word = args[at].upper()
            more = at + 1 < count
            if word == b"FORCE":
                self.force = True
            elif word == b"JUSTID":
                self.just_id = True
            elif word == b"IDLE" and more:
                at += 1
                idle: int = integer(args[at], invalid_claim_argument(b"IDLE option", b"XCLAIM"))
                self._set_time(int(now_ms) - idle, now_ms)
            elif word == b"TIME" and more:
                at += 1
                self._set_time(integer(args[at], invalid_claim_argument(b"TIME option", b"XCLAIM")), now_ms)
            elif word == b"RETRYCOUNT" and more:
                at += 1
                self.deliveries = integer(args[at], invalid_claim_argument(b"RETRYCOUNT option", b"XCLAIM"))
            elif word == b"LASTID" and more:
                at += 1
                self.last = stream_id(args[at])
            else:
                raise CommandError(unknown_claim_option(args[at]))
            at += 1
        if self.delivered_ms < 0:
            self.delivered_ms = now_ms

    def _set_time(self, at_ms: int, now_ms: i64) -> None:
        """A time before 1970 or in the future counts as now."""
        self.delivered_ms = i64(at_ms) if 0 <= at_ms <= int(now_ms) else now_ms


def min_idle_time(word: bytes, name: bytes) -> i64:
    idle = integer(word, invalid_claim_argument(b"min-idle-time", name))
    return idle if idle > 0 else i64(0)


@command(
    "xclaim", arity=-6, flags=WRITE | FAST, acl=STREAM, keys=one_key(RW | UPDATE), group="stream",
    tips="nondeterministic_output",
    arguments="key#0 group consumer min-idle-time id ... [IDLE ms:integer] "
              "[TIME unix-time-milliseconds:unix-time] [RETRYCOUNT count:integer] [FORCE] [JUSTID] [LASTID lastid]",
    since="5.0.0", complexity="O(log n) for each entry",
    summary="Claim pending entries from other consumers.",
)  # fmt: skip
def xclaim(session: Session, args: list[bytes]) -> object:
    key = args[1]
    name = args[2]
    stream = group_and_stream(session, key, name)
    group = stream.group(name)
    assert group is not None
    now_ms = session.db.moment.now_ms
    options = ClaimOptions(args, now_ms)

    session.journal_only()
    last = options.last
    raised = last is not None and precedes(group.last_ms, group.last_seq, last.ms, last.seq)
    if last is not None and raised:
        group.last_ms = last.ms
        group.last_seq = last.seq
    consumer = consumer_of(session, key, stream, group, args[3])
    picked = Picked()
    changes: i64 = 0
    for id in options.ids:
        changes += claim(session, args, stream, group, consumer, id, options, picked)
    if raised and changes == 0:
        # Each claim in the journal carries the last ID too.
        changes = 1
        if session.journals():
            journal_group_id(session, key, name, group)
    adjust(session, key, stream, group, changes)
    return ids_of(picked) if options.just_id else Entries(picked)


def claim(
    session: Session,
    args: list[bytes],
    stream: Stream,
    group: Group,
    consumer: Consumer,
    id: StreamId,
    options: ClaimOptions,
    picked: Picked,
) -> i64:
    """Claim one entry, and add it to `picked`; return how many changes that is."""
    pending = group.pending
    is_pending = pending.find(id.ms, id.seq)
    if not stream.has(id.ms, id.seq):
        if not is_pending:
            return 0
        forget_deleted(session, args, group)
        return 1
    now_ms = session.db.moment.now_ms
    if is_pending:
        if options.min_idle > 0 and idle_ms(group, now_ms) < options.min_idle:
            return 0
        group.own(consumer)
        deliveries = pending.deliveries()
    elif options.force:
        group.deliver(id.ms, id.seq, consumer, now_ms, 1)
        deliveries = 1
    else:
        return 0
    if options.deliveries >= 0:
        deliveries = options.deliveries
    elif not options.just_id:
        deliveries = raised_count(deliveries)
    pending.set_delivered(options.delivered_ms, deliveries)
    consumer.active_ms = now_ms
    add_claimed(stream, id.ms, id.seq, options.just_id, picked)
    if session.journals():
        journal_claim(session, args[1], args[2], group, consumer)
    return 1


def forget_deleted(session: Session, args: list[bytes], group: Group) -> None:
    """Remove the entry at the position from the pending entries: the stream no longer has it."""
    if session.journals():
        journal_claim(session, args[1], args[2], group, group.owner())
    group.forget()


def add_claimed(stream: Stream, ms: i64, seq: i64, just_id: bool, picked: Picked) -> None:
    if just_id:
        picked.add_missing(ms, seq)
    else:
        stream.pick(picked, ms, seq, ms, seq, 1)


def ids_of(picked: Picked) -> list[object]:
    """The reply for JUSTID."""
    found: list[object] = []
    for k in range(picked.count()):
        found.append(id_text(picked.ms[k], picked.seq[k]))
    return found


# XAUTOCLAIM


@command(
    "xautoclaim", arity=-6, flags=WRITE | FAST, acl=STREAM, keys=one_key(RW | DELETE), group="stream",
    tips="nondeterministic_output",
    arguments="key#0 group consumer min-idle-time start [COUNT count:integer] [JUSTID]",
    since="6.2.0", complexity="O(log n + entries looked at)",
    summary="Claim pending entries that have been idle for some time, a few with each call.",
)  # fmt: skip
def xautoclaim(session: Session, args: list[bytes]) -> object:
    key = args[1]
    name = args[2]
    # The reference looks the key up first, so a miss counts even if an argument is wrong.
    there = session.db.look(key)
    min_idle = min_idle_time(args[4], b"XAUTOCLAIM")
    start = interval_start(args[5])
    most = CLAIMED
    just_id = False
    at = 6
    while at < len(args):
        word = args[at].upper()
        if word == b"COUNT" and at + 1 < len(args):
            most = integer(args[at + 1], COUNT_NOT_ABOVE_0)
            if most < 1 or most > MOST_CLAIMED:
                raise CommandError(COUNT_NOT_ABOVE_0)
            at += 1
        elif word == b"JUSTID":
            just_id = True
        else:
            raise CommandError(SYNTAX)
        at += 1
    stream = session.db.stream_to_change(key, False) if there else None
    group = stream.group(name) if stream is not None else None
    if stream is None or group is None:
        raise CommandError(no_key_or_group(key, name))

    session.journal_only()
    consumer = consumer_of(session, key, stream, group, args[3])
    scan = Claims(session, args, stream, group, consumer, min_idle, just_id)
    following = scan.run(start, most)
    adjust(session, key, stream, group, scan.changes)
    claimed: object = ids_of(scan.picked) if just_id else Entries(scan.picked)
    return [following, claimed, scan.deleted]


class Claims:
    """One run of XAUTOCLAIM over the pending entries."""

    def __init__(
        self,
        session: Session,
        args: list[bytes],
        stream: Stream,
        group: Group,
        consumer: Consumer,
        min_idle: i64,
        just_id: bool,
    ) -> None:
        self.session: Final = session
        self.args: Final = args
        self.stream: Final = stream
        self.group: Final = group
        self.consumer: Final = consumer
        self.min_idle: i64 = min_idle
        self.just_id: Final = just_id
        self.picked: Final = Picked()
        self.deleted: Final[list[object]] = []
        self.changes: i64 = 0

    def run(self, start: StreamId, most: i64) -> bytes:
        """Claim up to `most` entries from `start` on; return the ID where the next run starts, 0-0 at the end."""
        pending = self.group.pending
        attempts: i64 = most * LOOKED_AT if most < ENDLESS // LOOKED_AT else ENDLESS
        there = pending.seek(start.ms, start.seq)
        while there and attempts > 0 and most > 0:
            attempts -= 1
            ms = pending.ms()
            seq = pending.seq()
            if not self.stream.has(ms, seq):
                self.deleted.append(id_text(ms, seq))
                forget_deleted(self.session, self.args, self.group)
                self.changes += 1
                most -= 1
                there = pending.seek(ms, seq)
                continue
            if self.min_idle == 0 or idle_ms(self.group, self.session.db.moment.now_ms) >= self.min_idle:
                self.claim(ms, seq)
                most -= 1
            there = pending.step()
        return id_text(pending.ms(), pending.seq()) if there else b"0-0"

    def claim(self, ms: i64, seq: i64) -> None:
        """Claim the entry at the position.  The position stays."""
        pending = self.group.pending
        now_ms = self.session.db.moment.now_ms
        self.group.own(self.consumer)
        deliveries = pending.deliveries()
        pending.set_delivered(now_ms, deliveries if self.just_id else raised_count(deliveries))
        self.consumer.active_ms = now_ms
        self.changes += 1
        add_claimed(self.stream, ms, seq, self.just_id, self.picked)
        if self.session.journals():
            journal_claim(self.session, self.args[1], self.args[2], self.group, self.consumer)
