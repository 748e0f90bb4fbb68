"""What commands on hashes tell: the events and their order, the changes counted, what goes into the journal.

The events, changes and effects are the reference's, taken down from its own channels and its append-only file.
"""

from __future__ import annotations

import pytest
from tests.commands.effects import (
    NOW_MS,
    SOON,
    Case,
    Paper,
    assert_effects,
    assert_events,
    each,
    interpreted,
    listen,
    opened,
    prepare,
)

from redpoll.engine.session import Session

PAST = "HSET h a 1 b 2 c 3; HPEXPIRE h 5 FIELDS 2 a b"
"""Two fields past their deadline, one without any."""
LATER = NOW_MS + 1_000_000
TIMED = f"HSET h a 1 b 2; HPEXPIREAT h {LATER} FIELDS 1 a"

CASES = [
    ("", "HSET h a 1 b 2", "0 new h, 0 hset h", 2, None),
    ("HSET h a 1", "HSET h a 1", "0 hset h", 1, None),
    ("", "HMSET h a 1 a 2", "0 new h, 0 hset h", 2, None),
    ("", "HSETNX h a 1", "0 new h, 0 hset h", 1, None),
    ("HSET h a 1", "HSETNX h a 2", "", 0, []),
    ("HSET h a 1", "HDEL h zz", "", 0, []),
    ("HSET h a 1 b 2", "HDEL h a zz", "0 hdel h", 1, None),
    ("HSET h a 1 b 2", "HDEL h b a", "0 hdel h, 0 del h", 2, None),
    ("", "HDEL h a", "", 0, []),
    ("HSET h a 1 b 2", "HGETDEL h FIELDS 2 a zz", "0 hdel h", 1, None),
    ("HSET h a 1", "HGETDEL h FIELDS 2 a a", "0 hdel h, 0 del h", 1, None),
    ("", "HGETDEL h FIELDS 1 a", "", 0, []),
    ("", "HINCRBY h a 0", "0 new h, 0 hincrby h", 1, None),
    ("HSET h a 1", "HINCRBY h a 2", "0 hincrby h", 1, None),
    ("", "HINCRBYFLOAT h a 1.5", "0 new h, 0 hincrbyfloat h", 1, ["HSET h a 1.5"]),
    ("HSET h a 1", "HINCRBYFLOAT h a 1.5", "0 hincrbyfloat h", 1, ["HSET h a 2.5"]),
    ("HSET h a x", "HINCRBY h a 1", "", 0, []),
    (TIMED, "HINCRBY h a 2", "0 hincrby h", 1, [f"HSETEX h PXAT {LATER} FIELDS 1 a 3"]),
    (TIMED, "HINCRBY h b 2", "0 hincrby h", 1, ["HSET h b 4"]),
    (TIMED, "HINCRBYFLOAT h a 2", "0 hincrbyfloat h", 1, [f"HSETEX h PXAT {LATER} FIELDS 1 a 3"]),
    (TIMED, "HSETNX h c 2", "0 hset h", 1, ["HSET h c 2"]),
    *[(TIMED, f"{name} h a", "", 0, []) for name in ("HGET", "HEXISTS", "HSTRLEN", "HMGET")],
    *[(TIMED, f"{name} h", "", 0, []) for name in ("HGETALL", "HKEYS", "HVALS", "HLEN", "HRANDFIELD")],
    *[("", f"{name} h a", "0 keymiss h", 0, []) for name in ("HGET", "HEXISTS", "HSTRLEN", "HMGET")],
    *[("", f"{name} h", "0 keymiss h", 0, []) for name in ("HGETALL", "HKEYS", "HVALS", "HLEN", "HRANDFIELD")],
    ("", "HTTL h FIELDS 1 a", "0 keymiss h", 0, []),
    (TIMED, "HTTL h FIELDS 1 a", "", 0, []),
    ("HSET h a 1; PEXPIRE h 1", "HSET h b 1", "0 expired h, 0 new h, 0 hset h", 1, ["UNLINK h", "HSET h b 1"]),
    # Deadlines.
    ("HSET h a 1 b 2", "HEXPIRE h 10 FIELDS 1 a", "0 hexpire h", 1, [f"HPEXPIREAT h {SOON} FIELDS 1 a"]),
    (
        *("HSET h a 1 b 2", "hexpire h 10 nx fields 3 a a zz", "0 hexpire h", 1),
        [f"HPEXPIREAT h {SOON} nx fields 3 a a zz"],
    ),
    (TIMED, "HEXPIRE h 10 XX FIELDS 2 a b", "0 hexpire h", 1, [f"HPEXPIREAT h {SOON} XX FIELDS 2 a b"]),
    (TIMED, "HEXPIRE h 1 GT FIELDS 2 a b", "", 0, []),
    ("", "HEXPIRE h 10 FIELDS 1 a", "", 0, []),
    ("HSET h a 1 b 2", "HEXPIRE h 0 FIELDS 2 a zz", "0 hexpired h", 1, ["HDEL h a"]),
    ("HSET h a 1 b 2", "HEXPIREAT h 1 FIELDS 3 b b a", "0 hexpired h, 0 del h", 2, ["HDEL h b a"]),
    ("HSET h a 1", "HPEXPIREAT h 1 XX FIELDS 1 a", "", 0, []),
    (TIMED, "HPERSIST h FIELDS 4 a a b zz", "0 hpersist h", 1, None),
    (TIMED, "HPERSIST h FIELDS 1 b", "", 0, []),
    ("", "HPERSIST h FIELDS 1 b", "", 0, []),
    # HGETEX.
    (TIMED, "HGETEX h FIELDS 1 a", "", 0, []),
    ("", "HGETEX h FIELDS 1 a", "0 keymiss h", 0, []),
    (TIMED, "HGETEX h EX 10 FIELDS 3 a b zz", "0 hexpire h", 2, [f"HPEXPIREAT h {SOON} FIELDS 2 a b"]),
    (TIMED, "HGETEX h PERSIST FIELDS 3 a a b", "0 hpersist h", 1, ["HPERSIST h FIELDS 1 a"]),
    (TIMED, "HGETEX h PERSIST FIELDS 1 b", "", 0, []),
    (TIMED, "HGETEX h PXAT 1 FIELDS 2 a a", "0 hexpired h", 1, ["HDEL h a"]),
    (TIMED, "HGETEX h PXAT 1 FIELDS 2 a b", "0 hexpired h, 0 del h", 2, ["HDEL h a b"]),
    (TIMED, "HGETEX h PXAT 1 FIELDS 1 zz", "", 0, []),
    # HSETEX.
    ("", "HSETEX h FIELDS 2 a 1 b 2", "0 new h, 0 hset h", 2, None),
    ("", "HSETEX h NX FIELDS 1 a 1", "0 new h, 0 hset h", 1, ["HSETEX h FIELDS 1 a 1"]),
    (TIMED, "HSETEX h XX FXX KEEPTTL FIELDS 1 a 1", "0 hset h", 1, ["HSETEX h KEEPTTL FIELDS 1 a 1"]),
    (TIMED, "HSETEX h NX FIELDS 1 a 1", "", 0, []),
    (TIMED, "HSETEX h FNX FIELDS 1 a 1", "", 0, []),
    ("", "HSETEX h XX EX 10 FIELDS 1 a 1", "", 0, []),
    (
        *("", "hsetex h FNX EX 10 fields 2 a 1 b 2", "0 new h, 0 hset h, 0 hexpire h", 2),
        [f"hsetex h PXAT {SOON} fields 2 a 1 b 2"],
    ),
    (TIMED, "HSETEX h PXAT 1 FIELDS 2 a 1 zz 2", "0 hset h, 0 hexpire h, 0 hexpired h", 1, ["HDEL h a"]),
    (TIMED, "HSETEX h PXAT 1 FIELDS 1 zz 2", "0 hset h, 0 hexpire h, 0 hexpired h", 0, []),
    (TIMED, "HSETEX h PXAT 1 FIELDS 2 a 1 b 2", "0 hset h, 0 hexpire h, 0 hexpired h, 0 del h", 2, ["HDEL h a b"]),
    ("", "HSETEX h PXAT 1 FIELDS 1 a 1", "0 new h, 0 hset h, 0 hexpire h, 0 hexpired h, 0 del h", 0, []),
    # Fields past their deadline.
    *[(PAST, f"{name} h a", "", 0, []) for name in ("HGET", "HEXISTS", "HSTRLEN", "HMGET", "HDEL")],
    *[(PAST, f"{name} h", "", 0, []) for name in ("HGETALL", "HKEYS", "HVALS", "HLEN", "HRANDFIELD")],
    *[(PAST, f"{name} h FIELDS 1 a", "", 0, []) for name in ("HTTL", "HPERSIST", "HGETEX", "HGETDEL")],
    (PAST, "HEXPIRE h 10 FIELDS 1 a", "", 0, []),
    (PAST, "HEXPIRE h 0 FIELDS 1 a", "", 0, []),
    (PAST, "HGETEX h EX 10 FIELDS 1 a", "", 0, []),
    (PAST, "HSET h a 1 c 2", "0 hexpired h, 0 hset h", 2, None),
    (PAST, "HMSET h a 1 b 2 a 3", "0 hexpired h, 0 hset h", 3, None),
    (PAST, "HSETNX h a 1", "0 hexpired h, 0 hset h", 1, ["HSET h a 1"]),
    (PAST, "HINCRBY h a 1", "0 hexpired h, 0 hincrby h", 1, ["HSET h a 1"]),
    (PAST, "HINCRBYFLOAT h a 1", "0 hexpired h, 0 hincrbyfloat h", 1, ["HSET h a 1"]),
    (PAST, "HSETEX h FIELDS 1 a 1", "0 hexpired h, 0 hset h", 1, None),
    (
        *(PAST, "HSETEX h KEEPTTL FIELDS 3 a 1 b 2 c 3", "0 hexpired h, 0 hset h", 3),
        ["HDEL h a b", "HSETEX h KEEPTTL FIELDS 3 a 1 b 2 c 3"],
    ),
    (
        *(PAST, "HSETEX h FNX KEEPTTL FIELDS 1 a 1", "0 hexpired h, 0 hset h", 1),
        ["HDEL h a", "HSETEX h KEEPTTL FIELDS 1 a 1"],
    ),
    (
        PAST,
        "HSETEX h EX 10 FIELDS 1 a 1",
        "0 hexpired h, 0 hset h, 0 hexpire h",
        1,
        [f"HSETEX h PXAT {SOON} FIELDS 1 a 1"],
    ),
    (PAST, "HSETEX h PXAT 1 FIELDS 1 a 1", "0 hset h, 0 hexpire h, 0 hexpired h", 1, ["HDEL h a"]),
    (PAST, "COPY h g", "0 new g, 0 copy_to g", 1, None),
    (PAST, "RENAME h g", "0 new g, 0 rename_from h, 0 rename_to g", 1, None),
]


@each(CASES)
def test_changes_and_effects(session: Session, case: Case) -> None:
    assert_effects(session, case)


@interpreted
@each(CASES)
def test_events_in_order(session: Session, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    assert_events(session, monkeypatch, case)


def test_the_active_cycle_has_a_unit_for_each_hash() -> None:
    paper = Paper()
    session = opened(paper)
    engine = session.engine
    prepare(
        session,
        "HSET a f 1 g 2; HPEXPIRE a 5 FIELDS 1 f; HSET b f 1; HPEXPIRE b 5 FIELDS 1 f; HSET c f 1; HPEXPIRE c 90 FIELDS 1 f",
    )
    counted = engine.moment.changes
    engine.expiry.expire()
    assert sorted(paper.units) == ["HDEL a f", "MULTI, HDEL b f, UNLINK b, EXEC"]
    assert engine.moment.expired_fields == 2
    assert engine.moment.expired == 0
    assert engine.moment.changes == counted
    assert engine.databases[0].table.volatile_items == 1


@interpreted
def test_the_active_cycle_tells_each_hash_once(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(
        session,
        "HSET a f 1 g 2 i 3; HPEXPIRE a 5 FIELDS 2 f g; HSET b f 1; HPEXPIRE b 5 FIELDS 1 f; SELECT 1; "
        "HSET e f 1 g 1; HPEXPIRE e 5 FIELDS 1 f; HPEXPIRE e 11 FIELDS 1 g".replace("; ", ";"),
    )
    told = listen(session, monkeypatch)
    session.engine.expiry.expire()
    session.engine.expiry.expire()
    assert sorted(told) == ["0 del b", "0 hexpired a", "0 hexpired b", "1 hexpired e"]


def test_a_turn_of_the_cycle_is_bounded(session: Session) -> None:
    """Large hashes lose their fields over several turns, small ones too, and databases take turns."""
    engine = session.engine
    for db in (b"0", b"1"):
        engine.execute(session, [b"SELECT", db])
        fields = [b"f:%d" % n for n in range(900)]
        engine.execute(session, [b"HSET", b"large", *[word for field in fields for word in (field, b"v")]])
        engine.execute(session, [b"HPEXPIRE", b"large", b"5", b"FIELDS", b"900", *fields])
        for n in range(300):
            engine.execute(session, [b"HSETEX", b"h:%d" % n, b"PX", b"5", b"FIELDS", b"1", b"f", b"v"])
    prepare(session, "")
    left = []
    while True:
        before = engine.moment.expired_fields
        engine.expiry.expire(300)
        # The buckets of a large hash hold 24 fields on average, and seldom twice as many.
        assert engine.moment.expired_fields - before <= 300 + 48, "a bucket goes as a whole, and not much more"
        left.append([int(db.table.size) for db in engine.databases])
        if not engine.expiry.is_behind:
            break
    assert left[-1] == [0, 0]
    assert engine.moment.expired_fields == 2400
    assert 8 <= len(left) <= 10
    assert [0, 0] not in left[:-2]


def test_what_is_held_back_stays_and_cannot_be_seen(session: Session) -> None:
    engine = session.engine
    prepare(session, "HSET h a 1 b 2;HPEXPIRE h 1 FIELDS 1 a")
    engine.moment.deleting_expired = False
    assert engine.expiry.expire() == 0
    assert engine.execute(session, [b"HGET", b"h", b"a"]) is None
    assert engine.execute(session, [b"HLEN", b"h"]) == 2
    engine.moment.deleting_expired = True
    assert engine.expiry.expire() == 1
    assert engine.execute(session, [b"HLEN", b"h"]) == 1


def test_a_hash_past_its_own_deadline_goes_as_a_whole(session: Session) -> None:
    engine = session.engine
    prepare(session, "HSET h a 1 b 2;HPEXPIRE h 1 FIELDS 2 a b;PEXPIRE h 1")
    engine.expiry.expire()
    assert engine.moment.expired == 1
    assert engine.moment.expired_fields == 0
    assert engine.databases[0].table.volatile_items == 0
    assert engine.next_deadline_ms() == 0
