"""Deadlines of keys: setting, reading and taking them away."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, RO, RW, UPDATE, one_key
from redpoll.catalogue.spec import FAST, KEYSPACE, READONLY, WRITE
from redpoll.commands.times import instant_ms
from redpoll.engine.args import integer
from redpoll.engine.command import Handler, command
from redpoll.engine.session import Session
from redpoll.errors import EXPIRE_GT_LT_CONFLICT, EXPIRE_NX_CONFLICT, CommandError, unsupported_option
from redpoll.keyspace.events import EXPIRE, PERSIST
from redpoll.protocol.numbers import int_text


class Condition:
    """NX, XX, GT, LT after a deadline."""

    def __init__(self, words: list[bytes]) -> None:
        self.nx = self.xx = self.gt = self.lt = False
        for word in words:
            upper = word.upper()
            if upper == b"NX":
                self.nx = True
            elif upper == b"XX":
                self.xx = True
            elif upper == b"GT":
                self.gt = True
            elif upper == b"LT":
                self.lt = True
            else:
                raise CommandError(unsupported_option(word))
        if self.nx and (self.xx or self.gt or self.lt):
            raise CommandError(EXPIRE_NX_CONFLICT)
        if self.gt and self.lt:
            raise CommandError(EXPIRE_GT_LT_CONFLICT)

    def met(self, old_ms: i64, new_ms: i64) -> bool:
        """Whether a key with deadline `old_ms` (0: none, which counts as infinite) may get `new_ms`."""
        if (self.nx and old_ms != 0) or (self.xx and old_ms == 0):
            return False
        if self.gt and (old_ms == 0 or new_ms <= old_ms):
            return False
        return not (self.lt and old_ms != 0 and new_ms >= old_ms)


def set_deadline(session: Session, args: list[bytes], name: bytes, seconds: bool, from_now: bool) -> object:
    """EXPIRE and related commands: return 1 if the deadline was set, else 0.

    If the deadline is past, the key is deleted, which also counts as 1.
    """
    condition = Condition(args[3:])
    at_ms = instant_ms(session, integer(args[2]), seconds, from_now, name)
    key = args[1]
    db = session.db
    if not db.look_to_change(key):
        return 0
    if not condition.met(db.table.deadline(), at_ms):
        return 0
    if at_ms <= db.moment.now_ms and db.moment.deleting_expired:
        db.expire_now(key)
        session.journal_as([b"UNLINK", key])
        return 1
    # A deadline of 0 would mean none.
    db.set_deadline(max(at_ms, 1))
    session.changed(key, None, EXPIRE, 1)
    session.journal_as([b"PEXPIREAT", key, int_text(at_ms), *args[3:]])
    return 1


class Expire(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return set_deadline(session, args, b"expire", True, True)


command(
    "expire", arity=-3, flags=WRITE | FAST, acl=KEYSPACE, keys=one_key(RW | UPDATE), group="generic",
    arguments="key#0 seconds:integer [condition: NX | XX | GT | LT]@7.0.0",
    since="1.0.0", complexity="O(1)", summary="Set the time to live of a key in seconds.",
)(Expire())  # fmt: skip


@command(
    "pexpire", arity=-3, flags=WRITE | FAST, acl=KEYSPACE, keys=one_key(RW | UPDATE), group="generic",
    arguments="key#0 milliseconds:integer [condition: NX | XX | GT | LT]@7.0.0",
    since="2.6.0", complexity="O(1)", summary="Set the time to live of a key in milliseconds.",
)  # fmt: skip
def pexpire(session: Session, args: list[bytes]) -> object:
    return set_deadline(session, args, b"pexpire", False, True)


@command(
    "expireat", arity=-3, flags=WRITE | FAST, acl=KEYSPACE, keys=one_key(RW | UPDATE), group="generic",
    arguments="key#0 unix-time-seconds:unix-time [condition: NX | XX | GT | LT]@7.0.0",
    since="1.2.0", complexity="O(1)", summary="Set when a key expires, as Unix time in seconds.",
)  # fmt: skip
def expireat(session: Session, args: list[bytes]) -> object:
    return set_deadline(session, args, b"expireat", True, False)


@command(
    "pexpireat", arity=-3, flags=WRITE | FAST, acl=KEYSPACE, keys=one_key(RW | UPDATE), group="generic",
    arguments="key#0 unix-time-milliseconds:unix-time [condition: NX | XX | GT | LT]@7.0.0",
    since="2.6.0", complexity="O(1)", summary="Set when a key expires, as Unix time in milliseconds.",
)  # fmt: skip
def pexpireat(session: Session, args: list[bytes]) -> object:
    return set_deadline(session, args, b"pexpireat", False, False)


def remaining(session: Session, key: bytes, seconds: bool, from_now: bool) -> object:
    """A key's deadline as asked for; -1 if it has none, -2 if there is no key."""
    at_ms = session.db.deadline_of(key)
    if at_ms <= 0:
        return -2 if at_ms < 0 else -1
    if from_now:
        at_ms = max(at_ms - session.db.moment.now_ms, 0)
    # Round half up.  Adding 500 could exceed 64 bits.
    return at_ms // 1000 + int(at_ms % 1000 >= 500) if seconds else at_ms


class Ttl(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return remaining(session, args[1], True, True)


command(
    "ttl", arity=2, flags=READONLY | FAST, acl=KEYSPACE, keys=one_key(RO | ACCESS), group="generic",
    tips="nondeterministic_output",
    arguments="key#0",
    since="1.0.0", complexity="O(1)", summary="Return the seconds until a key expires.",
)(Ttl())  # fmt: skip


@command(
    "pttl", arity=2, flags=READONLY | FAST, acl=KEYSPACE, keys=one_key(RO | ACCESS), group="generic",
    tips="nondeterministic_output",
    arguments="key#0",
    since="2.6.0", complexity="O(1)", summary="Return the milliseconds until a key expires.",
)  # fmt: skip
def pttl(session: Session, args: list[bytes]) -> object:
    return remaining(session, args[1], False, True)


@command(
    "expiretime", arity=2, flags=READONLY | FAST, acl=KEYSPACE, keys=one_key(RO | ACCESS), group="generic",
    arguments="key#0",
    since="7.0.0", complexity="O(1)", summary="Return when a key expires, as Unix time in seconds.",
)  # fmt: skip
def expiretime(session: Session, args: list[bytes]) -> object:
    return remaining(session, args[1], True, False)


@command(
    "pexpiretime", arity=2, flags=READONLY | FAST, acl=KEYSPACE, keys=one_key(RO | ACCESS), group="generic",
    arguments="key#0",
    since="7.0.0", complexity="O(1)", summary="Return when a key expires, as Unix time in milliseconds.",
)  # fmt: skip
def pexpiretime(session: Session, args: list[bytes]) -> object:
    return remaining(session, args[1], False, False)


@command(
    "persist", arity=2, flags=WRITE | FAST, acl=KEYSPACE, keys=one_key(RW | UPDATE), group="generic",
    arguments="key#0",
    since="2.2.0", complexity="O(1)", summary="Remove the expiry of a key.",
)  # fmt: skip
def persist(session: Session, args: list[bytes]) -> object:
    db = session.db
    if not db.look_to_change(args[1]) or db.table.deadline() == 0:
        return 0
    db.set_deadline(0)
    session.changed(args[1], None, PERSIST, 1)
    return 1
