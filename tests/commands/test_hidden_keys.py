"""Keys past their deadline that are in the way: deleted under a write's feet, or only hidden while clients are paused."""

from __future__ import annotations

import pytest

from redpoll import commands
from redpoll.engine.engine import Engine
from redpoll.engine.session import Peer, Session
from redpoll.engine.unit import Journal
from redpoll.env.clock import VirtualClock
from redpoll.env.random import Random
from redpoll.protocol.reply import Error
from redpoll.structures.table_check import check

assert commands.FAMILIES, "importing them is what fills the catalogue"


@pytest.fixture
def session() -> Session:
    engine = Engine(VirtualClock(), Random(1), 1)
    engine.start_unit()
    return engine.open_session(Peer())


def do(session: Session, line: str) -> object:
    return session.engine.execute(session, [word.encode() for word in line.split()])


def pass_ms(session: Session, ms: int) -> None:
    clock = session.engine.clock
    assert isinstance(clock, VirtualClock)
    clock.advance_ms(ms)
    session.engine.start_unit()


WRITES = [
    ("SET k new", "GET k", b"new"),
    ("SETNX k new", "GET k", b"new"),
    ("SET k new KEEPTTL", "GET k", b"new"),
    ("MSET k new", "GET k", b"new"),
    ("APPEND k new", "GET k", b"new"),
    ("INCR k", "GET k", b"1"),
    ("SETBIT k 7 0", "GET k", b"\0"),
    ("BITFIELD k OVERFLOW FAIL SET u1 7 9", "GET k", b"\0"),
    ("BITOP AND k source", "GET k", b"source"),
    ("HSET k field new", "HGET k field", b"new"),
    ("ZADD k 1 new", "ZRANK k new", 0),
    ("RENAME source k", "GET k", b"source"),
    ("COPY source k", "GET k", b"source"),
]


@pytest.mark.parametrize(("write", "read", "reply"), WRITES)
@pytest.mark.parametrize("old", ["SET k old", "HSET k old old", "ZADD k 1 old"])
def test_a_write_takes_the_place_of_a_hidden_key(
    session: Session, old: str, write: str, read: str, reply: object
) -> None:
    # A session in process is not paused, and while others are no key is deleted because of its deadline.
    session.may_block = False
    do(session, "SET source source")
    do(session, old)
    do(session, "PEXPIRE k 10")
    session.engine.pause.begin(session.engine.moment.now_ms + 1000, True)
    pass_ms(session, 20)
    do(session, write)
    table = session.db.table
    check(table)
    assert table.volatile == 0
    assert table.size == (1 if write.startswith("RENAME") else 2)
    assert reply == do(session, read)
    session.engine.pause.end()
    assert reply == do(session, read)


def test_a_hidden_key_in_the_way_is_deleted_in_the_journal_too(session: Session) -> None:
    session.may_block = False
    written = Kept()
    session.engine.unit.attach(written)
    do(session, "SET k old PX 10")
    session.engine.pause.begin(session.engine.moment.now_ms + 1000, True)
    pass_ms(session, 20)
    written.effects.clear()
    do(session, "APPEND k new")
    assert written.effects == [[b"MULTI"], [b"UNLINK", b"k"], [b"APPEND", b"k", b"new"], [b"EXEC"]]


class Kept(Journal):
    def __init__(self) -> None:
        self.effects: list[list[bytes]] = []

    def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
        self.effects += effects


@pytest.mark.parametrize("write", ["SET {} new", "SETNX {} new", "SETEX {} 100 new", "MSET {} new", "APPEND {} new"])
def test_a_bucket_merged_by_an_expiry_does_not_misplace_the_new_value(session: Session, write: str) -> None:
    # Each look-up deletes an old key before the new value goes in: the table shrinks in between, again and again.
    names = [f"key{n}" for n in range(300)]
    for name in names:
        do(session, f"SET {name} {'x' * 20} PX 10")
    pass_ms(session, 20)
    for name in names:
        reply = do(session, write.format(name))
        assert not isinstance(reply, Error)
        assert do(session, f"GET {name}") == b"new"
        do(session, f"DEL {name}")
        check(session.db.table)
