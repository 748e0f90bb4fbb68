"""What bit commands tell: changes counted, events, journal.  Source: spec/aof.md, spec/events.md, and the live server."""

from __future__ import annotations

import pytest
from tests.commands.effects import interpreted, listen, run

from redpoll.engine.session import Session

# Each command, what it is said to have changed, and its events.  All run one after the other on the same keys.
STEPS = [
    ("SETBIT s 0 0", 1, "new s, setbit s"),
    ("SETBIT s 0 0", 0, ""),
    ("SETBIT s 0 1", 1, "setbit s"),
    ("SETBIT s 9999 0", 1, "setbit s"),
    ("SETBIT s 9999 0", 0, ""),
    ("GETBIT s 0", 0, ""),
    ("GETBIT none 0", 0, "keymiss none"),
    ("BITCOUNT none", 0, "keymiss none"),
    ("BITPOS none 1", 0, "keymiss none"),
    ("BITFIELD f OVERFLOW FAIL INCRBY u8 0 300", 0, "new f"),
    ("BITFIELD f OVERFLOW FAIL INCRBY u8 8 300", 0, ""),
    ("BITFIELD f OVERFLOW FAIL INCRBY u8 16 300 SET u8 0 0", 1, "setbit f"),
    ("BITFIELD f SET u8 0 0", 0, ""),
    ("BITFIELD f SET u8 0 1 SET u8 0 0", 2, "setbit f"),
    ("BITFIELD f SET u8 100 0 SET u8 0 0", 2, "setbit f"),
    ("BITFIELD f SET u8 0 1 SET u8 8 1 SET u8 8 1 INCRBY u8 8 0 INCRBY u8 8 1", 3, "setbit f"),
    ("BITFIELD f GET u8 0", 0, ""),
    ("BITFIELD none GET u8 0", 0, "keymiss none"),
    ("BITFIELD none", 0, "keymiss none"),
    ("BITFIELD_RO none GET u8 0", 0, "keymiss none"),
    ("BITFIELD none GET u8 0 SET u8 0 0", 1, "new none, setbit none"),
    ("BITOP OR d s missing f", 1, "keymiss missing, new d, set d"),
    ("BITOP OR d s f", 1, "set d"),
    ("BITOP XOR d d d", 1, "set d"),
    ("BITOP AND d missing", 1, "keymiss missing, del d"),
    ("BITOP AND d missing", 0, "keymiss missing"),
    ("SET d x PXAT 1700000000001", 1, "new d, set d, expire d"),
    ("DEBUG SLEEP 0.002", 0, ""),
    ("BITOP AND d missing", 1, "keymiss missing, del d"),
]


def test_changes_and_journal(session: Session) -> None:
    engine = session.engine
    for line, changes, _ in STEPS:
        before = engine.moment.changes
        engine.unit.effects.clear()
        run(session, line)
        assert changes == engine.moment.changes - before, line
        # Whatever changed something is written down as it came.
        assert ([line.encode()] if changes else []) == [b" ".join(effect) for effect in engine.unit.effects], line


@interpreted
def test_events(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    told = listen(session, monkeypatch)
    for line, _, events in STEPS:
        told.clear()
        run(session, line)
        assert events == ", ".join(event.removeprefix("0 ") for event in told), line


def test_a_bit_of_a_large_string_is_set_in_place(session: Session) -> None:
    run(session, "SETBIT k 80000000 1")
    value = session.db.string_to_read(b"k")
    assert value is not None
    assert value.long is not None
    buffer = value.long.buffer
    assert buffer is not None
    for at in range(0, 80_000_000, 800_000):
        assert run(session, f"SETBIT k {at} 1") == 0
        assert run(session, f"GETBIT k {at}") == 1
        assert run(session, f"BITFIELD k INCRBY u4 {at} 1") == [9]
    assert run(session, "BITCOUNT k") == 201
    again = session.db.string_to_read(b"k")
    assert again is not None
    assert again.long is not None
    assert again.long.buffer is buffer
