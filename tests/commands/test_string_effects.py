"""What string commands write into the journal, and how many changes they count.  Source: spec/aof.md, spec/events.md."""

from __future__ import annotations

import pytest
from tests.commands.effects import NOW_MS

from redpoll.engine.command import CATALOGUE
from redpoll.engine.session import Session
from redpoll.env.clock import VirtualClock


def effects(session: Session, line: str) -> tuple[list[str], int]:
    """What the commands of `line`, a `;` between them, leave to be written, and the changes counted for the last."""
    engine = session.engine
    counted = 0
    for command in line.split(";"):
        words = [b"" if word == "''" else word.encode() for word in command.split()]
        engine.unit.effects.clear()
        before = engine.moment.changes
        engine.run(session, CATALOGUE[words[0].lower()], words)
        counted = engine.moment.changes - before
    return [b" ".join(effect).decode() for effect in engine.unit.effects], counted


SOON = NOW_MS + 10_000

CASES = [
    ("SET k v", ["SET k v"], 1),
    ("SET k v GET", ["SET k v"], 1),
    ("SET k v get NX", ["SET k v NX"], 1),
    ("SET k v; SET k w nx", [], 0),
    ("SET k v; SET k w ifeq v get keepttl", ["SET k w ifeq v keepttl"], 1),
    ("SET k get; SET k w GET IFEQ get GET", ["SET k w IFEQ get"], 1),
    ("SET k v NX GET EX 10", [f"SET k v PXAT {SOON}"], 1),
    ("SET k v; SET k w EXAT 1", ["UNLINK k"], 1),
    ("SET k v EXAT 1", [], 0),
    ("SETNX k v", ["SETNX k v"], 1),
    ("SET k v; SETNX k v", [], 0),
    ("SETEX k 10 v", [f"SET k v PXAT {SOON}"], 1),
    ("PSETEX k 10000 v", [f"SET k v PXAT {SOON}"], 1),
    ("GETSET k v", ["SET k v"], 1),
    ("SET k v; GETDEL k", ["DEL k"], 1),
    ("GETDEL k", [], 0),
    ("SET k v; DELIFEQ k v", ["DEL k"], 1),
    ("SET k v; DELIFEQ k w", [], 0),
    ("SET k v; GETEX k", [], 0),
    ("SET k v; GETEX k EX 10", [f"PEXPIREAT k {SOON}"], 1),
    ("SET k v; GETEX k EXAT 1", ["UNLINK k"], 1),
    ("SET k v; GETEX k PERSIST", [], 0),
    ("SET k v EX 10; GETEX k PERSIST", ["PERSIST k"], 1),
    ("MSET a 1 b 2 a 3", ["MSET a 1 b 2 a 3"], 3),
    ("MSETNX a 1 b 2", ["MSETNX a 1 b 2"], 2),
    ("SET a 1; MSETNX b 1 a 2", [], 0),
    ("MSETEX 2 a 1 b 2 nx ex 10", [f"MSETEX 2 a 1 b 2 nx PXAT {SOON}"], 2),
    ("SET a 1; MSETEX 1 a 1 px 10000 XX", [f"MSETEX 1 a 1 PXAT {SOON} XX"], 1),
    ("MSETEX 1 a 1 keepttl", ["MSETEX 1 a 1 keepttl"], 1),
    ("MSETEX 1 ex 10 PXAT 1000", ["MSETEX 1 ex 10 PXAT 1000"], 1),
    ("MSETEX 1 a 1 XX", [], 0),
    ("SETRANGE k 3 x", ["SETRANGE k 3 x"], 1),
    ("SETRANGE k 3 ''", [], 0),
    ("APPEND k ''", ["APPEND k "], 1),
    ("SET k 1; INCRBYFLOAT k 0.5", ["SET k 1.5 KEEPTTL"], 1),
    ("MGET a b", [], 0),
    ("STRLEN a", [], 0),
    ("LCS a b", [], 0),
]


@pytest.mark.parametrize(("line", "written", "changes"), CASES, ids=[case[0] for case in CASES])
def test_effects(session: Session, line: str, written: list[str], changes: int) -> None:
    assert (written, changes) == effects(session, line)


def test_a_past_time_of_msetex_lets_the_keys_expire(session: Session) -> None:
    assert effects(session, "MSETEX 1 a 1 EXAT 1; GET a") == (["UNLINK a"], 0)


def test_keys_end_at_their_millisecond(session: Session) -> None:
    engine = session.engine
    clock = engine.clock
    assert isinstance(clock, VirtualClock)
    for line in ("SETEX k 10 v", "PSETEX k 10000 v", "SET k v;GETEX k PX 10000", "MSETEX 1 k v EX 10"):
        effects(session, line)
        clock.advance_ms(9999)
        engine.start_unit()
        assert session.db.string(b"k") == b"v"
        clock.advance_ms(1)
        engine.start_unit()
        assert session.db.string(b"k") is None


def test_comparing_counts_no_hit_of_its_own(session: Session) -> None:
    moment = session.engine.moment
    effects(session, "SET k v; SET k w IFEQ v; SET k w IFEQ v; SET none w IFEQ v")
    assert (moment.hits, moment.misses) == (0, 0)
    effects(session, "SET k v IFEQ w GET; SET none w IFEQ v GET")
    assert (moment.hits, moment.misses) == (1, 1)
