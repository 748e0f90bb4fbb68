"""Pops and moves that block until there is an element: BLPOP, BRPOP, BLMPOP, BLMOVE, BRPOPLPUSH.

Immediately, or when it is served, each does what the command without the B does.  The journal gets that command.
"""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, DELETE, INSERT, RW, counted_keys, key_range, one_key
from redpoll.catalogue.spec import BLOCKING, DENYOOM, LIST, MOVABLEKEYS, WRITE
from redpoll.commands.lists import PopPlan, is_left, moved
from redpoll.commands.waits import timeout_deadline
from redpoll.engine.blocking import LISTS
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.keyspace.events import LPOP, RPOP
from redpoll.protocol.reply import NULL_ARRAY


def pop_or_wait(session: Session, args: list[bytes], front: bool) -> object:
    """BLPOP and BRPOP: the key of the first existing list, and its element."""
    deadline_ms = timeout_deadline(session, args[-1])
    keys = args[1:-1]
    for key in keys:
        value = session.db.list_to_change(key, False)
        if value is not None:
            item = value.pop(front)
            session.changed(key, value, LPOP if front else RPOP, 1)
            session.journal_as([b"LPOP" if front else b"RPOP", key])
            return [key, item]
    return session.engine.blocking.block(session, args, keys, deadline_ms, NULL_ARRAY, LISTS)


@command(
    "blpop", arity=-3, flags=WRITE | BLOCKING, acl=LIST, keys=key_range(1, -2, 1, RW | ACCESS | DELETE), group="list",
    arguments="key#0 ... timeout:double",
    since="2.0.0", complexity="O(keys)",
    summary="Pop the first element of the first list that is not empty; block until there is one.",
)  # fmt: skip
def blpop(session: Session, args: list[bytes]) -> object:
    return pop_or_wait(session, args, True)


@command(
    "brpop", arity=-3, flags=WRITE | BLOCKING, acl=LIST, keys=key_range(1, -2, 1, RW | ACCESS | DELETE), group="list",
    arguments="key#0 ... timeout:double",
    since="2.0.0", complexity="O(keys)",
    summary="Pop the last element of the first list that is not empty; block until there is one.",
)  # fmt: skip
def brpop(session: Session, args: list[bytes]) -> object:
    return pop_or_wait(session, args, False)


@command(
    "blmpop", arity=-5, flags=WRITE | BLOCKING | MOVABLEKEYS, acl=LIST, keys=counted_keys(2, RW | ACCESS | DELETE),
    group="list",
    arguments="timeout:double numkeys:integer key#0 ... (where: LEFT | RIGHT) [COUNT count:integer]",
    since="7.0.0", complexity="O(keys) and O(1) for each element",
    summary="Pop elements from the first list that is not empty; block until there is one.",
)  # fmt: skip
def blmpop(session: Session, args: list[bytes]) -> object:
    plan = PopPlan(args, 2)
    deadline_ms = timeout_deadline(session, args[1])
    popped = plan.run(session)
    if popped is not None:
        return popped
    return session.engine.blocking.block(session, args, plan.keys, deadline_ms, NULL_ARRAY, LISTS)


def move_or_wait(
    session: Session, args: list[bytes], from_front: bool, to_front: bool, deadline_ms: i64, effect: list[bytes]
) -> object:
    """BLMOVE and BRPOPLPUSH from `args[1]` to `args[2]`.

    The type of the target is checked only if there is an element.
    """
    item = moved(session, args[1], args[2], from_front, to_front)
    if item is not None:
        session.journal_as(effect)
        return item
    if not session.can_block():
        return None
    return session.engine.blocking.block(session, args, [args[1]], deadline_ms, NULL_ARRAY, LISTS)


@command(
    "blmove", arity=6, flags=WRITE | DENYOOM | BLOCKING, acl=LIST,
    keys=one_key(RW | ACCESS | DELETE) + one_key(RW | INSERT, 2), group="list",
    arguments="source#0 destination#1 (wherefrom: LEFT | RIGHT) (whereto: LEFT | RIGHT) timeout:double",
    since="6.2.0", complexity="O(1)",
    summary="Move an element from one list to another; block until there is one.",
)  # fmt: skip
def blmove(session: Session, args: list[bytes]) -> object:
    from_front = is_left(args[3])
    to_front = is_left(args[4])
    deadline_ms = timeout_deadline(session, args[5])
    return move_or_wait(session, args, from_front, to_front, deadline_ms, [b"LMOVE", *args[1:5]])


@command(
    "brpoplpush", arity=4, flags=WRITE | DENYOOM | BLOCKING, acl=LIST,
    keys=one_key(RW | ACCESS | DELETE) + one_key(RW | INSERT, 2), group="list",
    arguments="source#0 destination#1 timeout:double",
    since="2.2.0", complexity="O(1)",
    summary="Move the last element of a list to the front of another; block until there is one.",
)  # fmt: skip
def brpoplpush(session: Session, args: list[bytes]) -> object:
    deadline_ms = timeout_deadline(session, args[3])
    return move_or_wait(session, args, False, True, deadline_ms, [b"RPOPLPUSH", args[1], args[2]])
