"""What commands on sets tell: the events and their order, the changes counted, what goes into the journal.

The events and changes are the reference's (spec/events.md, sections 6 and 10), taken down from its own channels.
"""

from __future__ import annotations

import pytest
from tests.commands.effects import Case, assert_effects, assert_events, each, interpreted, prepare, run

from redpoll.engine.session import Session

CASES = [
    ("", "SADD s a b a", "0 new s, 0 sadd s", 2, None),
    ("SADD s a", "SADD s a", "", 0, []),
    ("SADD s a", "SADD s a b", "0 sadd s", 1, None),
    ("SADD s a", "SREM s zz", "", 0, []),
    ("SADD s a b", "SREM s a zz", "0 srem s", 1, None),
    ("SADD s a b", "SREM s b a", "0 srem s, 0 del s", 2, None),
    ("", "SREM s a", "", 0, []),
    ("SADD s a; PEXPIRE s 1", "SADD s b", "0 expired s, 0 new s, 0 sadd s", 1, ["UNLINK s", "SADD s b"]),
    ("SADD s a; PEXPIRE s 1", "SREM s a", "0 expired s", 0, ["UNLINK s"]),
    ("SADD s a b", "SMOVE s t a", "0 srem s, 0 new t, 0 sadd t", 2, None),
    ("SADD s a; SADD t b", "SMOVE s t a", "0 srem s, 0 del s, 0 sadd t", 2, None),
    ("SADD s a; SADD t a", "SMOVE s t a", "0 srem s, 0 del s", 1, None),
    ("SADD s a", "SMOVE s s a", "", 0, []),
    ("SADD s a", "SMOVE s t zz", "", 0, []),
    ("SADD t a; PEXPIRE t 1", "SMOVE s t a", "0 expired t", 0, ["UNLINK t"]),
    (
        *("SADD s a b; SADD t a; PEXPIRE t 1", "SMOVE s t a", "0 expired t, 0 srem s, 0 new t, 0 sadd t", 2),
        ["UNLINK t", "SMOVE s t a"],
    ),
    ("SADD s a", "SPOP s", "0 spop s, 0 del s", 1, ["SREM s a"]),
    ("SADD s a", "SPOP s 1", "0 spop s, 0 del s", 1, ["UNLINK s"]),
    ("SADD s a b c", "SPOP s 9", "0 spop s, 0 del s", 3, ["UNLINK s"]),
    ("SADD s a", "SPOP s 0", "", 0, []),
    ("", "SPOP s", "", 0, []),
    ("", "SPOP s 5", "", 0, []),
    ("SADD s a", "SRANDMEMBER s 5", "", 0, []),
    ("", "SRANDMEMBER s", "0 keymiss s", 0, []),
    ("", "SMEMBERS s", "0 keymiss s", 0, []),
    ("", "SISMEMBER s a", "0 keymiss s", 0, []),
    ("", "SMISMEMBER s a b", "0 keymiss s", 0, []),
    ("", "SCARD s", "0 keymiss s", 0, []),
    ("", "SSCAN s 0", "0 keymiss s", 0, []),
    ("", "HSCAN s 0", "0 keymiss s", 0, []),
    ("", "ZSCAN s 0", "0 keymiss s", 0, []),
    ("SADD s a; PEXPIRE s 1", "SSCAN s 0", "0 expired s, 0 keymiss s", 0, ["UNLINK s"]),
    ("SADD s a", "SINTER t s u", "0 keymiss t, 0 keymiss u", 0, []),
    ("SADD s a", "SINTERCARD 2 t s", "0 keymiss t", 0, []),
    ("SADD s a", "SUNION s t", "0 keymiss t", 0, []),
    ("SADD s a", "SDIFF t s", "0 keymiss t", 0, []),
    ("SADD s a b", "SINTERSTORE d s s", "0 new d, 0 sinterstore d", 1, None),
    ("SADD s a b", "SUNIONSTORE d s t", "0 keymiss t, 0 new d, 0 sunionstore d", 1, None),
    ("SADD s a b", "SDIFFSTORE d s", "0 new d, 0 sdiffstore d", 1, None),
    ("SADD s a; SET d v", "SINTERSTORE d s", "0 sinterstore d", 1, None),
    ("SADD s a; SADD d x", "SUNIONSTORE d d s", "0 sunionstore d", 1, None),
    ("SADD s a; SET d v", "SINTERSTORE d s t", "0 keymiss t, 0 del d", 1, None),
    ("SADD s a; SADD d v", "SDIFFSTORE d s s", "0 del d", 1, None),
    ("SADD s a", "SDIFFSTORE d s s", "", 0, []),
    ("", "SUNIONSTORE d s", "0 keymiss s", 0, []),
    (
        *("SADD s a; SET d v PX 1", "SUNIONSTORE d s", "0 expired d, 0 new d, 0 sunionstore d", 1),
        ["UNLINK d", "SUNIONSTORE d s"],
    ),
    ("SADD s a; SET d v PX 1", "SDIFFSTORE d s s", "0 del d", 1, None),
]


@each(CASES)
def test_changes_and_effects(session: Session, case: Case) -> None:
    assert_effects(session, case)


@interpreted
@each(CASES)
def test_events_in_order(session: Session, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    assert_events(session, monkeypatch, case)


@pytest.mark.parametrize(
    ("size", "count", "lengths"),
    [(1000, 600, [600]), (5000, 1024, [1024]), (5000, 1025, [1024, 1]), (5000, 4500, [1024, 1024, 1024, 1024, 404])],
)
@pytest.mark.parametrize("member", ["m{}", "{}", "a long member {:0250}"])
def test_what_is_popped_is_named_in_commands_of_a_bounded_length(
    session: Session, size: int, count: int, lengths: list[int], member: str
) -> None:
    prepare(session, "SADD s " + " ".join(member.replace(" ", "-").format(at) for at in range(size)))
    db = session.db
    value = db.members(b"s")
    assert value is not None
    before = set(value.rows())
    run(session, f"SPOP s {count}")
    effects = session.engine.unit.effects
    assert [len(effect) - 2 for effect in effects] == lengths
    assert {tuple(effect[:2]) for effect in effects} == {(b"SREM", b"s")}
    popped = {word for effect in effects for word in effect[2:]}
    value = db.members(b"s")
    assert value is not None
    assert before - popped == set(value.rows())
    assert len(popped) == count
    assert session.engine.moment.changes >= count
