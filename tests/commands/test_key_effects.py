"""What commands on keys tell: the events and their order, the changes counted, what goes into the journal.

The events and changes are the reference's (spec/events.md, sections 4, 10 and 12), taken down from its own channels.
"""

from __future__ import annotations

import pytest
from tests.commands.effects import (
    NOW_MS,
    SOON,
    Case,
    assert_effects,
    assert_events,
    each,
    interpreted,
    listen,
    prepare,
)

from redpoll.engine.session import Session
from redpoll.protocol.reply import OK, Error

# Before; the command; its events, with the number of their database; changes; effects, where not the command itself.
CASES = [
    ("SET a 1", "RENAME a b", "0 new b, 0 rename_from a, 0 rename_to b", 1, None),
    ("SET a 1; SET b 2", "RENAME a b", "0 new b, 0 rename_from a, 0 rename_to b", 1, None),
    ("SET a 1", "RENAME a a", "", 0, []),
    ("SET a 1; SET b 2", "RENAMENX a b", "", 0, []),
    ("", "RENAME a b", "", 0, []),
    ("SET a 1 PX 1; SET b 2", "RENAME a b", "0 expired a", 0, ["UNLINK a"]),
    (
        *("SET a 1; SET b 2 PX 1", "RENAME a b", "0 expired b, 0 new b, 0 rename_from a, 0 rename_to b", 1),
        ["UNLINK b", "RENAME a b"],
    ),
    (
        *("SET a 1; SET b 2 PX 1", "RENAMENX a b", "0 expired b, 0 new b, 0 rename_from a, 0 rename_to b", 1),
        ["UNLINK b", "RENAMENX a b"],
    ),
    ("SET a 1 PX 1; SET b 2 PX 1", "RENAME a b", "0 expired a", 0, ["UNLINK a"]),
    ("SET a 1", "MOVE a 1", "1 new a, 0 move_from a, 1 move_to a", 1, None),
    (
        *("SELECT 1; SET a 1 PX 1; SELECT 0; SET a 2", "MOVE a 1"),
        *("1 expired a, 1 new a, 0 move_from a, 1 move_to a", 1, ["UNLINK a", "MOVE a 1"]),
    ),
    ("SELECT 1; SET a 1; SELECT 0; SET a 2", "MOVE a 1", "", 0, []),
    ("SET a 1 PX 1", "MOVE a 1", "0 expired a", 0, ["UNLINK a"]),
    ("SET a 1", "COPY a b", "0 new b, 0 copy_to b", 1, None),
    ("SET a 1; SET b 2", "COPY a b", "", 0, []),
    ("SET a 1; SET b 2", "COPY a b REPLACE", "0 new b, 0 copy_to b", 1, None),
    ("", "COPY a b", "0 keymiss a", 0, []),
    ("SET a 1 PX 1", "COPY a b", "0 expired a, 0 keymiss a", 0, ["UNLINK a"]),
    ("SET a 1; SET b 2 PX 1", "COPY a b", "0 expired b, 0 new b, 0 copy_to b", 1, ["UNLINK b", "COPY a b"]),
    ("SET a 1", "COPY a b DB 1", "1 new b, 1 copy_to b", 1, None),
    ("SET a 1; SET b 2", "UNLINK a zz b", "0 del a, 0 del b", 2, None),
    ("SET a 1 PX 1", "DEL a", "0 expired a", 0, ["UNLINK a"]),
    ("SET a 1", "TOUCH a zz", "0 keymiss zz", 0, []),
    ("SET a 1 PX 1", "TOUCH a", "0 expired a, 0 keymiss a", 0, ["UNLINK a"]),
    ("SET a 1 PX 1", "EXISTS a", "0 expired a, 0 keymiss a", 0, ["UNLINK a"]),
    ("SET a 1 PX 1", "TTL a", "0 expired a, 0 keymiss a", 0, ["UNLINK a"]),
    ("SET a 1 PX 1", "KEYS *", "", 0, []),
    ("SET a 1 PX 1", "RANDOMKEY", "0 expired a", 0, ["UNLINK a"]),
    ("SET a 1 PX 1", "SCAN 0", "0 expired a", 0, ["UNLINK a"]),
    ("SET a 1 PX 1", "OBJECT ENCODING a", "0 expired a", 0, ["UNLINK a"]),
    ("SET a 1 PX 1", "DBSIZE", "", 0, []),
    ("SET a 1", "EXPIRE a 10", "0 expire a", 1, [f"PEXPIREAT a {SOON}"]),
    ("SET a 1", "EXPIRE a 10 NX", "0 expire a", 1, [f"PEXPIREAT a {SOON} NX"]),
    ("SET a 1 EX 10", "PEXPIREAT a 0 XX", "0 expired a", 1, ["UNLINK a"]),
    ("SET a 1", "EXPIRE a 0", "0 expired a", 1, ["UNLINK a"]),
    ("SET a 1", "EXPIRE a 10 XX", "", 0, []),
    ("SET a 1 EX 10", "PERSIST a", "0 persist a", 1, None),
    ("SET a 1", "PERSIST a", "", 0, []),
    ("SET a 1 PX 1", "EXPIRE a 10", "0 expired a", 0, ["UNLINK a"]),
    ("SET a 1 PX 1", "PERSIST a", "0 expired a", 0, ["UNLINK a"]),
    ("SET a 1", "SWAPDB 0 1", "", 1, None),
    ("SET a 1", "SWAPDB 0 0", "", 1, None),
    ("SET a 1", "FLUSHALL", "", 1, None),
    ("SET a 1; SET b 2", "FLUSHDB", "", 2, None),
    ("", "FLUSHDB", "", 0, None),
    ("SET a 1 PX 1", "SET a 2", "0 expired a, 0 new a, 0 set a", 1, ["UNLINK a", "SET a 2"]),
    ("SET a 1 PX 1", "GET a", "0 expired a, 0 keymiss a", 0, ["UNLINK a"]),
    ("SET a 1 PX 1", "APPEND a 2", "0 expired a, 0 new a, 0 append a", 1, ["UNLINK a", "APPEND a 2"]),
]


@each(CASES)
def test_changes_and_effects(session: Session, case: Case) -> None:
    assert_effects(session, case)


@interpreted
@each(CASES)
def test_events_in_order(session: Session, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    assert_events(session, monkeypatch, case)


@interpreted
def test_the_active_cycle_tells_each_key_once(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(session, "SET a 1 PX 5; SET b 1 PX 10; SET c 1 PX 11; SET d 1; SELECT 1; SET e 1 PX 1")
    told = listen(session, monkeypatch)
    session.engine.expiry.expire()
    session.engine.expiry.expire()
    assert sorted(told) == ["0 expired a", "0 expired b", "1 expired e"]
    assert session.engine.moment.expired == 3


def test_what_is_held_back_stays_and_cannot_be_seen(session: Session) -> None:
    """Paused writes: a key past its deadline is neither there nor deleted, and a draw of such keys ends."""
    engine = session.engine
    prepare(session, "SET a 1 PX 1; SET b 1 PX 1")
    engine.moment.deleting_expired = False
    assert engine.execute(session, [b"EXISTS", b"a"]) == 0
    assert engine.execute(session, [b"KEYS", b"*"]) == []
    assert engine.execute(session, [b"DBSIZE"]) == 2
    assert engine.execute(session, [b"RANDOMKEY"]) in (b"a", b"b")
    assert isinstance(engine.execute(session, [b"RENAME", b"a", b"c"]), Error)
    assert engine.expiry.expire() == 0
    assert engine.execute(session, [b"COPY", b"a", b"c"]) == 0
    assert engine.execute(session, [b"SET", b"c", b"1"]) is not None
    assert engine.execute(session, [b"RANDOMKEY"]) == b"c"
    assert engine.execute(session, [b"COPY", b"c", b"a"]) == 1
    assert engine.execute(session, [b"RENAME", b"c", b"b"]) is OK
    assert engine.execute(session, [b"DBSIZE"]) == 2
    engine.moment.deleting_expired = True
    assert engine.expiry.expire() == 0
    assert engine.execute(session, [b"EXISTS", b"a", b"b"]) == 2


def test_a_turn_of_the_cycle_is_bounded_and_databases_take_turns(session: Session) -> None:
    engine = session.engine
    for db in (b"0", b"1"):
        engine.execute(session, [b"SELECT", db])
        for n in range(700):
            engine.execute(session, [b"SET", b"k:%d" % n, b"v", b"PX", b"1"])
    prepare(session, "")
    left = []
    while True:
        engine.expiry.expire(300)
        left.append([int(db.table.size) for db in engine.databases])
        assert engine.next_deadline_ms() - NOW_MS <= 20
        if not engine.expiry.is_behind:
            break
    # A bucket is deleted whole, so a turn may take some more than it was given.
    assert 4 <= len(left) <= 6
    assert left[0][0] < 700 and left[0][1] == 700
    assert left[1] == [left[0][0], left[1][1]] and left[1][1] < 700
    assert left[-1] == [0, 0]


def test_a_turn_of_the_cycle_deletes_few_large_strings(session: Session) -> None:
    """They are freed at once, so each counts for as many keys as take as long."""
    engine = session.engine
    for n in range(4):
        engine.execute(session, [b"SETRANGE", b"k:%d" % n, b"%d" % (4 << 20), b"v"])
        engine.execute(session, [b"PEXPIRE", b"k:%d" % n, b"1"])
    prepare(session, "")
    left = []
    while not left or engine.expiry.is_behind:
        engine.expiry.expire(300)
        left.append(int(engine.databases[0].table.size))
    assert left in ([2, 0], [2, 0, 0])
