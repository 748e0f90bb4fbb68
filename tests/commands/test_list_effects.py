"""What commands on lists tell: the events and their order, the changes counted, what goes into the journal.

The events and changes are the reference's (spec/events.md, sections 4, 5, 10 and 11), taken down from its own channels.
"""

from __future__ import annotations

import pytest
from tests.commands.effects import (
    Case,
    Paper,
    assert_effects,
    assert_events,
    each,
    interpreted,
    listen,
    prepare,
)

from redpoll.build_info import is_compiled
from redpoll.engine.session import Peer, Session
from redpoll.keyspace.database import Database
from redpoll.types.list import List

CASES = [
    ("", "LPUSH k a b", "0 new k, 0 lpush k", 2, None),
    ("RPUSH k a", "RPUSH k b c d", "0 rpush k", 3, None),
    ("", "LPUSHX k a", "", 0, []),
    ("RPUSH k a", "RPUSHX k b", "0 rpush k", 1, None),
    ("RPUSH k a; PEXPIRE k 1", "RPUSHX k b", "0 expired k", 0, ["UNLINK k"]),
    ("RPUSH k a; PEXPIRE k 1", "RPUSH k b", "0 expired k, 0 new k, 0 rpush k", 1, ["UNLINK k", "RPUSH k b"]),
    ("RPUSH k a b", "LPOP k", "0 lpop k", 1, None),
    ("RPUSH k a", "RPOP k", "0 rpop k, 0 del k", 1, None),
    ("RPUSH k a b c", "LPOP k 2", "0 lpop k", 2, None),
    ("RPUSH k a b c", "RPOP k 9", "0 rpop k, 0 del k", 3, None),
    ("RPUSH k a b c", "RPOP k 0", "", 0, []),
    ("", "LPOP k", "", 0, []),
    ("", "LPOP k 2", "", 0, []),
    ("RPUSH k a; PEXPIRE k 1", "LPOP k", "0 expired k", 0, ["UNLINK k"]),
    ("RPUSH k a b", "LMPOP 2 j k LEFT", "0 lpop k", 1, ["LPOP k 1"]),
    ("RPUSH k a b", "LMPOP 2 j k RIGHT COUNT 9", "0 rpop k, 0 del k", 2, ["RPOP k 2"]),
    ("", "LMPOP 1 k LEFT", "", 0, []),
    ("RPUSH s a b", "LMOVE s d LEFT RIGHT", "0 new d, 0 rpush d, 0 lpop s", 1, None),
    ("RPUSH s a; RPUSH d x", "LMOVE s d RIGHT LEFT", "0 lpush d, 0 rpop s, 0 del s", 1, None),
    ("RPUSH s a b", "RPOPLPUSH s d", "0 new d, 0 lpush d, 0 rpop s", 1, None),
    ("RPUSH s a b", "LMOVE s s LEFT RIGHT", "0 rpush s, 0 lpop s", 1, None),
    ("RPUSH s a", "RPOPLPUSH s s", "0 lpush s, 0 rpop s", 1, None),
    ("", "LMOVE s d LEFT RIGHT", "", 0, []),
    (
        *("RPUSH s a b; RPUSH d x; PEXPIRE d 1", "LMOVE s d LEFT LEFT"),
        *("0 expired d, 0 new d, 0 lpush d, 0 lpop s", 1, ["UNLINK d", "LMOVE s d LEFT LEFT"]),
    ),
    ("RPUSH k a b", "LINSERT k BEFORE b x", "0 linsert k", 1, None),
    ("RPUSH k a b", "LINSERT k AFTER z x", "", 0, []),
    ("", "LINSERT k AFTER z x", "", 0, []),
    ("RPUSH k a b", "LSET k 0 a", "0 lset k", 1, None),
    ("RPUSH k a b", "LSET k 5 a", "", 0, []),
    ("RPUSH k a b a", "LREM k 0 a", "0 lrem k", 2, None),
    ("RPUSH k a a", "LREM k 0 a", "0 lrem k, 0 del k", 2, None),
    ("RPUSH k a a", "LREM k 0 z", "", 0, []),
    ("RPUSH k a b c", "LTRIM k 1 1", "0 ltrim k", 2, None),
    ("RPUSH k a b c", "LTRIM k 5 1", "0 ltrim k, 0 del k", 3, None),
    ("RPUSH k a b c", "LTRIM k 0 -1", "0 ltrim k", 0, []),
    ("", "LTRIM k 0 0", "", 0, []),
    ("", "LRANGE k 0 -1", "0 keymiss k", 0, []),
    ("", "LLEN k", "0 keymiss k", 0, []),
    ("", "LINDEX k 0", "0 keymiss k", 0, []),
    ("", "LPOS k a", "0 keymiss k", 0, []),
    ("RPUSH k a; PEXPIRE k 1", "LRANGE k 0 -1", "0 expired k, 0 keymiss k", 0, ["UNLINK k"]),
    ("RPUSH k a b", "BLPOP j k 0", "0 lpop k", 1, ["LPOP k"]),
    ("RPUSH k a", "BRPOP k 0", "0 rpop k, 0 del k", 1, ["RPOP k"]),
    ("RPUSH k a b c", "BLMPOP 0 1 k LEFT COUNT 2", "0 lpop k", 2, ["LPOP k 2"]),
    ("RPUSH s a b", "BLMOVE s d left RIGHT 0", "0 new d, 0 rpush d, 0 lpop s", 1, ["LMOVE s d left RIGHT"]),
    ("RPUSH s a", "BRPOPLPUSH s s 0", "0 lpush s, 0 rpop s", 1, ["RPOPLPUSH s s"]),
    ("RPUSH l 2 1", "SORT l", "", 0, []),
    ("RPUSH l 2 1", "SORT l STORE d", "0 new d, 0 sortstore d", 2, None),
    ("RPUSH l 2 1; SET d v", "SORT l STORE d", "0 sortstore d", 2, None),
    ("SET d v", "SORT l STORE d", "0 keymiss l, 0 del d", 1, None),
    ("", "SORT l STORE d", "0 keymiss l", 0, []),
    ("", "SORT_RO l", "0 keymiss l", 0, []),
    (
        "RPUSH l 2 1; SET w_1 5",
        "SORT l BY w_* GET x_*->f GET w_*",
        "0 keymiss w_2, 0 keymiss x_2, 0 keymiss w_2, 0 keymiss x_1",
        0,
        [],
    ),
    (
        *("RPUSH l 2 1; SET d v PX 1", "SORT l STORE d", "0 expired d, 0 new d, 0 sortstore d", 2),
        ["UNLINK d", "SORT l STORE d"],
    ),
]


@each(CASES)
def test_changes_and_effects(session: Session, case: Case) -> None:
    assert_effects(session, case)


@interpreted
@each(CASES)
def test_events_in_order(session: Session, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    assert_events(session, monkeypatch, case)


# ---- clients that wait

# Who waits; what comes; the events; the units that the journal gets, each with its effects.
SERVED = [
    (["BLPOP k 0"], "RPUSH k a", "new k, rpush k, lpop k, del k", ["RPUSH k a", "LPOP k"]),
    (["BLMPOP 0 2 a b LEFT COUNT 3"], "RPUSH b x y", "new b, rpush b, lpop b, del b", ["RPUSH b x y", "LPOP b 2"]),
    (
        ["BLMOVE a b LEFT LEFT 0", "BLPOP b 0"],
        "RPUSH a x",
        "new a, rpush a, new b, lpush b, lpop a, del a, lpop b, del b",
        ["RPUSH a x", "LMOVE a b LEFT LEFT", "LPOP b"],
    ),
    (
        ["BLMOVE a a LEFT RIGHT 0"],
        "RPUSH a x",
        "new a, rpush a, rpush a, lpop a",
        ["RPUSH a x", "LMOVE a a LEFT RIGHT"],
    ),
    (["BRPOP k 0"], "RENAME o k", "new k, rename_from o, rename_to k, rpop k", ["RENAME o k", "RPOP k"]),
    (
        ["BRPOPLPUSH k d 0"],
        "SORT o STORE k",
        "new k, sortstore k, new d, lpush d, rpop k",
        ["SORT o STORE k", "RPOPLPUSH k d"],
    ),
    (
        ["BLPOP k 0"],
        "MULTI; RPUSH k a; SET z 1; EXEC",
        "new k, rpush k, new z, set z, lpop k, del k",
        ["MULTI, RPUSH k a, SET z 1, EXEC", "LPOP k"],
    ),
    (["BLMOVE k s LEFT LEFT 0"], "RPUSH k a", "new k, rpush k", ["RPUSH k a"]),
]


def waiting(session: Session, line: str) -> Session:
    """Another session, which waits in this command."""
    other = session.engine.open_session(Peer())
    session.engine.execute(other, line.encode().split())
    assert other.waits()
    return other


@pytest.mark.parametrize(("waiters", "lines", "events", "units"), SERVED, ids=[str(case[:2]) for case in SERVED])
def test_each_served_client_is_a_unit_of_its_own(
    session: Session, waiters: list[str], lines: str, events: str, units: list[str]
) -> None:
    prepare(session, "RPUSH o 6 5; SET s v")
    others = [waiting(session, line) for line in waiters]
    paper = Paper()
    session.engine.unit.attach(paper)
    for line in lines.split("; "):
        session.engine.execute(session, line.encode().split())
    assert paper.units == units
    assert not any(other.waits() for other in others)


@interpreted
@pytest.mark.parametrize(("waiters", "lines", "events", "units"), SERVED, ids=[str(case[:2]) for case in SERVED])
def test_events_of_served_clients(
    session: Session, monkeypatch: pytest.MonkeyPatch, waiters: list[str], lines: str, events: str, units: list[str]
) -> None:
    prepare(session, "RPUSH o 6 5; SET s v")
    for line in waiters:
        waiting(session, line)
    told = listen(session, monkeypatch)
    for line in lines.split("; "):
        session.engine.execute(session, line.encode().split())
    assert ", ".join(event[2:] for event in told) == events


def test_a_thousand_waiters_are_served_one_by_one(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each element is looked at by the one client that gets it, however many wait."""
    prepare(session, "")
    others = [waiting(session, "BLPOP k 0") for _ in range(1000)]
    looks = 0
    if not is_compiled():
        look = Database.list_to_change

        def counted(self: Database, key: bytes, create: bool) -> List | None:
            nonlocal looks
            looks += 1
            return look(self, key, create)

        monkeypatch.setattr(Database, "list_to_change", counted)
    for number in range(1000):
        session.engine.execute(session, [b"RPUSH", b"k", b"%d" % number])
        assert not others[number].waits()
        assert all(other.waits() for other in others[number + 1 : number + 3])
    assert not session.db.look(b"k")
    # One for the push, one for the pop.
    assert looks == (0 if is_compiled() else 2000)
