"""Streams: add entries, read ranges, delete and trim."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, DELETE, RO, RW, UPDATE, one_key
from redpoll.catalogue.spec import DENYOOM, FAST, READONLY, STREAM, WRITE
from redpoll.commands.stream_arguments import entry_count, interval_end, interval_start, stream_id
from redpoll.commands.stream_replies import Entries
from redpoll.engine.args import integer
from redpoll.engine.command import Handler, command
from redpoll.engine.session import Session
from redpoll.errors import (
    INVALID_STREAM_ID,
    LIMIT_WITHOUT_STRATEGY,
    LIMIT_WITHOUT_TILDE,
    NO_STRATEGY,
    NO_SUCH_KEY,
    STREAM_MAXLEN_NEGATIVE,
    SYNTAX,
    TRIM_LIMIT_NEGATIVE,
    TWO_STRATEGIES,
    XADD_EXHAUSTED,
    XADD_ID_TOO_SMALL,
    XADD_TOO_LARGE,
    XADD_ZERO_ID,
    XSETID_BELOW_DELETED,
    XSETID_BELOW_GIVEN,
    XSETID_BELOW_TOP,
    XSETID_FEW_ADDED,
    XSETID_NEGATIVE_ADDED,
    CommandError,
    wrong_arity,
)
from redpoll.keyspace.events import XADD, XDEL, XSETID, XTRIM, Event
from redpoll.protocol.numbers import int_text
from redpoll.protocol.reply import NULL_ARRAY, OK
from redpoll.structures.blocks import MOST_NODE_BYTES
from redpoll.structures.entries import ENDLESS, Picked
from redpoll.structures.ids import StreamId, below, raised
from redpoll.structures.packed import words_bytes
from redpoll.types.kinds import EncodingLimits
from redpoll.types.stream import Stream, id_text

NO_TRIM: Final = 0
BY_LENGTH: Final = 1
BY_ID: Final = 2

NODES_TRIMMED: Final[i64] = 100
"""Without a LIMIT, `~` deletes the entries of at most this many nodes ..."""
MOST_TRIMMED: Final[i64] = 1000000
"""... and never more than this ..."""
TRIMMED_OF_ENDLESS_NODES: Final[i64] = 10000
"""... or this, where nodes have no limit."""


class AddOptions:
    """The options of XADD and XTRIM.  Afterwards `at` is the index after them."""

    def __init__(self, args: list[bytes], adding: bool) -> None:
        self.strategy = NO_TRIM
        self.strategy_at: i64 = 0
        self.roughly = False
        self.most: i64 = 0
        self.low: StreamId | None = None
        self.limit: i64 = -1
        self.make = True
        self.id: StreamId | None = None
        """None for `*`."""
        self.id_given = False
        self.seq_given = False
        self.at: i64 = 2
        last: i64 = i64(len(args)) - 1
        while self.at <= last:
            word = args[self.at]
            if adding and len(word) == 1 and word[0] == 42:
                break
            name = word.upper()
            more = self.at < last
            if (name == b"MAXLEN" or name == b"MINID") and more:
                self._read_strategy(args, name == b"MAXLEN", last)
            elif name == b"LIMIT" and more:
                self.limit = integer(args[self.at + 1])
                if self.limit < 0:
                    raise CommandError(TRIM_LIMIT_NEGATIVE)
                self.at += 1
            elif adding and name == b"NOMKSTREAM":
                self.make = False
            elif adding:
                self._read_id(word)
                break
            else:
                raise CommandError(SYNTAX)
            self.at += 1
        self._check(adding)

    def _read_strategy(self, args: list[bytes], by_length: bool, last: i64) -> None:
        if self.strategy != NO_TRIM:
            raise CommandError(TWO_STRATEGIES)
        self.strategy_at = self.at
        self.roughly = False
        if last - self.at >= 2:
            sign = args[self.at + 1]
            if sign == b"~" or sign == b"=":
                self.roughly = sign == b"~"
                self.at += 1
        self.at += 1
        if by_length:
            self.most = integer(args[self.at])
            if self.most < 0:
                raise CommandError(STREAM_MAXLEN_NEGATIVE)
            self.strategy = BY_LENGTH
        else:
            self.low = stream_id(args[self.at])
            self.strategy = BY_ID

    def _read_id(self, word: bytes) -> None:
        self.id_given = True
        self.seq_given = True
        if word.endswith(b"-*"):
            # The server chooses the seq.
            self.seq_given = False
            word = word[:-2]
            if b"-" in word:
                raise CommandError(INVALID_STREAM_ID)
        self.id = stream_id(word)

    def _check(self, adding: bool) -> None:
        if self.limit > 0 and self.strategy == NO_TRIM:
            raise CommandError(LIMIT_WITHOUT_STRATEGY)
        if not adding and self.strategy == NO_TRIM:
            raise CommandError(NO_STRATEGY)
        if self.limit >= 0 and not self.roughly:
            raise CommandError(LIMIT_WITHOUT_TILDE)

    def trim(self, stream: Stream, limits: EncodingLimits) -> i64:
        """Trim the stream as the options say; return how many entries were deleted."""
        if self.strategy == NO_TRIM:
            return 0
        limit = self.limit
        if limit < 0:
            limit = limit_of(limits) if self.roughly else i64(0)
        low = self.low
        if low is not None:
            return stream.trim_below(low.ms, low.seq, self.roughly, limit)
        return stream.trim_to_length(self.most, self.roughly, limit)

    def exact_words(self, args: list[bytes], stream: Stream) -> list[bytes]:
        """The options that trim a copy of the stream to the same entries, whatever its nodes; empty if none."""
        if self.strategy == NO_TRIM:
            return []
        if not self.roughly:
            return args[self.strategy_at : self.strategy_at + (3 if args[self.strategy_at + 1] == b"=" else 2)]
        if self.strategy == BY_LENGTH:
            return [b"MAXLEN", b"=", int_text(stream.length())]
        first = stream.first_id()
        if first is None:
            first = StreamId(-1, -1)
        return [b"MINID", b"=", id_text(first.ms, first.seq)]


def limit_of(limits: EncodingLimits) -> i64:
    """The most entries that `~` deletes without LIMIT."""
    limit = limits.stream_node_entries * NODES_TRIMMED
    if limit <= 0:
        return TRIMMED_OF_ENDLESS_NODES
    return limit if limit < MOST_TRIMMED else MOST_TRIMMED


def tell(session: Session, key: bytes, stream: Stream, event: Event, count: i64) -> None:
    """Report a change that adds no entry, so that no waiting session has to look."""
    session.db.keep(key, stream)
    session.changed(key, None, event, count)


class Xadd(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        options = AddOptions(args, True)
        first: i64 = options.at + 1
        count: i64 = len(args)
        if count - first < 2 or (count - first) & 1 != 0:
            raise CommandError(wrong_arity(b"xadd"))
        given = options.id
        if given is not None and options.seq_given and given.is_zero():
            raise CommandError(XADD_ZERO_ID)
        db = session.db
        key = args[1]
        stream = db.stream_to_change(key, options.make)
        if stream is None:
            return None
        id = next_id(stream, options, db.moment.now_ms)
        if words_bytes(args, first) > MOST_NODE_BYTES:
            raise CommandError(XADD_TOO_LARGE)

        stream.append(id.ms, id.seq, args, first, db.moment.limits)
        trimmed = options.trim(stream, db.moment.limits)

        session.changed(key, stream, XADD, 1)
        if trimmed > 0:
            session.also(key, XTRIM)
        said = id_text(id.ms, id.seq)
        if session.journals() and (not options.seq_given or options.roughly):
            words = [args[0], key]
            if not options.make:
                words.append(b"NOMKSTREAM")
            session.journal_as([*words, *options.exact_words(args, stream), said, *args[first:]])
        return said


command(
    "xadd", arity=-5, flags=WRITE | DENYOOM | FAST, acl=STREAM, keys=one_key(RW | UPDATE), group="stream",
    tips="nondeterministic_output",
    arguments="key#0 [NOMKSTREAM@6.2.0] [trim: (strategy: MAXLEN | MINID@6.2.0) "
              "[operator: (equal: '=') | (approximately: '~')] threshold "
              "[LIMIT count:integer@6.2.0]] (id-selector: (auto-id: '*') | id) (data: field value) ...",
    since="5.0.0", complexity="O(1), and O(n) for n entries trimmed",
    summary="Append an entry to a stream, optionally trim the stream, and return the entry's ID.",
)(Xadd())  # fmt: skip


def next_id(stream: Stream, options: AddOptions, now_ms: i64) -> StreamId:
    """The ID of the entry to add: the given one, or a new one greater than all others."""
    last_ms = stream.last_ms
    last_seq = stream.last_seq
    if last_ms == -1 and last_seq == -1:
        raise CommandError(XADD_EXHAUSTED)
    given = options.id
    if given is None:
        if below(last_ms, now_ms):
            return StreamId(now_ms, 0)
        return StreamId(last_ms, last_seq).following()
    if not options.seq_given:
        if given.ms == last_ms:
            if last_seq == -1:
                raise CommandError(XADD_ID_TOO_SMALL)
            given = StreamId(given.ms, raised(last_seq))
        else:
            given = StreamId(given.ms, 0)
    if not stream.last_id().is_before(given):
        raise CommandError(XADD_ID_TOO_SMALL)
    return given


@command(
    "xlen", arity=2, flags=READONLY | FAST, acl=STREAM, keys=one_key(RO), group="stream",
    arguments="key#0",
    since="5.0.0", complexity="O(1)", summary="Return the number of entries of a stream.",
)  # fmt: skip
def xlen(session: Session, args: list[bytes]) -> object:
    stream = session.db.stream(args[1])
    return stream.length() if stream is not None else 0


@command(
    "xrange", arity=-4, flags=READONLY, acl=STREAM, keys=one_key(RO | ACCESS), group="stream",
    arguments="key#0 start end [COUNT count:integer]",
    since="5.0.0", complexity="O(log n + entries returned)",
    summary="Return the entries of a stream in a range of IDs.",
)  # fmt: skip
def xrange_(session: Session, args: list[bytes]) -> object:
    return entries_between(session, args, args[2], args[3], False)


@command(
    "xrevrange", arity=-4, flags=READONLY, acl=STREAM, keys=one_key(RO | ACCESS), group="stream",
    arguments="key#0 end start [COUNT count:integer]",
    since="5.0.0", complexity="O(log n + entries returned)",
    summary="Return the entries of a stream in a range of IDs, in reverse.",
)  # fmt: skip
def xrevrange(session: Session, args: list[bytes]) -> object:
    return entries_between(session, args, args[3], args[2], True)


def entries_between(session: Session, args: list[bytes], low: bytes, high: bytes, reverse: bool) -> object:
    """XRANGE and XREVRANGE: the entries from `low` to `high`."""
    start = interval_start(low)
    end = interval_end(high)
    most: i64 = ENDLESS
    at: i64 = 4
    count: i64 = len(args)
    while at < count:
        if at + 1 >= count or args[at].upper() != b"COUNT":
            raise CommandError(SYNTAX)
        most = entry_count(args[at + 1])
        at += 2
    stream = session.db.stream(args[1])
    if stream is None:
        return []
    if most == 0:
        return NULL_ARRAY
    picked = Picked()
    stream.pick(picked, start.ms, start.seq, end.ms, end.seq, most, reverse)
    return Entries(picked)


@command(
    "xdel", arity=-3, flags=WRITE | FAST, acl=STREAM, keys=one_key(RW | DELETE), group="stream",
    arguments="key#0 id ...",
    since="5.0.0", complexity="O(log n) for each entry",
    summary="Delete entries of a stream and return how many existed.",
)  # fmt: skip
def xdel(session: Session, args: list[bytes]) -> object:
    stream = session.db.stream_to_change(args[1], False)
    if stream is None:
        return 0
    ids = [stream_id(word) for word in args[2:]]

    deleted: i64 = 0
    for id in ids:
        if stream.delete(id.ms, id.seq):
            deleted += 1

    if deleted > 0:
        stream.end_deletes()
        tell(session, args[1], stream, XDEL, deleted)
    return deleted


@command(
    "xtrim", arity=-4, flags=WRITE, acl=STREAM, keys=one_key(RW | DELETE), group="stream",
    tips="nondeterministic_output",
    arguments="key#0 (trim: (strategy: MAXLEN | MINID@6.2.0) [operator: (equal: '=') | (approximately: '~')] threshold "
              "[LIMIT count:integer]@6.2.0)",
    since="5.0.0", complexity="O(entries deleted)",
    summary="Delete the oldest entries of a stream and return how many.",
)  # fmt: skip
def xtrim(session: Session, args: list[bytes]) -> object:
    options = AddOptions(args, False)
    stream = session.db.stream_to_change(args[1], False)
    if stream is None:
        return 0
    deleted = options.trim(stream, session.db.moment.limits)
    if deleted > 0:
        tell(session, args[1], stream, XTRIM, deleted)
        if options.roughly and session.journals():
            session.journal_as([args[0], args[1], *options.exact_words(args, stream)])
    return deleted


@command(
    "xsetid", arity=-3, flags=WRITE | DENYOOM | FAST, acl=STREAM, keys=one_key(RW | UPDATE), group="stream",
    arguments="key#0 last-id [ENTRIESADDED entries-added:integer@7.0.0] [MAXDELETEDID max-deleted-id@7.0.0]",
    since="5.0.0", complexity="O(1)",
    summary="Set the last ID and the counters of a stream. For replication.",
)  # fmt: skip
def xsetid(session: Session, args: list[bytes]) -> object:
    id = stream_id(args[2])
    added: i64 = -1
    deleted: StreamId | None = None
    at = 3
    while at < len(args):
        word = args[at].upper()
        if at + 1 >= len(args):
            raise CommandError(SYNTAX)
        if word == b"ENTRIESADDED":
            added = integer(args[at + 1])
            if added < 0:
                raise CommandError(XSETID_NEGATIVE_ADDED)
        elif word == b"MAXDELETEDID":
            deleted = stream_id(args[at + 1])
            if id.is_before(deleted):
                raise CommandError(XSETID_BELOW_GIVEN)
        else:
            raise CommandError(SYNTAX)
        at += 2
    stream = session.db.stream_to_change(args[1], False)
    if stream is None:
        raise CommandError(NO_SUCH_KEY)
    if id.is_before(StreamId(stream.gone_ms, stream.gone_seq)):
        raise CommandError(XSETID_BELOW_DELETED)
    end = stream.end_id()
    if end is not None and id.is_before(end):
        raise CommandError(XSETID_BELOW_TOP)
    if added != -1 and stream.length() > added:
        raise CommandError(XSETID_FEW_ADDED)

    stream.last_ms = id.ms
    stream.last_seq = id.seq
    if added != -1:
        stream.added = added
    if deleted is not None and not deleted.is_zero():
        stream.gone_ms = deleted.ms
        stream.gone_seq = deleted.seq
    stream.end_settings()
    tell(session, args[1], stream, XSETID, 1)
    return OK
