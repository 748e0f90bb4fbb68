"""XGROUP and XACK: consumer groups of streams, and acknowledging entries."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import DELETE, INSERT, RW, UPDATE, one_key
from redpoll.catalogue.spec import DENYOOM, FAST, STREAM, WRITE
from redpoll.commands.containers import container, help_command
from redpoll.commands.stream_arguments import LEAST, loose_id, stream_id
from redpoll.commands.streams import tell
from redpoll.engine.args import integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import (
    BUSYGROUP,
    ENTRIESREAD_NEGATIVE,
    XGROUP_NEEDS_KEY,
    CommandError,
    no_such_group,
    wrong_subcommand,
)
from redpoll.keyspace.events import (
    XGROUP_CREATE,
    XGROUP_CREATECONSUMER,
    XGROUP_DELCONSUMER,
    XGROUP_DESTROY,
    XGROUP_MKSTREAM,
    XGROUP_SETID,
)
from redpoll.protocol.reply import OK
from redpoll.structures.ids import StreamId
from redpoll.types.stream import Stream
from redpoll.types.stream_group import UNKNOWN, Consumer, Group
from redpoll.types.value import CREATED

xgroup = container("xgroup", group="stream", since="5.0.0", summary="Commands about the consumer groups of streams.")


class GroupOptions:
    """The options of XGROUP CREATE and SETID."""

    def __init__(self, args: list[bytes], creating: bool) -> None:
        self.make = False
        self.read: i64 = UNKNOWN
        at = 5
        while at < len(args):
            word = args[at].upper()
            if creating and word == b"MKSTREAM":
                self.make = True
                at += 1
            elif word == b"ENTRIESREAD" and at + 1 < len(args):
                self.read = integer(args[at + 1])
                if self.read < 0 and self.read != UNKNOWN:
                    raise CommandError(ENTRIESREAD_NEGATIVE)
                at += 2
            else:
                raise CommandError(wrong_subcommand(args[1], b"XGROUP"))


def stream_of_group(session: Session, key: bytes) -> Stream:
    """The stream at `key` to change.  Raises CommandError if there is none."""
    stream = session.db.stream_to_change(key, False)
    if stream is None:
        raise CommandError(XGROUP_NEEDS_KEY)
    return stream


def group_of(stream: Stream, args: list[bytes]) -> Group:
    """The group that XGROUP names.  Raises CommandError if there is none."""
    group = stream.group(args[3])
    if group is None:
        raise CommandError(no_such_group(args[3], args[2]))
    return group


def consumer_of(session: Session, key: bytes, stream: Stream, group: Group, name: bytes) -> Consumer:
    """The consumer of this name; it is created if it does not exist.  Sets its seen time."""
    now_ms = session.db.moment.now_ms
    consumer = group.consumers.get(name)
    if consumer is None:
        consumer = group.add_consumer(name, now_ms)
        adjust(session, key, stream, group, 1)
        session.also(key, XGROUP_CREATECONSUMER)
    consumer.seen_ms = now_ms
    return consumer


def adjust(session: Session, key: bytes, stream: Stream, group: Group, count: i64) -> None:
    """Count changes of a group that cause no event."""
    stream.account(group)
    session.db.keep(key, stream, count)


@command(
    "xgroup|create", arity=-5, flags=WRITE | DENYOOM, acl=STREAM, keys=one_key(RW | INSERT, 2), group="stream",
    arguments="key#0 group (id-selector: id | (new-id: '$')) [MKSTREAM] "
              "[ENTRIESREAD entriesread:integer<entries-read>]",
    since="5.0.0", complexity="O(1)",
    summary="Create a consumer group that starts after an ID; MKSTREAM creates the stream too.",
)  # fmt: skip
def xgroup_create(session: Session, args: list[bytes]) -> object:
    options = GroupOptions(args, True)
    key = args[2]
    stream = session.db.stream_to_change(key, options.make)
    if stream is None:
        raise CommandError(XGROUP_NEEDS_KEY)
    if len(args) > 8:
        raise CommandError(wrong_subcommand(args[1], b"XGROUP"))
    last = stream.last_id() if args[4] == b"$" else stream_id(args[4])
    if stream.group(args[3]) is not None:
        raise CommandError(BUSYGROUP)

    created = stream.home == CREATED
    stream.add_group(args[3], last.ms, last.seq, options.read)
    if created:
        session.changed(key, stream, XGROUP_MKSTREAM, 1)
    else:
        tell(session, key, stream, XGROUP_CREATE, 1)
    return OK


@command(
    "xgroup|createconsumer", arity=5, flags=WRITE | DENYOOM, acl=STREAM, keys=one_key(RW | INSERT, 2), group="stream",
    arguments="key#0 group consumer",
    since="6.2.0", complexity="O(1)", summary="Create a consumer; return 1 if it is new.",
)  # fmt: skip
def xgroup_createconsumer(session: Session, args: list[bytes]) -> object:
    key = args[2]
    stream = stream_of_group(session, key)
    group = group_of(stream, args)
    if args[4] in group.consumers:
        return 0
    group.add_consumer(args[4], session.db.moment.now_ms)
    stream.account(group)
    tell(session, key, stream, XGROUP_CREATECONSUMER, 1)
    return 1


@command(
    "xgroup|delconsumer", arity=5, flags=WRITE, acl=STREAM, keys=one_key(RW | DELETE, 2), group="stream",
    arguments="key#0 group consumer",
    since="5.0.0", complexity="O(pending entries of the consumer)",
    summary="Delete a consumer and its pending entries; return how many entries.",
)  # fmt: skip
def xgroup_delconsumer(session: Session, args: list[bytes]) -> object:
    key = args[2]
    stream = stream_of_group(session, key)
    group = group_of(stream, args)
    consumer = group.consumers.get(args[4])
    if consumer is None:
        return 0
    pending = group.delete_consumer(consumer)
    stream.account(group)
    tell(session, key, stream, XGROUP_DELCONSUMER, 1)
    return pending


@command(
    "xgroup|destroy", arity=4, flags=WRITE, acl=STREAM, keys=one_key(RW | DELETE, 2), group="stream",
    arguments="key#0 group",
    since="5.0.0", complexity="O(1); the memory comes back little by little",
    summary="Delete a consumer group with its consumers and pending entries; return 1 if it existed.",
)  # fmt: skip
def xgroup_destroy(session: Session, args: list[bytes]) -> object:
    key = args[2]
    stream = stream_of_group(session, key)
    if stream.group(args[3]) is None:
        return 0
    gone = stream.remove_group(args[3])
    # Passing the stream makes sessions that wait for the group look at the key again.
    session.changed(key, stream, XGROUP_DESTROY, 1)
    session.db.reclaimer.drop(gone)
    return 1


@command(
    "xgroup|setid", arity=-5, flags=WRITE, acl=STREAM, keys=one_key(RW | UPDATE, 2), group="stream",
    arguments="key#0 group (id-selector: id | (new-id: '$')) [ENTRIESREAD entriesread:integer<entries-read>]",
    since="5.0.0", complexity="O(1)", summary="Set the last delivered ID of a consumer group.",
)  # fmt: skip
def xgroup_setid(session: Session, args: list[bytes]) -> object:
    options = GroupOptions(args, False)
    key = args[2]
    stream = stream_of_group(session, key)
    group = group_of(stream, args)
    if len(args) > 7:
        raise CommandError(wrong_subcommand(args[1], b"XGROUP"))
    # Unlike CREATE it knows the least and the greatest ID by their signs.
    last = stream.last_id() if args[4] == b"$" else loose_id(args[4], LEAST)

    group.last_ms = last.ms
    group.last_seq = last.seq
    group.read = options.read
    tell(session, key, stream, XGROUP_SETID, 1)
    return OK


help_command(xgroup, since="5.0.0", acl=STREAM)


@command(
    "xack", arity=-4, flags=WRITE | FAST, acl=STREAM, keys=one_key(RW | UPDATE), group="stream",
    arguments="key#0 group id ...",
    since="5.0.0", complexity="O(log n) for each entry",
    summary="Acknowledge pending entries of a group and return how many were pending.",
)  # fmt: skip
def xack(session: Session, args: list[bytes]) -> object:
    key = args[1]
    stream = session.db.stream(key)
    group = stream.group(args[2]) if stream is not None else None
    if stream is None or group is None:
        return 0
    acknowledged: i64 = 0
    if len(args) == 4:
        id = stream_id(args[3])
        if acknowledge(group, id):
            acknowledged = 1
    else:
        ids = [stream_id(word) for word in args[3:]]
        for id in ids:
            if acknowledge(group, id):
                acknowledged += 1
    if acknowledged > 0:
        adjust(session, key, stream, group, acknowledged)
    return acknowledged


def acknowledge(group: Group, id: StreamId) -> bool:
    """Remove an entry from the pending ones; return whether it was pending."""
    if not group.pending.find(id.ms, id.seq):
        return False
    group.forget()
    return True
