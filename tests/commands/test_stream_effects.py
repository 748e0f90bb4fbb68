"""What commands on streams tell: the events and their order, the changes counted, what goes into the journal.

All of it is the reference's, taken down from its append-only file and its channels with nodes of a single entry.  It
keeps a LIMIT beside an exact length, which says nothing more; we leave that out.
"""

from __future__ import annotations

import pytest
from tests.commands.effects import NOW_MS, PASSED_MS, Case, assert_effects, assert_events, each, interpreted

from redpoll.engine.session import Session

NOW = NOW_MS + PASSED_MS
TWO = "XADD s 1-1 f v; XADD s 2-1 f v"
GROUP = "XADD s 1-1 f v; XADD s 2-1 f v; XADD s 3-1 f v; XGROUP CREATE s g 0"
READ = GROUP + "; XREADGROUP GROUP g c COUNT 2 STREAMS s >"

# A deleted entry leaves with the time of its delivery.
CASES = [
    ("", "XADD s 5-5 f v", "0 new s, 0 xadd s", 1, None),
    ("XADD s 1-1 f v", "XADD s 1-* f v", "0 xadd s", 1, ["XADD s 1-2 f v"]),
    (TWO, "XADD s MAXLEN 1 3-1 f v", "0 xadd s, 0 xtrim s", 1, None),
    (TWO, "XADD s NOMKSTREAM MAXLEN = 1 9-* f v", "0 xadd s, 0 xtrim s", 1, ["XADD s NOMKSTREAM MAXLEN = 1 9-0 f v"]),
    (TWO, "XADD s MAXLEN ~ 0 3-1 f v", "0 xadd s, 0 xtrim s", 1, ["XADD s MAXLEN = 0 3-1 f v"]),
    (TWO, "XADD s MAXLEN ~ 0 LIMIT 1 3-1 f v", "0 xadd s, 0 xtrim s", 1, ["XADD s MAXLEN = 2 LIMIT 1 3-1 f v"]),
    (TWO, "XADD s MINID ~ 2 LIMIT 10 3-1 f v", "0 xadd s, 0 xtrim s", 1, ["XADD s MINID = 2-1 LIMIT 10 3-1 f v"]),
    (TWO, "XADD s MINID 2 3-1 f v", "0 xadd s, 0 xtrim s", 1, None),
    ("", "XADD s NOMKSTREAM 1-1 f v", "", 0, []),
    (TWO, "XTRIM s MAXLEN 1", "0 xtrim s", 1, None),
    (TWO, "XTRIM s MAXLEN ~ 0", "0 xtrim s", 2, ["XTRIM s MAXLEN = 0"]),
    (TWO, "XTRIM s MINID ~ 9", "0 xtrim s", 2, ["XTRIM s MINID = 18446744073709551615-18446744073709551615"]),
    ("XADD s 1-1 f v", "XTRIM s MAXLEN 5", "", 0, []),
    ("XADD s 1-1 f v", "XDEL s 1-1 2-2", "0 xdel s", 1, None),
    ("XADD s 1-1 f v", "XDEL s 2-2", "", 0, []),
    ("XADD s 1-1 f v", "XSETID s 5-5", "0 xsetid s", 1, None),
    ("XADD s 1-1 f v", "XGROUP CREATE s g $", "0 xgroup-create s", 1, None),
    ("", "XGROUP CREATE s g $ MKSTREAM", "0 new s, 0 xgroup-create s", 1, None),
    (GROUP, "XGROUP SETID s g $", "0 xgroup-setid s", 1, None),
    (GROUP, "XGROUP DESTROY s g", "0 xgroup-destroy s", 1, None),
    (GROUP, "XGROUP DESTROY s h", "", 0, []),
    (GROUP, "XGROUP CREATECONSUMER s g c", "0 xgroup-createconsumer s", 1, None),
    (READ, "XGROUP CREATECONSUMER s g c", "", 0, []),
    (READ, "XGROUP DELCONSUMER s g c", "0 xgroup-delconsumer s", 1, None),
    (READ, "XGROUP DELCONSUMER s g zz", "", 0, []),
    (
        GROUP,
        "XREADGROUP GROUP g c COUNT 2 STREAMS s >",
        "0 xgroup-createconsumer s",
        2,
        [
            f"XCLAIM s g c 0 1-1 TIME {NOW} RETRYCOUNT 1 FORCE JUSTID LASTID 1-1",
            f"XCLAIM s g c 0 2-1 TIME {NOW} RETRYCOUNT 1 FORCE JUSTID LASTID 2-1",
            "XGROUP SETID s g 2-1 ENTRIESREAD 2",
        ],
    ),
    (READ, "XREADGROUP GROUP g c STREAMS s 0", "", 1, []),
    (READ, "XREADGROUP GROUP g d STREAMS s 0", "0 xgroup-createconsumer s", 2, []),
    (
        READ + "; XREADGROUP GROUP g c STREAMS s >",
        "XREADGROUP GROUP g d STREAMS s >",
        "0 xgroup-createconsumer s",
        1,
        [],
    ),
    (
        READ + "; XREADGROUP GROUP g c STREAMS s >",
        "XREADGROUP GROUP g d NOACK STREAMS s >",
        "0 xgroup-createconsumer s",
        1,
        ["XGROUP CREATECONSUMER s g d"],
    ),
    (
        GROUP,
        "XREADGROUP GROUP g c NOACK STREAMS s >",
        "0 xgroup-createconsumer s",
        2,
        ["XGROUP CREATECONSUMER s g c", "XGROUP SETID s g 3-1 ENTRIESREAD 3"],
    ),
    (READ, "XREADGROUP GROUP g c NOACK STREAMS s >", "", 1, ["XGROUP SETID s g 3-1 ENTRIESREAD 3"]),
    (READ, "XACK s g 1-1 9-9", "", 1, None),
    (READ, "XACK s g 9-9", "", 0, []),
    (
        READ,
        "XCLAIM s g d 0 1-1",
        "0 xgroup-createconsumer s",
        2,
        [f"XCLAIM s g d 0 1-1 TIME {NOW} RETRYCOUNT 2 FORCE JUSTID LASTID 2-1"],
    ),
    (READ, "XCLAIM s g c 0 1-1 JUSTID", "", 1, [f"XCLAIM s g c 0 1-1 TIME {NOW} RETRYCOUNT 1 FORCE JUSTID LASTID 2-1"]),
    (READ, "XCLAIM s g c 0 3-1 FORCE", "", 1, [f"XCLAIM s g c 0 3-1 TIME {NOW} RETRYCOUNT 2 FORCE JUSTID LASTID 2-1"]),
    (
        READ,
        "XCLAIM s g c 0 1-1 LASTID 9-9",
        "",
        1,
        [f"XCLAIM s g c 0 1-1 TIME {NOW} RETRYCOUNT 2 FORCE JUSTID LASTID 9-9"],
    ),
    (
        READ + "; XDEL s 1-1",
        "XCLAIM s g d 0 1-1 2-1",
        "0 xgroup-createconsumer s",
        3,
        [
            f"XCLAIM s g c 0 1-1 TIME {NOW_MS} RETRYCOUNT 1 FORCE JUSTID LASTID 2-1",
            f"XCLAIM s g d 0 2-1 TIME {NOW} RETRYCOUNT 2 FORCE JUSTID LASTID 2-1",
        ],
    ),
    (READ, "XCLAIM s g c 100000 1-1", "", 0, []),
    (READ, "XCLAIM s g d 100000 1-1", "0 xgroup-createconsumer s", 1, []),
    (
        READ,
        "XAUTOCLAIM s g d 0 0",
        "0 xgroup-createconsumer s",
        3,
        [
            f"XCLAIM s g d 0 1-1 TIME {NOW} RETRYCOUNT 2 FORCE JUSTID LASTID 2-1",
            f"XCLAIM s g d 0 2-1 TIME {NOW} RETRYCOUNT 2 FORCE JUSTID LASTID 2-1",
        ],
    ),
    (
        READ + "; XDEL s 1-1",
        "XAUTOCLAIM s g c 0 0 JUSTID",
        "",
        2,
        [
            f"XCLAIM s g c 0 1-1 TIME {NOW_MS} RETRYCOUNT 1 FORCE JUSTID LASTID 2-1",
            f"XCLAIM s g c 0 2-1 TIME {NOW} RETRYCOUNT 1 FORCE JUSTID LASTID 2-1",
        ],
    ),
    (READ, "XAUTOCLAIM s g c 100000 0", "", 0, []),
    (
        READ,
        "XAUTOCLAIM s g c 0 0 COUNT 1",
        "",
        1,
        [f"XCLAIM s g c 0 1-1 TIME {NOW} RETRYCOUNT 2 FORCE JUSTID LASTID 2-1"],
    ),
    ("", "XREAD STREAMS s 0", "0 keymiss s, 0 keymiss s", 0, []),
    ("", "XREADGROUP GROUP g c STREAMS s >", "0 keymiss s", 0, []),
    ("", "XACK s g 1", "0 keymiss s", 0, []),
    ("", "XPENDING s g", "0 keymiss s", 0, []),
    ("", "XCLAIM s g c 0 1-1", "0 keymiss s", 0, []),
    ("", "XAUTOCLAIM s g c 0 0", "0 keymiss s", 0, []),
    ("", "XINFO STREAM s", "0 keymiss s", 0, []),
    ("", "XLEN s", "0 keymiss s", 0, []),
    ("", "XRANGE s - +", "0 keymiss s", 0, []),
    ("", "XDEL s 1-1", "", 0, []),
    ("", "XTRIM s MAXLEN 1", "", 0, []),
    ("", "XSETID s 1-1", "", 0, []),
    ("", "XGROUP SETID s g 0", "", 0, []),
]


@pytest.fixture(autouse=True)
def single_nodes(session: Session) -> None:
    session.engine.moment.limits.stream_node_entries = 1


@each(CASES)
def test_changes_and_effects(session: Session, case: Case) -> None:
    assert_effects(session, case)


@interpreted
@each(CASES)
def test_events_in_order(session: Session, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    assert_events(session, monkeypatch, case)
