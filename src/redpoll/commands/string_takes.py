"""GETSET, GETEX, GETDEL and DELIFEQ: read a string and change it in one command."""

from __future__ import annotations

from redpoll.catalogue.keyspec import ACCESS, DELETE, RM, RW, UPDATE, one_key
from redpoll.catalogue.spec import DENYOOM, FAST, STRING, WRITE
from redpoll.commands import string_options
from redpoll.commands.string_options import StringOptions
from redpoll.engine.args import Args
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.keyspace.events import EXPIRE, PERSIST, SET
from redpoll.protocol.numbers import int_text


@command(
    "getset", arity=3, flags=WRITE | DENYOOM | FAST, acl=STRING, keys=one_key(RW | ACCESS | UPDATE), group="string",
    arguments="key#0 value",
    since="1.0.0", complexity="O(1)", summary="Set a string and return the old one.",
)  # fmt: skip
def getset(session: Session, args: list[bytes]) -> object:
    db = session.db
    old = db.string(args[1])
    db.set_string(args[1], args[2])
    session.changed(args[1], None, SET, 1)
    session.journal_as([b"SET", args[1], args[2]])
    return old


@command(
    "getdel", arity=2, flags=WRITE | FAST, acl=STRING, keys=one_key(RW | ACCESS | DELETE), group="string",
    arguments="key#0",
    since="6.2.0", complexity="O(1)", summary="Delete a string and return it.",
)  # fmt: skip
def getdel(session: Session, args: list[bytes]) -> object:
    db = session.db
    old = db.string(args[1])
    if old is not None:
        db.delete(args[1])
        session.journal_as([b"DEL", args[1]])
    return old


@command(
    "delifeq", arity=3, flags=WRITE | FAST, acl=STRING, keys=one_key(RM | DELETE), group="string",
    arguments="key#0 value",
    since="9.0.0", complexity="O(1)", summary="Delete a string if it equals a value; return 1 if it was deleted.",
)  # fmt: skip
def delifeq(session: Session, args: list[bytes]) -> object:
    db = session.db
    value = db.string_to_change(args[1], create=False)
    if value is None or value.length() != len(args[2]) or value.text() != args[2]:
        return 0
    db.delete(args[1])
    session.journal_as([b"DEL", args[1]])
    return 1


@command(
    "getex", arity=-2, flags=WRITE | FAST, acl=STRING, keys=one_key(RW | ACCESS | UPDATE), group="string",
    arguments="key#0 [expiration: EX seconds:integer | PX milliseconds:integer | EXAT unix-time-seconds:unix-time | "
              "PXAT unix-time-milliseconds:unix-time | PERSIST]",
    since="6.2.0", complexity="O(1)", summary="Return the string at a key, and set or remove its expiry.",
)  # fmt: skip
def getex(session: Session, args: list[bytes]) -> object:
    options = StringOptions(session, Args(args, 2), string_options.PERSIST, b"getex")
    db = session.db
    key = args[1]
    found = db.string(key)
    if found is None:
        return None
    at_ms = options.deadline_ms
    if at_ms > 0 and at_ms <= db.moment.now_ms and db.moment.deleting_expired:
        db.expire_now(key)
        session.journal_deletion(key, True)
    elif at_ms > 0:
        db.set_deadline(at_ms)
        session.changed(key, None, EXPIRE, 1)
        session.journal_as([b"PEXPIREAT", key, int_text(at_ms)])
    elif options.persist and db.table.deadline() != 0:
        db.set_deadline(0)
        session.changed(key, None, PERSIST, 1)
        session.journal_as([b"PERSIST", key])
    return found
