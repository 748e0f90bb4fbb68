"""Sets: add, remove, find and move members.  `set_algebra.py` and `set_random.py` have the other commands."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, DELETE, INSERT, RO, RW, KeyRange, one_key
from redpoll.catalogue.spec import DENYOOM, FAST, READONLY, SET, WRITE
from redpoll.commands.set_replies import all_members
from redpoll.engine.command import Handler, command
from redpoll.engine.session import Session
from redpoll.keyspace.events import SADD, SREM
from redpoll.protocol.reply import SET as SET_SHAPE
from redpoll.protocol.reply import SetOf
from redpoll.types.value import CREATED


class Sadd(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        db = session.db
        limits = db.moment.limits
        key = args[1]
        value = db.members_to_change(key, True)
        assert value is not None

        kind = value.kind
        count: i64 = len(args)
        value.expect(args[2], count - 2, limits)
        added: i64 = 0
        i: i64 = 2
        while i < count:
            if value.add(args[i], limits):
                added += 1
            i += 1

        if added > 0:
            session.changed(key, value, SADD, added)
        elif value.kind != kind:
            # The number of arguments changes the encoding, even if all of them are members already.
            db.put_back(key, value)
        return added


command(
    "sadd", arity=-3, flags=WRITE | DENYOOM | FAST, acl=SET, keys=one_key(RW | INSERT), group="set",
    arguments="key#0 member ...",
    since="1.0.0", complexity="O(1) for each member", summary="Add members to a set and return how many are new.",
)(Sadd())  # fmt: skip


class Srem(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        key = args[1]
        value = session.db.members_to_change(key, False)
        if value is None:
            return 0
        count: i64 = len(args)
        removed: i64 = 0
        i: i64 = 2
        while i < count:
            if value.remove(args[i]):
                removed += 1
            i += 1
        if removed > 0:
            session.changed(key, value, SREM, removed)
        return removed


command(
    "srem", arity=-3, flags=WRITE | FAST, acl=SET, keys=one_key(RW | DELETE), group="set",
    arguments="key#0 member ...",
    since="1.0.0", complexity="O(1) for each member", summary="Remove members of a set and return how many existed.",
)(Srem())  # fmt: skip


class Sismember(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        value = session.db.members(args[1])
        return int(value is not None and value.has(args[2]))


command(
    "sismember", arity=3, flags=READONLY | FAST, acl=SET, keys=one_key(RO), group="set",
    arguments="key#0 member",
    since="1.0.0", complexity="O(1)", summary="Return whether a value is a member of a set.",
)(Sismember())  # fmt: skip


@command(
    "smismember", arity=-3, flags=READONLY | FAST, acl=SET, keys=one_key(RO | ACCESS), group="set",
    arguments="key#0 member ...",
    since="6.2.0", complexity="O(1) for each member",
    summary="Return whether each of several values is a member of a set.",
)  # fmt: skip
def smismember(session: Session, args: list[bytes]) -> object:
    value = session.db.members(args[1])
    found: list[object] = []
    for member in args[2:]:
        found.append(int(value is not None and value.has(member)))
    return found


class Scard(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        value = session.db.members(args[1])
        return value.count() if value is not None else 0


command(
    "scard", arity=2, flags=READONLY | FAST, acl=SET, keys=one_key(RO), group="set",
    arguments="key#0",
    since="1.0.0", complexity="O(1)", summary="Return the size of a set.",
)(Scard())  # fmt: skip


class Smembers(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        value = session.db.members(args[1])
        return all_members(value, SET_SHAPE) if value is not None else SetOf([])


command(
    "smembers", arity=2, flags=READONLY, acl=SET, keys=one_key(RO | ACCESS), group="set",
    tips="nondeterministic_output_order",
    arguments="key#0",
    since="1.0.0", complexity="O(members)", summary="Return all members of a set.",
)(Smembers())  # fmt: skip


@command(
    "smove", arity=4, flags=WRITE | FAST, acl=SET,
    keys=[KeyRange(RW | ACCESS | DELETE, 1, 1, 1), KeyRange(RW | INSERT, 2, 2, 1)], group="set",
    arguments="source#0 destination#1 member",
    since="1.0.0", complexity="O(1)", summary="Move a member from one set to another.",
)  # fmt: skip
def smove(session: Session, args: list[bytes]) -> object:
    db = session.db
    limits = db.moment.limits
    source, target, member = args[1], args[2], args[3]
    value = db.members_to_change(source, False)
    if value is None:
        # The reference looks the other key up anyway, which deletes it if it has expired.
        db.look_to_change(target)
        return 0
    if source == target:
        # The key is looked up twice all the same, which counts as two uses under an LFU policy.
        db.look_to_change(target)
        return int(value.has(member))
    other = db.members_to_change(target, True)
    assert other is not None
    if not value.remove(member):
        return 0
    session.changed(source, value, SREM, 1)
    if other.home == CREATED:
        other.expect(member, 1, limits)
    if other.add(member, limits):
        session.changed(target, other, SADD, 1)
    return 1
