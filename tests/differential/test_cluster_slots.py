"""Keys by slot, on a node that serves all slots, beside one of Valkey: SCAN, KEYS, CLUSTERSCAN, SLOT-STATS, whole slots.

Cursors of CLUSTERSCAN are compared without the fingerprint of the node, and with the slot of their tag instead of the
tag: any tag of the slot will do.
"""

from __future__ import annotations

import random
import re
from binascii import crc_hqx
from collections.abc import Iterator
from functools import partial

import pytest
from tests.differential.cluster_nodes import Member, until
from tests.differential.wire import Reply, Word

CURSOR = re.compile(rb"([^-]*)-\{(.*)\}-(\d+)")
TAGS = ["06S", "foo", "bar", "hello", "a", "b1"]
SLOTS = [0, 12182, 5061, 866, 15495]


class Nodes:
    """Both nodes, with the same data."""

    def __init__(self, protocol: int) -> None:
        options = ("--cluster-databases", "3", "--cluster-slot-stats-enabled", "yes", "--enable-debug-command", "yes")
        self.theirs = Member(False, *options, protocol=protocol)
        self.ours = Member(True, *options, protocol=protocol)
        for member in (self.theirs, self.ours):
            member.play("CLUSTER ADDSLOTSRANGE 0 16383")
            until("the node serves", member.is_ok)
            # Keys that expire stay until they are looked at.
            member.play("DEBUG SET-ACTIVE-EXPIRE 0")

    def same(self, *words: Word) -> Reply:
        """Send a command to both; compare the replies."""
        theirs, ours = self.theirs.do(*words), self.ours.do(*words)
        assert shown(ours) == shown(theirs), words
        return ours

    def play(self, script: str) -> None:
        for line in script.strip().splitlines():
            self.same(*line.split())

    def close(self) -> None:
        self.theirs.close()
        self.ours.close()


def shown(reply: Reply) -> object:
    """A reply with each cursor as the length of its fingerprint, its slot, and the local cursor."""
    if reply.items:
        return (reply.kind, [shown(item) for item in reply.items])
    match = CURSOR.fullmatch(reply.text or b"")
    if match is None:
        return (reply.kind, reply.text)
    return (len(match[1]), crc_hqx(match[2], 0) % 16384, match[3])


@pytest.fixture(scope="module", params=[2, 3], ids=["RESP2", "RESP3"])
def shared(request: pytest.FixtureRequest) -> Iterator[Nodes]:
    made = Nodes(request.param)
    yield made
    made.close()


@pytest.fixture
def nodes(shared: Nodes) -> Nodes:
    for member in (shared.theirs, shared.ours):
        member.play("SELECT 0")
        member.play("FLUSHALL")
        member.play("CONFIG RESETSTAT")
    return shared


KEYS = """
    SET foo 1
    SET {foo}b 1
    SET bar 2
    SET hello 3
    SET aaa 4
"""


def test_keys_of_slots(nodes: Nodes) -> None:
    nodes.play(KEYS)
    nodes.play("""
        CLUSTER COUNTKEYSINSLOT 12182
        CLUSTER COUNTKEYSINSLOT 0
        CLUSTER GETKEYSINSLOT 5061 10
        CLUSTER GETKEYSINSLOT 12182 0
        DBSIZE
        SELECT 1
        CLUSTER COUNTKEYSINSLOT 12182
        SET foo x
        CLUSTER COUNTKEYSINSLOT 12182
        CLUSTER GETKEYSINSLOT 12182 2
        CLUSTER SLOT-STATS ORDERBY key-count LIMIT 0
        CLUSTER FLUSHSLOT 12182
        DBSIZE
        SELECT 0
        DBSIZE
        CLUSTER FLUSHSLOT 12182 SYNC
        CLUSTER FLUSHSLOT 5061 ASYNC
        CLUSTER FLUSHSLOT 5061 NOW
        CLUSTER FLUSHSLOT x
        KEYS b*
        DEBUG DIGEST
    """)


def is_missing(member: Member, key: str) -> bool:
    return member.do("EXISTS", key).integer == 0


def test_expired_keys_count(nodes: Nodes) -> None:
    nodes.play("SET foo 1\nSET {foo}b 2 PXAT 1000")
    for member in (nodes.theirs, nodes.ours):
        member.play("SET {foo}c 2 PX 1")
        until("it has expired", partial(is_missing, member, "{foo}c"))
    nodes.play("CLUSTER COUNTKEYSINSLOT 12182\nDBSIZE\nCLUSTER GETKEYSINSLOT 12182 5")


def test_cursors_of_scan(nodes: Nodes) -> None:
    nodes.play(KEYS)
    nodes.play("""
        SCAN 0 COUNT 1
        SCAN 866 COUNT 1
        SCAN 5061 COUNT 1
        SCAN 5062 COUNT 1
        SCAN 16383
        SCAN 16384
        SCAN 99999999999999 COUNT 1
        SCAN 0 MATCH foo COUNT 1
        SCAN 12182 MATCH foo COUNT 1
        SCAN 12183 MATCH foo COUNT 1
        SCAN 0 MATCH {bar}* COUNT 1
        SCAN 0 MATCH h* COUNT 1
        KEYS foo
        KEYS bar*
        KEYS {hello}*
        KEYS {}foo
        KEYS ?aa
    """)


def test_clusterscan(nodes: Nodes) -> None:
    nodes.play(KEYS)
    nodes.play("""
        CLUSTERSCAN
        CLUSTERSCAN 0
        CLUSTERSCAN 0 SLOT 5061
        CLUSTERSCAN 0 slot 5061
        CLUSTERSCAN 0 SLOT 16384
        CLUSTERSCAN 0 SLOT -1
        CLUSTERSCAN 0 SLOT x
        CLUSTERSCAN 0 SLOT
        CLUSTERSCAN 0 SLOT 1 SLOT 2
        CLUSTERSCAN 0 SLOT 5 SLOT x
        CLUSTERSCAN 0 MATCH {foo}*
        CLUSTERSCAN 0 MATCH {foo}* SLOT 3
        CLUSTERSCAN 0 MATCH {foo}* SLOT 12182
        CLUSTERSCAN 0 MATCH a* MATCH b
        CLUSTERSCAN 0 MATCH
        CLUSTERSCAN 0 COUNT 0
        CLUSTERSCAN 0 COUNT x
        CLUSTERSCAN 0 COUNT x TYPE nope
        CLUSTERSCAN 0 TYPE nope
        CLUSTERSCAN 0 TYPE string
        CLUSTERSCAN 0 NOVALUES
        CLUSTERSCAN 0 NOSCORES
        CLUSTERSCAN 0 FOO
        CLUSTERSCAN 1
        CLUSTERSCAN abc
        CLUSTERSCAN abc SLOT 99999
        CLUSTERSCAN {foo}
        CLUSTERSCAN x{06S}-0
        CLUSTERSCAN 0-{foo}
        CLUSTERSCAN 0-{foo}-x
        CLUSTERSCAN 0-{foo}-
        CLUSTERSCAN 0-{foo}-1x
        CLUSTERSCAN 0-{foo}--1
        CLUSTERSCAN 0-{foo}-0-
        CLUSTERSCAN 0--{foo}-0
        CLUSTERSCAN 0-{foo}-18446744073709551615
        CLUSTERSCAN 0-{foo}-18446744073709551616
        CLUSTERSCAN 0-{06S}-+1
        CLUSTERSCAN -{06S}-0
        CLUSTERSCAN 00-{06S}-0
        CLUSTERSCAN 0-06S-1
        CLUSTERSCAN 0-{}-0
        CLUSTERSCAN 0-{06S}-0
        CLUSTERSCAN 0-{06S}-0 COUNT 1
        CLUSTERSCAN 0-{06S}-0 SLOT 0
        CLUSTERSCAN 0-{06S}-0 SLOT 1
        CLUSTERSCAN 0-{06S}-0 TYPE hash
        CLUSTERSCAN 0-{06S}-0 MATCH *a*
        CLUSTERSCAN 0-{06S}-0 MATCH b
        CLUSTERSCAN 0-{06S}-0 MATCH a* MATCH b
        CLUSTERSCAN 0-{foo}-0
        CLUSTERSCAN 0-{foo}-0 COUNT 1
        CLUSTERSCAN 0-{foo}-0 SLOT 12182
        CLUSTERSCAN 0-{foo}-0 SLOT 12183
        CLUSTERSCAN 0-{foo}-0 MATCH foo
        CLUSTERSCAN 0-{foo}-0 MATCH {foo}*
        CLUSTERSCAN 0-{foo}-0 MATCH {bar}*
        CLUSTERSCAN 0-{foo}-0 SLOT 12182 MATCH {bar}x
        CLUSTERSCAN aaaaaa-{foo}-5
    """)


def test_clusterscan_walks_over_all_keys(nodes: Nodes) -> None:
    for n in range(200):
        nodes.same("SET", f"key:{n}", n)
    for member in (nodes.theirs, nodes.ours):
        found: list[bytes | None] = []
        reply = member.play("CLUSTERSCAN 0")
        while reply.items[0].text != b"0":
            reply = member.do("CLUSTERSCAN", reply.items[0].text or b"", "COUNT", 7)
            found += [item.text for item in reply.items[1].items]
        assert sorted(map(repr, found)) == sorted(repr(b"key:%d" % n) for n in range(200))


def without_times(reply: Reply) -> object:
    """The rows of SLOT-STATS without `cpu-usec`."""
    rows = []
    for row in reply.items:
        figures = [item.text for item in row.items[1].items]
        rows.append((row.items[0].text, row.items[1].kind, figures[:3], figures[4:]))
    return rows


def test_figures_of_slots(nodes: Nodes) -> None:
    # Not here (difference `slot-stats`): scripts, and commands that wait in a transaction that is then discarded.
    nodes.play("""
        SET foo 1
        GET foo
        GET missing
        MGET foo {foo}b
        MULTI
        SET foo 2
        GET foo
        EXEC
        MULTI
        EXEC
        LPUSH foo 1
        GET foo extra
        SPUBLISH foo hello
        DBSIZE
        CLUSTERSCAN 0-{foo}-0
        CLUSTER SLOT-STATS SLOTSRANGE 3 2
        CLUSTER SLOT-STATS SLOTSRANGE 3 x
        CLUSTER SLOT-STATS ORDERBY memory-bytes
        CLUSTER SLOT-STATS ORDERBY key-count LIMIT 0
        CLUSTER SLOT-STATS ORDERBY key-count ASC DESC
    """)
    for line in (
        "CLUSTER SLOT-STATS SLOTSRANGE 12182 12183",
        "CLUSTER SLOT-STATS ORDERBY network-bytes-in LIMIT 3",
        "CLUSTER SLOT-STATS ORDERBY NETWORK-BYTES-OUT LIMIT 3",
        "CLUSTER SLOT-STATS ORDERBY key-count ASC LIMIT 2",
        "CLUSTER SLOT-STATS ORDERBY key-count DESC LIMIT 2",
    ):
        assert without_times(nodes.ours.play(line)) == without_times(nodes.theirs.play(line)), line
    nodes.play("CLUSTER DELSLOTS 12182\nCLUSTER ADDSLOTS 12182")
    line = "CLUSTER SLOT-STATS SLOTSRANGE 12182 12182"
    nodes.same(*line.split())
    nodes.play(f"""
        CONFIG SET cluster-slot-stats-enabled no
        {line}
        CLUSTER SLOT-STATS ORDERBY cpu-usec
        CONFIG SET cluster-slot-stats-enabled yes
    """)
    for member in (nodes.theirs, nodes.ours):
        until("the node serves again", member.is_ok)


def drawn(random: random.Random, at: int) -> list[Word]:
    """A command with keys of one slot."""
    tag = random.choice(TAGS)
    key, other = (f"{{{tag}}}{random.randrange(6)}" for _ in range(2))
    many = [str(n) for n in range(random.choice([1, 3, 300]))]
    ways: list[list[Word]] = [
        ["SET", key, at], ["DEL", key], ["RENAME", key, other], ["LPUSH", key, *many], ["LMOVE", key, other, "LEFT", "RIGHT"],
        ["HSET", key, f"f{at % 9}", "x" * random.choice([1, 100, 300])], ["SADD", key, *many], ["SMOVE", key, other, 2],
        ["ZADD", key, 1, "a", 2, "b"], ["COPY", key, other, "REPLACE"], ["GET", key], ["EXPIRE", key, 1000],
        ["SUNIONSTORE", key, other, key], ["MSET", key, 1, other, 2], ["MGET", key, other], ["APPEND", key, "zz"],
        ["INCR", key], ["HEXPIRE", key, 100, "FIELDS", 1, "f1"], ["XADD", key, f"{at + 1}-1", "a", "b"],
        ["OBJECT", "ENCODING", key], ["UNLINK", key, other], ["SORT", key, "STORE", other], ["MOVE", key, 1],
        ["CLUSTER", "COUNTKEYSINSLOT", random.choice(SLOTS)], ["RPOP", key], ["SETRANGE", key, random.randrange(300), "q"],
        ["BITFIELD", key, "SET", "u8", 0, 5], ["GETEX", key, "EX", 100], ["DBSIZE"], ["SELECT", random.randrange(3)],
    ]  # fmt: skip
    if at % 50 == 0:
        ways = [["CLUSTER", "FLUSHSLOT", random.choice(SLOTS)], ["FLUSHDB"], ["DEBUG", "RELOAD"]]
    return random.choice(ways)


@pytest.mark.parametrize("seed", range(3))
def test_random_commands(nodes: Nodes, seed: int) -> None:
    chosen = random.Random(seed)
    for at in range(1, 400):
        nodes.same(*drawn(chosen, at))
        if at % 50 == 0:
            nodes.same("DEBUG", "DIGEST")
    for index in range(3):
        nodes.same("SELECT", index)
        found = []
        for member in (nodes.theirs, nodes.ours):
            keys = {item.text for item in member.play("KEYS *").items}
            scanned = set()
            cursor = b"0"
            while True:
                reply = member.do("SCAN", cursor, "COUNT", 3)
                scanned |= {item.text for item in reply.items[1].items}
                cursor = reply.items[0].text or b"0"
                if cursor == b"0":
                    break
            assert scanned == keys
            found.append(keys)
        assert found[0] == found[1]


def test_scripts_count_for_the_slot_of_their_keys(nodes: Nodes) -> None:
    """docs/differences.md, `slot-stats`."""
    nodes.same("EVAL", "return redis.call('SET', KEYS[1], 1)", 1, "foo")
    line = "CLUSTER SLOT-STATS SLOTSRANGE 12182 12182"
    theirs, ours = (member.play(line).items[0].items[1].items for member in (nodes.theirs, nodes.ours))
    assert (theirs[5].integer, ours[5].integer) == (0, 73)
    assert theirs[7].integer == ours[7].integer == 5
