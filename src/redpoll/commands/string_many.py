"""MGET, MSET and other commands on several strings."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, INSERT, OW, RO, UPDATE, counted_keys, key_range
from redpoll.catalogue.spec import DENYOOM, FAST, MOVABLEKEYS, READONLY, STRING, WRITE
from redpoll.commands.string_options import EXISTENCE, KEEP, StringOptions
from redpoll.engine.args import Args, integer
from redpoll.engine.command import Handler, command
from redpoll.engine.session import Session
from redpoll.errors import INVALID_NUMKEYS, SYNTAX, CommandError, wrong_arity
from redpoll.keyspace.events import EXPIRE, SET
from redpoll.keyspace.key_lookups import WARM_KEYS
from redpoll.protocol.reply import OK

INT32_MAX: Final[i64] = 2147483647


class Mget(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return session.db.strings(args)


command(
    "mget", arity=-2, flags=READONLY | FAST, acl=STRING, keys=key_range(1, -1, 1, RO | ACCESS), group="string",
    tips="request_policy:multi_shard",
    arguments="key#0 ...",
    since="1.0.0", complexity="O(1) for each key", summary="Return the strings at several keys.",
)(Mget())  # fmt: skip


class Mset(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        if len(args) & 1 == 0:
            raise CommandError(wrong_arity(b"mset"))
        set_pairs(session, args, 1, len(args), 0, False)
        return OK


command(
    "mset", arity=-3, flags=WRITE | DENYOOM, acl=STRING, keys=key_range(1, -1, 2, OW | UPDATE), group="string",
    tips="request_policy:multi_shard response_policy:all_succeeded",
    arguments="(data: key#0 value) ...",
    since="1.0.1", complexity="O(1) for each key", summary="Set several strings.",
)(Mset())  # fmt: skip


@command(
    "msetnx", arity=-3, flags=WRITE | DENYOOM, acl=STRING, keys=key_range(1, -1, 2, OW | INSERT), group="string",
    arguments="(data: key#0 value) ...",
    since="1.0.1", complexity="O(1) for each key",
    summary="Set several strings, unless one of the keys exists.",
)  # fmt: skip
def msetnx(session: Session, args: list[bytes]) -> object:
    if len(args) & 1 == 0:
        raise CommandError(wrong_arity(b"msetnx"))
    if not all_are(session, args, 1, len(args), False):
        return 0
    set_pairs(session, args, 1, len(args), 0, False)
    return 1


@command(
    "msetex", arity=-4, flags=WRITE | DENYOOM | MOVABLEKEYS, acl=STRING, keys=counted_keys(1, OW | UPDATE, 2),
    group="string", tips="request_policy:multi_shard response_policy:all_succeeded",
    arguments="numkeys:integer (data: key#0 value) ... [condition: NX | XX] [expiration: EX seconds:integer | "
              "PX milliseconds:integer | EXAT unix-time-seconds:unix-time | PXAT unix-time-milliseconds:unix-time | "
              "KEEPTTL]",
    since="9.1.0", complexity="O(1) for each key",
    summary="Set several strings, optionally with one expiry and a condition for all.",
)  # fmt: skip
def msetex(session: Session, args: list[bytes]) -> object:
    count = integer(args[1], INVALID_NUMKEYS)
    if count < 1 or count > INT32_MAX:
        raise CommandError(INVALID_NUMKEYS)
    stop = 2 + 2 * count
    if stop > len(args):
        raise CommandError(SYNTAX)
    options = StringOptions(session, Args(args, stop), EXISTENCE | KEEP, b"msetex")
    if (options.only_new or options.only_old) and not all_are(session, args, 2, stop, options.only_old):
        return 0
    set_pairs(session, args, 2, stop, options.deadline_ms, options.keep_deadline)
    if options.deadline_ms > 0:
        session.journal_as(options.absolute(args))
    return 1


def all_are(session: Session, args: list[bytes], at: i64, stop: i64, there: bool) -> bool:
    """Whether every key of the pairs in `args[at:stop]` exists (if `there`) or is missing (if not)."""
    db = session.db
    while at < stop:
        if db.look_to_change(args[at]) != there:
            return False
        at += 2
    return True


def set_pairs(session: Session, args: list[bytes], at: i64, stop: i64, deadline_ms: i64, keep_deadline: bool) -> None:
    """Store the pairs in `args` from `at` to before `stop`, and report each change."""
    db = session.db
    done: i64 = 0
    while at < stop:
        if done & (WARM_KEYS - 1) == 0:
            db.warm(args, at, 2)
        done += 1
        db.set_string(args[at], args[at + 1], keep_deadline)
        if deadline_ms > 0:
            db.set_deadline(deadline_ms)
        db.changed(args[at], None, SET, 1)
        if deadline_ms > 0:
            session.also(args[at], EXPIRE)
        at += 2
