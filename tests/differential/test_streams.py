"""Streams against the reference: every command, option, complaint and form of reply."""

from __future__ import annotations

import random

import pytest
from tests.differential.pair import Pair

ADDING = """
    XADD s -01 f v
    XADD s "-1" f v
    XADD s 1--01 f v
    XADD s2 1--1 f v
    XADD s " 5" f v
    XADD s3 "5 " f v
    XADD s4 +5-+6 f v
    XADD s5 18446744073709551615-18446744073709551614 f v
    XADD s5 * f v
    XADD s5 * f v
    XADD s5 18446744073709551615-* f v
    XADD s6 5-*x f v
    XADD s6 5-18446744073709551616 f v
    XADD s6 5-1-* f v
    XADD s6 5-** f v
    XADD s6 - f v
    XADD s6 + f v
    XADD s6 $ f v
    XADD s6 "" f v
    XADD s6 0-* f v
    XADD s6 1-* f v
    XADD s6 1-* f v
    XADD s6 1 f v
    XADD s6 0-0 f v
    XADD s6 MAXLEN -1 * f v
    XADD s6 MAXLEN abc * f v
    XADD s6 MAXLEN ~ 5 LIMIT -1 * f v
    XADD s6 MAXLEN ~ 5 LIMIT abc * f v
    XADD s6 LIMIT 5 * f v
    XADD s6 MAXLEN 5 LIMIT 0 * f v
    XADD s6 MAXLEN 5 MINID 5 * f v
    XADD s6 MAXLEN 5 MAXLEN 6 * f v
    XADD s6 MINID 5 MINID 6 * f v
    XADD s6 MAXLEN ~
    XADD s6 MAXLEN ~ 5
    XADD s6 MAXLEN ~ 5 *
    XADD s6 MAXLEN 5 * f
    XADD s6 * f
    XADD s6 * f v g
    XADD s6 MINID abc * f v
    XADD s6 MINID - * f v
    XADD s6 MINID (5 * f v
    XADD s6 FOO * f v
    XADD nope NOMKSTREAM * f v
    XADD nope NOMKSTREAM 0-0 f v
    XADD nope MAXLEN 0 5-5 f v
    XINFO STREAM nope
    SET str x
    XADD str * f v
    XADD str 0-0 f v
    XADD str NOMKSTREAM 1-1 f v
    XADD str 1-1 f
    XADD s6 MAXLEN 18446744073709551615 * f v
    XADD s6 KEEPREF * f v
    XADD s6 MAXLEN = KEEPREF 5 * f v
    XADD s6 MAXLEN ~ = 5 * f v
    XADD s6 MAXLEN = ~ 5 * f v
    XADD
    XADD s6
    XADD s6 *
    XADD s6 * f
    XADD s6 * f v w
    XADD s7 5-5-5 f v
    XADD s7 5- f v
    XADD s7 -5 f v
    XADD s7 0x5 f v
    XADD s7 "5-\\x00" f v
    XADD s7 "5\\x006" f v
    XADD s7 0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000005-1 f v
    XADD s7 00000000000000000000000000000000000000000000000000000000005-1 f v
"""
READING_AND_DELETING = """
    XADD s 1-1 a 1 b 2
    XADD s 2-1 a 1
    XADD s 3-1 a 1
    XRANGE s - +
    XRANGE s (1-1 +
    XRANGE s (1 +
    XRANGE s - (2
    XRANGE s - (2-1
    XRANGE s (18446744073709551615-18446744073709551615 +
    XRANGE s - (0-0
    XRANGE s - (0
    XRANGE s (- +
    XRANGE s ( +
    XRANGE s + -
    XRANGE s - + COUNT 0
    XRANGE s - + COUNT -1
    XRANGE s - + COUNT 1
    XRANGE s - + COUNT 1 COUNT 2
    XRANGE s - + COUNT
    XRANGE s - + FOO
    XRANGE s - + COUNT abc
    XRANGE s abc + COUNT abc
    XRANGE s - + COUNT 9223372036854775807
    XRANGE s - + COUNT 9223372036854775808
    XRANGE nope abc +
    XRANGE nope - + COUNT 0
    XRANGE nope - + COUNT -5
    XRANGE nope - +
    SET str x
    XRANGE str - +
    XRANGE str - + COUNT 0
    XRANGE str abc +
    XREVRANGE s + -
    XREVRANGE s (3 (1-1
    XREVRANGE s + - COUNT 2
    XREVRANGE s - +
    XREVRANGE s (18446744073709551615-18446744073709551615 -
    XREVRANGE s + (18446744073709551615-18446744073709551615
    XREVRANGE s (0-0 -
    XREVRANGE s + (0-0
    XRANGE s 1-x 2
    XRANGE s $ +
    XRANGE s > +
    XRANGE s "1\\x00abc" "2\\x00"
    XRANGE s 1-* 2
    XLEN s
    XLEN nope
    XLEN str
    XDEL s abc
    XDEL s 1-1 abc
    XDEL s 1
    XDEL nope abc
    XDEL str abc
    XDEL nope 1-1
    XDEL str 1-1
    XDEL s 1-1 1-1 9-9
    XINFO STREAM s
    XTRIM s
    XTRIM s MAXLEN
    XTRIM s MAXLEN 5
    XTRIM s MAXLEN ~ 5 LIMIT
    XTRIM s FOO 5
    XTRIM s LIMIT 5
    XTRIM s MAXLEN ~ 5 FOO
    XTRIM s MAXLEN 5 MINID 5
    XTRIM s NOMKSTREAM MAXLEN 5
    XTRIM s * MAXLEN
    XTRIM nope MAXLEN abc
    XTRIM str MAXLEN 5
    XTRIM str MAXLEN abc
    XTRIM nope MAXLEN 5
    XTRIM s MINID 0
    XTRIM s MINID 2-2
    XTRIM s MAXLEN 0
    XTRIM s maxlen = 0
    XSETID nope 1-1
    XSETID str 1-1
    XSETID s abc
    XSETID nope abc
    XSETID s 2-1
    XSETID s 3-1
    XADD s 4-1 f v
    XSETID s 3-1
    XSETID s 5-1 ENTRIESADDED 0
    XSETID s 5-1 ENTRIESADDED -1
    XSETID s 5-1 ENTRIESADDED abc
    XSETID s 5-1 ENTRIESADDED 10
    XSETID s 5-1 MAXDELETEDID 6-1
    XSETID s 5-1 MAXDELETEDID abc
    XSETID s 5-1 MAXDELETEDID 0-0
    XSETID s 5-1 MAXDELETEDID 4-5
    XSETID s 5-1 ENTRIESADDED 10 MAXDELETEDID
    XSETID s 5-1 FOO 10
    XSETID s 5-1 ENTRIESADDED
    XSETID s 5-1 ENTRIESADDED 10 ENTRIESADDED 11
    XSETID s 0-1 MAXDELETEDID 0-0
    XINFO STREAM s
    XSETID s 5-1 ENTRIESADDED 9223372036854775807
    XADD s 6-1 f v
    XINFO STREAM s
    XSETID s -1
    XSETID s *
    XSETID s
"""
GROUPS = """
    XADD s 1-1 a 1 b 2
    XADD s 2-1 a 1
    XADD s 3-1 a 1
    SET str x
    XGROUP CREATE nope g 0
    XGROUP CREATE nope g abc
    XGROUP CREATE nope g 0 FOO
    XGROUP CREATE nope g 0 ENTRIESREAD
    XGROUP CREATE nope g 0 ENTRIESREAD abc
    XGROUP CREATE nope g 0 ENTRIESREAD -2
    XGROUP CREATE nope g abc MKSTREAM
    XGROUP CREATE nope g $ MKSTREAM ENTRIESREAD 5
    XGROUP CREATE nope g $ MKSTREAM
    XGROUP CREATE str g $
    XGROUP CREATE str g abc
    XGROUP CREATE s g
    XGROUP CREATE s g 0
    XGROUP CREATE s g abc
    XGROUP CREATE s g $
    XGROUP CREATE s h -
    XGROUP CREATE s h +
    XGROUP CREATE s h (1
    XGROUP CREATE s h 99999
    XGROUP CREATE s i $ ENTRIESREAD 2 MKSTREAM MKSTREAM ENTRIESREAD 3
    XGROUP SETID nope g 0
    XGROUP SETID s nog 0
    XGROUP SETID s nog abc
    XGROUP SETID s g abc
    XGROUP SETID s g 2 ENTRIESREAD 1
    XGROUP SETID s g 2 MKSTREAM
    XGROUP SETID s g 2 ENTRIESREAD
    XGROUP SETID s g 2 ENTRIESREAD -2
    XGROUP SETID s g $
    XGROUP SETID s g
    XGROUP DESTROY nope g
    XGROUP DESTROY s nog
    XGROUP DESTROY s i
    XGROUP DESTROY s i x
    XGROUP DESTROY str g
    XGROUP CREATECONSUMER nope g c
    XGROUP CREATECONSUMER s nog c
    XGROUP CREATECONSUMER s g c
    XGROUP CREATECONSUMER s g c
    XGROUP CREATECONSUMER s g
    XGROUP CREATECONSUMER str g c
    XGROUP DELCONSUMER s g d
    XGROUP DELCONSUMER s g c
    XGROUP DELCONSUMER s nog c
    XGROUP FOO s g
    XGROUP FOO
    XGROUP
    XGROUP HELP x
    XGROUP create s "g\\x00h" 0
    XINFO GROUPS s
    XINFO GROUPS nope
    XINFO GROUPS str
    XINFO GROUPS s x
    XINFO CONSUMERS s g
    XINFO CONSUMERS s nog
    XINFO CONSUMERS s "no\\x00g"
    XINFO CONSUMERS nope nog
    XINFO CONSUMERS s
    XINFO STREAM nope
    XINFO STREAM nope FOO
    XINFO STREAM s FOO
    XINFO STREAM s FULL COUNT
    XINFO STREAM s FULL COUNT abc
    XINFO STREAM s FULL FOO 1
    XINFO STREAM s FULL COUNT 1 x
    XINFO STREAM s COUNT 1
    XINFO STREAM nope FULL COUNT abc
    XINFO STREAM str FULL COUNT abc
    XINFO STREAM str
    XINFO STREAM s FULL
    XINFO STREAM s FULL COUNT 0
    XINFO STREAM s FULL COUNT -5
    XINFO STREAM s FULL COUNT 1
    XINFO FOO
"""
READERS = """
    XADD s 1-1 a 1 b 2
    XADD s 2-1 a 1
    XADD s 3-1 a 1
    SET str x
    XREAD STREAMS s 0
    XREAD STREAMS s $
    XREAD STREAMS s +
    XREAD STREAMS nope +
    XREAD STREAMS s nope 0 0
    XREAD STREAMS nope 0
    XREAD STREAMS s
    XREAD STREAMS s a 0
    XREAD STREAMS
    XREAD COUNT 1 STREAMS s 0
    XREAD COUNT 0 STREAMS s 0
    XREAD COUNT -1 STREAMS s 0
    XREAD COUNT abc STREAMS s 0
    XREAD COUNT STREAMS s 0
    XREAD BLOCK abc STREAMS s 0
    XREAD BLOCK -1 STREAMS s 0
    XREAD BLOCK 1.5 STREAMS s 0
    XREAD BLOCK 9223372036854775807 STREAMS s 0
    XREAD BLOCK 1 STREAMS s $
    XREAD COUNT 2 COUNT 1 STREAMS s 0
    XREAD GROUP g c STREAMS s 0
    XREAD NOACK STREAMS s 0
    XREAD FOO STREAMS s 0
    XREAD COUNT 1
    XREAD COUNT 1 BLOCK 0
    XREAD STREAMS s >
    XREAD STREAMS s abc
    XREAD STREAMS s -
    XREAD STREAMS s (1
    XREAD STREAMS s 1-*
    XREAD STREAMS str 0
    XREAD STREAMS s str 0 0
    XREAD STREAMS s str abc 0
    XREAD STREAMS str s 0 abc
    XREAD STREAMS str s $ abc
    XREAD COUNT 1 STREAMS s s 0 +
    XREAD COUNT 2 STREAMS s +
    XREAD STREAMS s 1-1
    XREAD STREAMS s 2
    XREAD STREAMS s 18446744073709551615-18446744073709551615
    XREAD STREAMS s 18446744073709551614-18446744073709551615
    XREAD CLAIM 5 STREAMS s 0
    XGROUP CREATE s g 0
    XREADGROUP GROUP g c STREAMS s >
    XREADGROUP GROUP g c STREAMS s >
    XREADGROUP GROUP g c STREAMS s 0
    XREADGROUP GROUP g c STREAMS s 1-1
    XREADGROUP GROUP g c COUNT 1 STREAMS s 0
    XREADGROUP GROUP g c COUNT 0 STREAMS s 0
    XREADGROUP GROUP g c COUNT -3 STREAMS s 0
    XREADGROUP GROUP g c STREAMS s 99
    XREADGROUP GROUP g d STREAMS s 0
    XREADGROUP GROUP g c STREAMS s $
    XREADGROUP GROUP g c STREAMS s +
    XREADGROUP GROUP g c STREAMS s abc
    XREADGROUP GROUP nog c STREAMS s >
    XREADGROUP GROUP nog c STREAMS s abc
    XREADGROUP GROUP nog c STREAMS s $
    XREADGROUP GROUP g c STREAMS nope >
    XREADGROUP GROUP g c STREAMS nope abc
    XREADGROUP GROUP g c STREAMS s nope > >
    XREADGROUP GROUP g c STREAMS str >
    XREADGROUP GROUP g c STREAMS s str > 0
    XREADGROUP GROUP g c STREAMS s
    XREADGROUP GROUP g c STREAMS s a b 0
    XREADGROUP GROUP g c NOACK STREAMS s >
    XREADGROUP STREAMS s a b c > >
    XREADGROUP COUNT 1 STREAMS s a 0 0
    XREADGROUP GROUP g c FOO STREAMS s >
    XREADGROUP GROUP g c BLOCK 1 STREAMS s >
    XREADGROUP GROUP g c BLOCK 0 STREAMS s 0
    XREADGROUP GROUP g c BLOCK abc STREAMS s 0
    XREADGROUP GROUP g c CLAIM 5 STREAMS s >
    XREADGROUP COUNT 2 GROUP g c GROUP h d STREAMS s >
    XREADGROUP GROUP g
    XREADGROUP GROUP g c STREAMS s -
    XREADGROUP NOACK GROUP g c STREAMS s 18446744073709551615-18446744073709551615
    XDEL s 2-1
    XREADGROUP GROUP g c STREAMS s 0
    XPENDING s g
    ± XPENDING s g - + 10
    ± XINFO STREAM s FULL
    ± XINFO CONSUMERS s g
    XREADGROUP GROUP "g\\x00x" c STREAMS "s\\x00s" >
"""
CLAIMS = """
    XADD s 1-1 a 1 b 2
    XADD s 2-1 a 1
    XADD s 3-1 a 1
    XADD s 4-1 a 1
    SET str x
    XGROUP CREATE s g 0
    XREADGROUP GROUP g c STREAMS s >
    XDEL s 2-1
    XACK s g abc
    XACK nope g abc
    XACK nope g 1
    XACK s nog abc
    XACK s nog 1
    XACK str g 1
    XACK s g 9-9 1-1 1-1
    XACK s g
    XPENDING s
    XPENDING nope g
    XPENDING s nog
    XPENDING str g
    XPENDING s g
    XPENDING s g - +
    ± XPENDING s g - + 10
    ± XPENDING s g - + 0
    ± XPENDING s g - + -5
    XPENDING s g - + abc
    XPENDING s g abc + 10
    XPENDING s g - abc 10
    ± XPENDING s g (2-1 + 10
    ± XPENDING s g - (4-1 10
    ± XPENDING s g (18446744073709551615-18446744073709551615 + 10
    ± XPENDING s g - (0-0 10
    ± XPENDING s g - + 10 nobody
    ± XPENDING s g - + 10 c
    ± XPENDING s g - + 10 c d
    ± XPENDING s g IDLE 0 - + 10
    XPENDING s g IDLE abc - + 10
    ± XPENDING s g IDLE -5 - + 10
    ± XPENDING s g IDLE 100000 - + 10
    ± XPENDING s g IDLE 0 - + 10 c
    ± XPENDING s g IDLE 0 - +
    ± XPENDING s g IDLE 0 - + 10 c x
    ± XPENDING s g IDLE 0
    ± XPENDING s g FOO 0 - + 10
    XPENDING nope g abc + 10
    XPENDING nope g - + abc
    ± XPENDING s g + - 10
    ± XPENDING s g - + 9223372036854775807
    ± XPENDING s g - + 9223372036854775808
    XCLAIM s g d 0
    XCLAIM s g d abc 1-1
    XCLAIM s g d -5 3-1
    XCLAIM s nog d 0 1-1
    XCLAIM nope g d 0 1-1
    XCLAIM nope g d 0 abc
    XCLAIM nope g d abc abc
    XCLAIM str g d 0 1-1
    XCLAIM s g d 0 abc
    XCLAIM s g d 0 3-1 abc
    XCLAIM s g d 0 3-1 FOO
    XCLAIM s g d 0 3-1 IDLE
    XCLAIM s g d 0 3-1 IDLE abc
    XCLAIM s g d 0 3-1 TIME abc
    XCLAIM s g d 0 3-1 RETRYCOUNT abc
    XCLAIM s g d 0 3-1 RETRYCOUNT -1
    XCLAIM s g d 0 3-1 LASTID abc
    XCLAIM s g d 0 3-1 LASTID
    XCLAIM s g d 0 FORCE
    XCLAIM s g d 0 3-1
    XCLAIM s g d 0 3-1 JUSTID
    ± XPENDING s g - + 10
    XCLAIM s g d 0 2-1
    ± XPENDING s g - + 10
    XCLAIM s g d 0 1-1 FORCE
    XCLAIM s g d 0 2-1 FORCE
    XCLAIM s g e 0 77-1
    XCLAIM s g e 0 77-1 FORCE
    XCLAIM s g d 0 1-1 FORCE JUSTID RETRYCOUNT 9223372036854775807
    ± XPENDING s g - + 10
    XCLAIM s g d 0 1-1
    ± XPENDING s g - + 10
    XCLAIM s g d 0 3-1 TIME 9999999999999999 JUSTID
    XCLAIM s g d 0 3-1 TIME -5 JUSTID
    XCLAIM s g d 0 3-1 IDLE 99999999999999999 JUSTID
    XCLAIM s g d 0 3-1 IDLE -5 JUSTID
    XINFO GROUPS s
    XCLAIM s g d 0 3-1 LASTID 9-9
    XCLAIM s g d 0 3-1 LASTID 5-5
    XINFO GROUPS s
    XCLAIM s g d 100000 3-1
    ± XINFO CONSUMERS s g
    XCLAIM s g zz 100000 3-1
    ± XINFO CONSUMERS s g
    XAUTOCLAIM s g d
    XAUTOCLAIM s g d 0
    XAUTOCLAIM s g d abc 0
    XAUTOCLAIM s g d -5 0
    XAUTOCLAIM s g d 0 abc
    XAUTOCLAIM s g d 0 (18446744073709551615-18446744073709551615
    XAUTOCLAIM s g d 0 0 COUNT
    XAUTOCLAIM s g d 0 0 COUNT 0
    XAUTOCLAIM s g d 0 0 COUNT -1
    XAUTOCLAIM s g d 0 0 COUNT abc
    XAUTOCLAIM s g d 0 0 COUNT 1000000000000000000
    XAUTOCLAIM s g d 0 0 FOO
    XAUTOCLAIM nope g d 0 0
    XAUTOCLAIM nope g d 0 abc
    XAUTOCLAIM s nog d 0 0
    XAUTOCLAIM str nog d 0 0
    XAUTOCLAIM s g d 0 0 COUNT 1
    XAUTOCLAIM s g d 0 0 COUNT 1 JUSTID
    XDEL s 3-1
    XAUTOCLAIM s g d 0 0 COUNT 10 JUSTID
    XAUTOCLAIM s g d 0 - COUNT 10 COUNT 1
    XAUTOCLAIM s g d 0 (1-1
    XAUTOCLAIM s g d 0 +
    XAUTOCLAIM s g newone 100000 0
    ± XINFO CONSUMERS s g
    ± XINFO STREAM s FULL
    XACK s g 1-1 4-1
    XPENDING s g
    XCLAIM s g d 0 1-1 FORCE IDLE 5
    ± XPENDING s g - + 5
"""
COPIES_AND_LIMITS = """
    XADD s 1-1 f v g w
    XADD s 2-0 f z
    DEBUG DIGEST-VALUE s
    DEBUG DIGEST
    XGROUP CREATE e g 0 MKSTREAM
    DEBUG DIGEST-VALUE e
    OBJECT ENCODING s
    TYPE s
    COPY s t
    DEBUG DIGEST-VALUE t
    RENAME s u
    XLEN u
    MOVE u 1
    XGROUP CREATE t g 0
    XREADGROUP GROUP g c COUNT 1 STREAMS t >
    COPY t t2
    XPENDING t2 g
    ± XINFO STREAM t2 FULL
    XACK t2 g 1-1
    XPENDING t g
    XPENDING t2 g
    EXPIRE t2 100
    DEBUG DIGEST-VALUE t2
    XDEL t 1-1
    DEBUG DIGEST-VALUE t
    XADD big 5-18446744073709551615 f v
    XADD big 18446744073709551615-0 f v
    XADD big 18446744073709551615-* f v
    XRANGE big - +
    XINFO STREAM big FULL
    DEBUG DIGEST-VALUE big
    SET g x
    XADD s MAXLEN ~ 5 LIMIT 0 5-5 f v
    XADD s MINID = 5-5 6-6 f v
    XINFO STREAM s
    XGROUP CREATE miss g 0 ENTRIESREAD abc
    XGROUP CREATE miss g 0 A B C D E
    XGROUP CREATE s g 0 MKSTREAM MKSTREAM MKSTREAM MKSTREAM
    XGROUP CREATE miss g 0 MKSTREAM MKSTREAM MKSTREAM MKSTREAM
    XINFO STREAM miss2 FOO
    XINFO STREAM miss2
    XPENDING s nog abc + abc
    XPENDING s nog IDLE x abc + abc
    XPENDING a b c d e f g h i j
    XPENDING a b c
    XPENDING a b c d
    XCLAIM s
    XAUTOCLAIM s g c 0 0 COUNT 576460752303423487
    XAUTOCLAIM s g c 0 0 COUNT 576460752303423488
    XREADGROUP GROUP g c STREAMS s s x
    XREADGROUP GROUP g c STREAMS a b c > >
    XREADGROUP COUNT abc GROUP g c STREAMS s >
"""


@pytest.mark.parametrize(
    "lines",
    [ADDING, READING_AND_DELETING, GROUPS, READERS, CLAIMS, COPIES_AND_LIMITS],
    ids=["adding", "reading-and-deleting", "groups", "readers", "claims", "copies-and-limits"],
)
def test_a_session(pair: Pair, lines: str) -> None:
    pair.play(lines)


def test_an_id_is_made_of_the_time(pair: Pair) -> None:
    theirs, ours = pair.both("XADD", "s", "*", "f", "v")
    their_ms, our_ms = (int((reply.text or b"").split(b"-")[0]) for reply in (theirs, ours))
    assert abs(their_ms - our_ms) < 5000
    for words in (("MAXLEN", "=", "5"), ("MAXLEN", "~", "5", "LIMIT", "5", "LIMIT", "6"), ("NOMKSTREAM", "NOMKSTREAM")):
        pair.shape("XADD", "s", *words, "*", "f", "v")
    pair.do("XLEN", "s")


WATCHED = [
    ("XADD s 9-9 f v", True),
    ("XTRIM s MAXLEN 1", True),
    ("XDEL s 1-1", True),
    ("XSETID s 9-9", False),
    ("XGROUP CREATE s h 0", False),
    ("XGROUP SETID s g 0", False),
    ("XGROUP DESTROY s g", False),
    ("XGROUP CREATECONSUMER s g d", False),
    ("XGROUP DELCONSUMER s g c", False),
    ("XREADGROUP GROUP g d STREAMS s >", False),
    ("XREADGROUP GROUP g d STREAMS s 0", False),
    ("XACK s g 1-1", False),
    ("XCLAIM s g d 0 1-1", False),
    ("XAUTOCLAIM s g d 0 0", False),
]


@pytest.mark.parametrize(("line", "breaks"), WATCHED, ids=[line for line, _ in WATCHED])
def test_what_breaks_a_transaction(pair: Pair, line: str, breaks: bool) -> None:
    pair.play("""
        XADD s 1-1 f v
        XADD s 2-1 f v
        XGROUP CREATE s g 0
        XREADGROUP GROUP g c COUNT 1 STREAMS s >
        WATCH s
    """)
    pair.second().do(*line.split())
    pair.do("MULTI")
    pair.do("PING")
    assert (pair.do("EXEC").text is None and not pair.theirs.buffer) or not breaks
    pair.do("XLEN", "s")


def test_a_watched_key_is_made_by_mkstream(pair: Pair) -> None:
    pair.do("WATCH", "s")
    pair.second().do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    pair.do("MULTI")
    pair.do("PING")
    pair.do("EXEC")


@pytest.mark.parametrize("limits", [("4096", "100"), ("300", "100"), ("4096", "7"), ("0", "0")])
@pytest.mark.parametrize("seed", [1, 2])
def test_nodes_and_trimming(pair: Pair, limits: tuple[str, str], seed: int) -> None:
    source = random.Random(seed)
    values = ["v", "12", "-4097", "70000", "9223372036854775807", "x" * 70, "y" * 300, ""]
    with pair.config("stream-node-max-bytes", limits[0]), pair.config("stream-node-max-entries", limits[1]):
        ms = 1
        for _ in range(250):
            what = source.random()
            if what < 0.75:
                for _ in range(source.randrange(1, 12)):
                    ms += source.choice([0, 1, 1, 300, 70000, 5_000_000])
                    fields = source.choice([["f"], ["f"], ["f"], ["a", "bb"]])
                    words = [word for field in fields for word in (field, source.choice(values))]
                    pair.do("XADD", "s", f"{ms}-*", *words)
            elif what < 0.85:
                pair.do("XDEL", "s", f"{source.randrange(1, ms + 1)}", f"{source.randrange(1, ms + 1)}-0")
                first = pair.do("XRANGE", "s", "-", "+", "COUNT", 5)
                for item in first.items[:: source.randrange(1, 3)]:
                    pair.do("XDEL", "s", item.items[0].text or b"")
            else:
                length = pair.do("XLEN", "s").integer
                keeps = source.randrange(0, length + 20)
                sign = source.choice(["~", "="])
                limit = ("LIMIT", source.choice([0, 5, 60])) if sign == "~" and source.random() < 0.5 else ()
                if source.random() < 0.5:
                    pair.do("XTRIM", "s", "MAXLEN", sign, keeps, *limit)
                else:
                    pair.do("XTRIM", "s", "MINID", sign, source.randrange(1, ms + 1), *limit)
            pair.do("XINFO", "STREAM", "s")
        pair.do("XRANGE", "s", "-", "+")
        pair.do("XREVRANGE", "s", "+", "-", "COUNT", 30)
        pair.do("DEBUG", "DIGEST")
