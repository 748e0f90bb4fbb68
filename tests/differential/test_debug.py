"""DEBUG: the subcommands that test suites use."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.differential.pair import DIFFERENCES, Pair, difference_rows
from tests.differential.servers import both
from tests.differential.wire import Wire, encode
from tests.process.running import until

TYPES = (
    "string", "integer", "double", "bignum", "null", "array", "set", "map", "attrib", "push", "verbatim", "true",
    "false", "nosuch", "MAP",
)  # fmt: skip


NOT_THERE = (
    "DELAY-RDB-CLIENT-FREE-SECONDS 0", "FORCE-FREE-PRIMARY-ASYNC 0", "HASHTABLE-CAN-ABORT-SHRINK 1",
    "PAUSE-AFTER-FORK 0",
)  # fmt: skip
"""Subcommands for what redpoll does not have, or not yet."""


@pytest.fixture
def apart() -> Iterator[Pair]:
    """A pair with servers of its own, for what would leave its mark on those that all tests share."""
    with both() as started:
        made = Pair(*started, 2)
        yield made
        made.close()


def test_errors(pair: Pair) -> None:
    pair.play("""
        DEBUG
        DEBUG NOSUCH
        DEBUG nosuch with words
        DEBUG JMAP
        DEBUG STRINGMATCH-LEN 10 *
        DEBUG SLEEP
        DEBUG SLEEP 0 0
        DEBUG SLEEP x
        DEBUG SLEEP -1
        DEBUG SLEEP 0
        DEBUG SET-ACTIVE-EXPIRE
        DEBUG SET-ACTIVE-EXPIRE 1 1
        DEBUG SET-ACTIVE-EXPIRE x
        DEBUG SET-ACTIVE-EXPIRE 1
        DEBUG PAUSE-CRON 1
        DEBUG PAUSE-CRON 0
        DEBUG PAUSE-CRON
        DEBUG OBJECT
        DEBUG OBJECT nokey
        DEBUG OBJECT nokey fast
        DEBUG OBJECT nokey fast more
        DEBUG LEAK
        DEBUG LEAK text
        DEBUG LEAK two words
        DEBUG QUICKLIST
        DEBUG QUICKLIST nokey
        DEBUG QUICKLIST nokey 1
        DEBUG QUICKLIST nokey 1 2
        DEBUG CLIENT-EVICTION
        DEBUG CLIENT-EVICTION x
        DEBUG FORCE-TLS-WRITE-ERROR
        DEBUG FORCE-TLS-WRITE-ERROR 1
        DEBUG FORCE-TLS-WRITE-ERROR x y
        DEBUG CLOSE-CLUSTER-LINK-ON-PACKET-DROP 0
        DEBUG CLOSE-CLUSTER-LINK-ON-PACKET-DROP
        DEBUG DISABLE-CLUSTER-RANDOM-PING 0
        DEBUG DISABLE-CLUSTER-RANDOM-PING x
        DEBUG DISABLE-CLUSTER-RECONNECTION 0
        DEBUG DROP-CLUSTER-PACKET-FILTER -1
        DEBUG DROP-CLUSTER-PACKET-FILTER x
        DEBUG DROP-CLUSTER-PACKET-FILTER
        DEBUG SLOTMIGRATION PREVENT-PAUSE 0
        DEBUG SLOTMIGRATION prevent-failover x
        DEBUG SLOTMIGRATION OTHER 1
        DEBUG CLUSTERLINK
        DEBUG CLUSTERLINK KILL all
        DEBUG CLUSTERLINK kill to node
        DEBUG CLUSTERLINK KILL nowhere node
        DEBUG CLUSTERLINK mend all node
        DEBUG PROTECT-CLIENT
        DEBUG PROTECT-CLIENT x
        DEBUG PROTECT-CLIENT 1000000
        DEBUG PROTECT-CLIENT 1 2
        DEBUG DICT-RESIZING
        DEBUG DICT-RESIZING 1 1
        DEBUG DICT-RESIZING x
        DEBUG DICT-RESIZING 1
        DEBUG STRUCTSIZE
        DEBUG STRUCTSIZE x
        DEBUG STRINGMATCH-LEN 5 x
        DEBUG REPLYBUFFER
        DEBUG REPLYBUFFER RESIZING
        DEBUG REPLYBUFFER RESIZING 1 2
        DEBUG REPLYBUFFER OTHER 1
        DEBUG REPLYBUFFER PEAK-RESET-TIME
        DEBUG REPLYBUFFER PEAK-RESET-TIME x
        DEBUG REPLYBUFFER PEAK-RESET-TIME 1.5
        DEBUG REPLYBUFFER PEAK-RESET-TIME 9223372036854775808
        DEBUG REPLYBUFFER PEAK-RESET-TIME 1 2
        DEBUG REPLYBUFFER resizing x
        DEBUG REPLYBUFFER RESIZING 1
        DEBUG REPLYBUFFER peak-reset-time never
        DEBUG REPLYBUFFER PEAK-RESET-TIME -1
        DEBUG REPLYBUFFER PEAK-RESET-TIME 9223372036854775807
        DEBUG REPLYBUFFER PEAK-RESET-TIME 100
        DEBUG REPLYBUFFER PEAK-RESET-TIME Reset
        DEBUG CLIENT-ENFORCE-REPLY-LIST
        DEBUG CLIENT-ENFORCE-REPLY-LIST 1 1
        DEBUG CLIENT-ENFORCE-REPLY-LIST x
        DEBUG CONFIG-REWRITE-FORCE-ALL
        DEBUG CONFIG-REWRITE-FORCE-ALL x
        DEBUG RESTART x
        DEBUG RESTART 1.5 2
        DEBUG CRASH-AND-RECOVER x
        DEBUG LISTPACK
        DEBUG LISTPACK nokey
        DEBUG SDSLEN nokey
        DEBUG HTSTATS
        DEBUG HTSTATS x
        DEBUG HTSTATS -1
        DEBUG HTSTATS 16
        DEBUG HTSTATS-KEY nokey
        DEBUG LOG
        DEBUG LOG "a message"
        DEBUG LOG a message
        DEBUG ERROR
        DEBUG ERROR "LOADING not really"
        DEBUG ERROR ""
        DEBUG ERROR "two\\r\\nlines"
        DEBUG ERROR a b
        DEBUG DIGEST x
        DEBUG DIGEST-VALUE
        DEBUG CHANGE-REPL-ID
        DEBUG CHANGE-REPL-ID x
        DEBUG HELP x
    """)
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")


@pytest.mark.parametrize("type", TYPES)
def test_protocol(pair: Pair, type: str) -> None:
    if type == "push" and pair.protocol == 3:
        pair.raw(b"*3\r\n$5\r\nDEBUG\r\n$8\r\nPROTOCOL\r\n$4\r\npush\r\n")
    else:
        pair.do("DEBUG", "PROTOCOL", type)
    pair.do("PING")


def test_populate(pair: Pair) -> None:
    pair.do("SET", "key:1", "kept")
    pair.play("""
        DEBUG POPULATE
        DEBUG POPULATE x
        DEBUG POPULATE -1
        DEBUG POPULATE 01
        DEBUG POPULATE 5 p -1
        DEBUG POPULATE 5 p x
        DEBUG POPULATE 5 p 1 x
        DEBUG POPULATE 0
        DEBUG POPULATE 3
        GET key:0
        GET key:1
        GET key:2
        EXISTS key:3
        DEBUG POPULATE 2 short 3
        GET short:1
        DEBUG POPULATE 2 long 300
        GET long:1
        DEBUG POPULATE 2 plain 0
        GET plain:0
        DEBUG POPULATE 1 "" 5
        GET :0
        DBSIZE
        DEBUG DIGEST
    """)


def test_digests_are_those_of_the_reference(pair: Pair) -> None:
    pair.do("DEBUG", "DIGEST")
    pair.do("SET", "s", "value")
    pair.do("SET", "n", "12345")
    pair.do("SET", "empty", "")
    pair.do("SET", "long", "x" * 5000)
    pair.do("SET", "timed", "v", "EX", "1000")
    pair.do("HSET", "h", "f", "v", "g", "w", "n", "17")
    pair.do("ZADD", "z", "1", "a", "1.5", "b", "-inf", "c", "3e300", "d", "0.1", "e")
    for n in range(300):
        pair.do("HSET", "large-hash", f"field {n}", "v" * (n % 80))
        pair.do("ZADD", "large-zset", n / 7, f"member {n}")  # type: ignore[arg-type]
    pair.do("EXPIRE", "large-hash", "1000")
    keys = ("s", "n", "empty", "long", "timed", "h", "z", "large-hash", "large-zset")
    pair.do("DEBUG", "DIGEST-VALUE", *keys, "nokey")
    pair.do("DEBUG", "DIGEST")
    pair.do("SELECT", "3")
    pair.do("SET", "s", "value")
    pair.do("DEBUG", "DIGEST")
    pair.do("DEBUG", "DIGEST-VALUE", "s", "h")
    pair.do("FLUSHALL")
    pair.do("DEBUG", "DIGEST")


def test_object(pair: Pair) -> None:
    own = rb"Value at:0x[0-9a-f]+|lru:\d+"
    pair.do("SET", "i", "12")
    pair.do("SET", "i2", "1234567")
    pair.do("SET", "i3", "12345678901234")
    pair.do("SET", "s", "short")
    pair.do("HSET", "h", "f", "v")
    pair.do("HSET", "h2", "f", "-5000", "g", "70000", "longer", "9223372036854775807", "x", "123", "y", "-1")
    pair.do("ZADD", "z", "1", "a")
    pair.do("ZADD", "z2", "1.5", "a", "300", "b", "-20000", "c")
    for key in ("i", "i2", "i3", "s", "h", "h2", "z", "z2"):
        pair.apart_from(own, "DEBUG", "OBJECT", key)
        pair.apart_from(own, "DEBUG", "OBJECT", key, "fast")
        pair.apart_from(own, "DEBUG", "OBJECT", key, "other")
    pair.do("DEBUG", "LISTPACK", "h")
    pair.do("DEBUG", "LISTPACK", "z")
    pair.do("DEBUG", "LISTPACK", "s")
    pair.do("DEBUG", "SDSLEN", "i")
    pair.do("DEBUG", "SDSLEN", "h")


def test_object_of_what_files_compress(pair: Pair) -> None:
    pair.do("SET", "s", "a" * 100)
    ours = pair.differs("debug-object-compression", "DEBUG", "OBJECT", "s")
    assert b" serializedlength:102 " in (ours.text or b"")


def test_object_of_a_key_past_its_time(pair: Pair) -> None:
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    pair.do("SET", "a", "abc", "PX", "1")
    pair.do("DEBUG", "SLEEP", "0.005")
    pair.apart_from(rb"Value at:0x[0-9a-f]+|lru:\d+", "DEBUG", "OBJECT", "a")
    pair.do("DBSIZE")
    pair.do("GET", "a")
    pair.do("DEBUG", "OBJECT", "a")
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")


def test_tables_tell_their_entries(pair: Pair) -> None:
    for n in range(600):
        pair.do("HSET", "h", n, "v")
    pair.do("SET", "a", "1", "EX", "1000")
    pair.do("DEBUG", "HTSTATS-KEY", "a")
    for words in (("HTSTATS", "0"), ("HTSTATS", "0", "full"), ("HTSTATS-KEY", "h"), ("HTSTATS-KEY", "h", "full")):
        for reply in pair.both("DEBUG", *words):
            wanted = b" number of entries: " + (b"2" if words[0] == "HTSTATS" else b"600")
            assert wanted in (reply.text or b"")
            assert (b"chain length distribution" in (reply.text or b"")) == (len(words) == 3)


def test_tables_keep_their_size_if_told_to(pair: Pair) -> None:
    def sizes() -> list[list[bytes]]:
        replies = pair.both("DEBUG", "HTSTATS", "0")
        return [re.findall(rb"table size: (\d+)", (reply.text or b"").partition(b"[Expires")[0]) for reply in replies]

    pair.do("SET", "a", "1")
    small = sizes()
    pair.do("DEBUG", "DICT-RESIZING", "0")
    pair.do("DEBUG", "POPULATE", "400")
    assert sizes() == small
    pair.do("DEBUG", "DICT-RESIZING", "1")
    pair.do("DEBUG", "POPULATE", "100", "more")
    large = sizes()
    assert all(int(now[-1]) > int(before[-1]) for now, before in zip(large, small, strict=True))
    pair.do("GET", "key:399")
    pair.do("DBSIZE")


def test_a_protected_client_is_not_heard(apart: Pair) -> None:
    other = apart.second()
    for wire, asked in ((apart.theirs, other.theirs), (apart.ours, other.ours)):
        asked.send(encode(("CLIENT", "ID")))
        wire.send(encode(("DEBUG", "PROTECT-CLIENT", asked.read().integer)))
        assert wire.read().raw == b"+OK\r\n"
    other.send("PING")
    other.silent()
    apart.do("PING")


def field(line: bytes | None, name: str) -> int:
    """A number in a line of CLIENT LIST."""
    found = re.search(rb" %b=(\d+)" % name.encode(), line or b"")
    assert found is not None
    return int(found.group(1))


def test_replies_can_bypass_the_buffer(apart: Pair) -> None:
    """Replies of one read that wait for their `send` are pieces then, in CLIENT LIST too."""
    pipeline = encode(("ECHO", "x" * 100)) * 3 + encode(("CLIENT", "LIST"))
    for switch, in_pieces in (("1", True), ("0", False)):
        apart.do("DEBUG", "CLIENT-ENFORCE-REPLY-LIST", switch)
        for wire in (apart.theirs, apart.ours):
            wire.send(pipeline)
            for _ in range(3):
                assert wire.read().text == b"x" * 100
            line = wire.read().text
            assert (field(line, "obl") == 0) == in_pieces
            assert (field(line, "oll") > 0) == in_pieces
            assert (field(line, "omem") > 300) == in_pieces


def test_buffers_of_replies_shrink_unless_told_not_to(apart: Pair) -> None:
    other = apart.second()
    readers = ((apart.theirs, other.theirs), (apart.ours, other.ours))
    apart.do("DEBUG", "REPLYBUFFER", "PEAK-RESET-TIME", 100)
    apart.do("DEBUG", "REPLYBUFFER", "RESIZING", 0)
    shown = []
    for control, client in readers:
        client.send(encode(("ECHO", "x" * 10_000)) * 6 + encode(("CLIENT", "ID")))
        for _ in range(6):
            client.read()
        id = client.read().integer

        def line(control: Wire = control, id: int = id) -> bytes | None:
            control.send(encode(("CLIENT", "LIST", "ID", id)))
            return control.read().text

        shown.append(line)
        large = field(line(), "rbs")
        assert large >= 16_384
        until(lambda line=line: field(line(), "idle") >= 2, "two seconds go by")  # type: ignore[misc]
        assert field(line(), "rbs") == large
    apart.do("DEBUG", "REPLYBUFFER", "RESIZING", 1)
    for line in shown:
        until(lambda line=line: field(line(), "rbs") < 4000, "the buffer shrinks")  # type: ignore[misc]


def test_what_is_not_there_is_refused(apart: Pair) -> None:
    for words in NOT_THERE:
        word = words.split()[0].encode()
        refusal = b"ERR unknown subcommand or wrong number of arguments for '%b'. Try DEBUG HELP." % word
        assert apart.differs("debug-subcommands", "DEBUG", *words.split()).text == refusal


def test_the_row_of_what_is_not_there_tells_of_all() -> None:
    row = next(line for line in DIFFERENCES.read_text().splitlines() if line.startswith("| `debug-subcommands`"))
    assert re.findall("`([A-Z-]+)`", row) == [words.split()[0] for words in NOT_THERE]


def test_out_of_memory_does_not_end_the_server(pair: Pair) -> None:
    assert "debug-oom" in difference_rows()
    pair.ours.send(b"*2\r\n$5\r\nDEBUG\r\n$3\r\nOOM\r\n")
    assert pair.ours.read().raw == b"-OOM out of memory while running 'debug'\r\n"
    pair.do("PING")


def test_populating_is_a_change_for_who_watches_alone(pair: Pair) -> None:
    pair.do("WATCH", "key:1")
    pair.second().do("DEBUG", "POPULATE", "2")
    pair.do("MULTI")
    pair.do("GET", "key:1")
    pair.do("EXEC")
