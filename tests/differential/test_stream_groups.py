"""Consumer groups against the reference: random histories compared through XINFO FULL and XPENDING, and who waits."""

from __future__ import annotations

import random

import pytest
from tests.differential.pair import Pair
from tests.differential.test_blocking import transaction, waits
from tests.differential.wire import Reply


def blurred(theirs: Reply, ours: Reply) -> bool:
    """Equal but for times, which are within two seconds."""
    if theirs.kind != ours.kind or len(theirs.items) != len(ours.items):
        return False
    if theirs.items:
        return all(blurred(*both) for both in zip(theirs.items, ours.items, strict=True))
    if theirs.kind == ":" and theirs.integer > 1_000_000_000_000:
        return abs(theirs.integer - ours.integer) < 2000
    return theirs.raw == ours.raw


@pytest.mark.parametrize("seed", range(6))
def test_a_random_history(pair: Pair, seed: int) -> None:
    source = random.Random(seed)
    consumers, groups = ["ada", "bob", "c"], ["g", "h"]
    ms = 0

    def ids() -> list[str]:
        return [f"{source.randrange(1, ms + 3)}-0" for _ in range(source.randrange(1, 4))]

    pair.do("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
    for _ in range(150):
        group, consumer = source.choice(groups), source.choice(consumers)
        what = source.randrange(14)
        if what < 3:
            for _ in range(source.randrange(1, 6)):
                ms += 1
                pair.do("XADD", "s", ms, "f", f"v{ms}")
        elif what < 6:
            count = ("COUNT", source.randrange(1, 5)) if source.random() < 0.7 else ()
            noack = ("NOACK",) if source.random() < 0.2 else ()
            pair.do("XREADGROUP", "GROUP", group, consumer, *count, *noack, "STREAMS", "s", ">")
        elif what == 6:
            pair.do("XREADGROUP", "GROUP", group, consumer, "COUNT", 3, "STREAMS", "s", *ids()[:1])
        elif what == 7:
            pair.do("XACK", "s", group, *ids())
        elif what == 8:
            words = source.sample([("JUSTID",), ("FORCE",), ("RETRYCOUNT", source.randrange(9))], source.randrange(3))
            pair.do("XCLAIM", "s", group, consumer, 0, *ids(), *(word for pick in words for word in pick))
        elif what == 9:
            pair.do("XAUTOCLAIM", "s", group, consumer, 0, *ids()[:1], "COUNT", source.randrange(1, 6))
        elif what == 10:
            pair.do("XDEL", "s", *ids())
        elif what == 11:
            pair.do("XTRIM", "s", "MAXLEN", source.choice(["=", "~"]), source.randrange(30))
        elif what == 12:
            verb = source.choice(["CREATE", "DESTROY", "SETID", "CREATECONSUMER", "DELCONSUMER"])
            rest = {"CREATE": ["$"], "SETID": ids()[:1]}.get(verb, [consumer] if "CONSUMER" in verb else [])
            pair.do("XGROUP", verb, "s", group, *rest)
        else:
            pair.do("XSETID", "s", ms + 1)
            ms += 1
        pair.compare(blurred, "XINFO", "STREAM", "s", "FULL", "COUNT", 0)
        pair.do("XPENDING", "s", group)
        pair.do("XINFO", "GROUPS", "s")
    pair.within(2000, "XPENDING", "s", "g", "-", "+", 100)
    pair.within(2000, "XPENDING", "s", "g", "-", "+", 100, "ada")
    pair.do("COPY", "s", "t")
    pair.compare(blurred, "XINFO", "STREAM", "t", "FULL", "COUNT", 0)
    pair.do("DEBUG", "DIGEST")


READS = ["XREAD BLOCK 0 STREAMS s $", "XREAD BLOCK 0 STREAMS s +", "XREAD BLOCK 0 COUNT 1 STREAMS t s 0 $"]


@pytest.mark.parametrize("line", READS)
@pytest.mark.parametrize("there", [False, True])
def test_a_waiting_reader_gets_what_is_added(pair: Pair, line: str, there: bool) -> None:
    if there:
        pair.do("XADD", "s", "1-1", "f", "v")
        pair.do("XDEL", "s", "1-1")
    waiting = waits(pair, *line.split())
    transaction(pair, "XADD s 2-1 f v|XADD s 3-1 f w")
    waiting.read()
    pair.do("XLEN", "s")


def test_lower_ids_serve_nobody_after_a_deletion(pair: Pair) -> None:
    pair.do("XADD", "s", "5-5", "f", "v")
    waiting = waits(pair, "XREAD", "BLOCK", "0", "STREAMS", "s", "$")
    pair.do("DEL", "s")
    pair.do("XADD", "s", "2-1", "f", "v")
    waiting.silent()
    pair.do("XADD", "s", "6-1", "f", "v")
    waiting.read()


THEN = [
    "DEL s",
    "RENAME s t",
    "SET s x",
    "XGROUP DESTROY s g",
    "FLUSHALL",
    "PEXPIREAT s 1",
    "MOVE s 1",
    "SWAPDB 0 1",
    "XGROUP DESTROY s h",
    "XADD s 9-1 f v",
    "XDEL s 1-1",
    "XTRIM s MAXLEN 0",
    "XGROUP SETID s g 0",
    "XGROUP CREATE s other 0",
    "COPY s t",
    "EXPIRE s 100",
]


@pytest.mark.parametrize("then", THEN)
def test_what_ends_the_wait_of_a_group(pair: Pair, then: str) -> None:
    pair.do("SELECT", 1)
    pair.do("FLUSHDB")
    pair.do("SELECT", 0)
    pair.do("XADD", "s", "1-1", "f", "v")
    pair.do("XGROUP", "CREATE", "s", "g", "$")
    pair.do("XGROUP", "CREATE", "s", "h", "$")
    waiting = waits(pair, "XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">")
    reader = pair.second()
    reader.send("XREAD", "BLOCK", "0", "STREAMS", "s", "$")
    pair.do(*then.split())
    if then.startswith(("XADD", "DEL", "RENAME", "SET", "XGROUP DESTROY s g", "FLUSH", "PEXPIRE", "MOVE", "SWAPDB")):
        waiting.read()
    elif then == "XGROUP SETID s g 0":
        waiting.silent()
        pair.do("XADD", "s", "8-8", "f", "v")
        waiting.read()
    else:
        waiting.silent()


def test_readers_are_served_in_the_order_in_which_they_came(pair: Pair) -> None:
    pair.do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    first = waits(pair, "XREADGROUP", "GROUP", "g", "a", "BLOCK", "0", "COUNT", "1", "STREAMS", "s", ">")
    second = pair.second()
    second.send("XREADGROUP", "GROUP", "g", "b", "BLOCK", "0", "COUNT", "1", "STREAMS", "s", ">")
    while any(b"blocked_clients:2" not in (reply.text or b"") for reply in pair.both("INFO", "clients")):
        pass
    pair.do("XADD", "s", "1-1", "f", "v")
    first.read()
    second.silent()
    pair.do("XADD", "s", "2-1", "f", "v")
    second.read()
    pair.do("XPENDING", "s", "g")


def test_a_group_deleted_and_made_again_in_a_transaction_serves(pair: Pair) -> None:
    pair.do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    waiting = waits(pair, "XREADGROUP", "GROUP", "g", "a", "BLOCK", "0", "STREAMS", "s", ">")
    transaction(pair, "DEL s|XADD s 1-1 f v|XGROUP CREATE s g 0")
    waiting.read()


def test_many_readers_of_one_stream_get_the_same(pair: Pair) -> None:
    readers = []
    for _ in range(20):
        reader = pair.second(2 + len(readers) % 2)
        reader.send("XREAD", "BLOCK", "0", "STREAMS", "s", "$")
        readers.append(reader)
    while any(b"blocked_clients:20" not in (reply.text or b"") for reply in pair.both("INFO", "clients")):
        pass
    transaction(pair, "XADD s 1-1 f v|XADD s 2-1 number 12345 other x")
    for reader in readers:
        reader.read()


def test_the_time_is_up(pair: Pair) -> None:
    pair.do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    pair.do("XREAD", "BLOCK", 20, "STREAMS", "s", "$")
    pair.do("XREADGROUP", "GROUP", "g", "c", "BLOCK", 20, "STREAMS", "s", ">")
    pair.do("MULTI")
    pair.do("XREAD", "BLOCK", 0, "STREAMS", "s", "$")
    pair.do("XREADGROUP", "GROUP", "g", "d", "BLOCK", 0, "STREAMS", "s", ">")
    pair.do("EXEC")
    pair.compare(blurred, "XINFO", "STREAM", "s", "FULL")
