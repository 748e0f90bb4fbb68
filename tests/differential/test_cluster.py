"""One node of a cluster, and a cluster of two, beside those of Valkey: every reply and every complaint.

Ids and ports are masked.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.differential.cluster_nodes import Member, joined, picture, until

UNKNOWN = "a" * 40

ALONE = """
    GET a
    PING
    CLUSTER NODES
    CLUSTER INFO
    CLUSTER SLOTS
    CLUSTER SHARDS
    CLUSTER LINKS
    CLUSTER MYID
    CLUSTER MYSHARDID
    CLUSTER REPLICAS x
    CLUSTER SLAVES x
    CLUSTER REPLICAS ME
    SELECT 0
    SELECT 1
    SWAPDB 0 1
    SWAPDB x 1
    MOVE a 0
    CLUSTER COUNTKEYSINSLOT 99999
    CLUSTER COUNTKEYSINSLOT -1
    CLUSTER COUNTKEYSINSLOT x
    CLUSTER GETKEYSINSLOT 1 -1
    CLUSTER GETKEYSINSLOT x 1
    CLUSTER GETKEYSINSLOT 1 x
    CLUSTER GETKEYSINSLOT 16384 1
    CLUSTER KEYSLOT foo
    CLUSTER FOO
    CLUSTER
    CLUSTER MEET 1 2
    CLUSTER MEET a.b.c 6379
    CLUSTER MEET 127.0.0.1 99999
    CLUSTER MEET 127.0.0.1 x
    CLUSTER MEET 127.0.0.1 1 x
    CLUSTER MEET 127.0.0.1 0
    CLUSTER MEET 127.0.0.1 -1
    CLUSTER MEET 127.0.0.1 1 99999
    CLUSTER MEET 127.0.0.1 60000
    CLUSTER MEET 127.0.0.1 1 2 3
    CLUSTER MEET 127.1 1 2
    CLUSTER REPLICATE UNKNOWN
    CLUSTER REPLICATE x
    CLUSTER REPLICATE ME
    CLUSTER REPLICATE NO ONE
    CLUSTER REPLICATE NO TWO
    CLUSTER REPLICATE a b c
    CLUSTER SETSLOT 1 STABLE
    CLUSTER SETSLOT 1 NODE x
    CLUSTER SETSLOT 1 NODE ME
    CLUSTER SETSLOT 1 MIGRATING x
    CLUSTER SETSLOT 1 MIGRATING ME
    CLUSTER SETSLOT 1 IMPORTING x
    CLUSTER SETSLOT 2 IMPORTING x
    CLUSTER SETSLOT 2 IMPORTING ME
    CLUSTER SETSLOT 99999 NODE x
    CLUSTER SETSLOT x NODE x
    CLUSTER SETSLOT 1 FOO x
    CLUSTER SETSLOT 1 NODE
    CLUSTER SETSLOT 1 NODE x TIMEOUT y
    CLUSTER SETSLOT x NODE x TIMEOUT y
    CLUSTER SETSLOT 1 NODE x y TIMEOUT y
    CLUSTER SETSLOT 1 MIGRATING x TIMEOUT y
    CLUSTER SETSLOT 1 STABLE TIMEOUT 1 TIMEOUT y
    CLUSTER SETSLOT 1 STABLE x
    CLUSTER SETSLOT 1 STABLE TIMEOUT x
    CLUSTER SETSLOT 1 STABLE TIMEOUT -1
    CLUSTER SETSLOT 1 STABLE TIMEOUT 10
    CLUSTER SETSLOT 1 NODE ME TIMEOUT 10
    CLUSTER SETSLOT 1 NODE ME TIMEOUT
    CLUSTER SETSLOT
    CLUSTER ADDSLOTS 5 5
    CLUSTER ADDSLOTS x
    CLUSTER ADDSLOTS 16384
    CLUSTER ADDSLOTS 1 5
    CLUSTER ADDSLOTSRANGE 5 4
    CLUSTER ADDSLOTSRANGE 5
    CLUSTER ADDSLOTSRANGE 5 6 7
    CLUSTER ADDSLOTSRANGE 5 6 6 7
    CLUSTER ADDSLOTSRANGE 5 16384
    CLUSTER ADDSLOTSRANGE 0 3
    CLUSTER ADDSLOTS 7 9 10
    CLUSTER ADDSLOTS 7
    CLUSTER DELSLOTS 8
    CLUSTER DELSLOTS 9 9
    CLUSTER DELSLOTSRANGE 9 10
    CLUSTER DELSLOTSRANGE 9 10
    CLUSTER DELSLOTSRANGE 9
    CLUSTER NODES
    CLUSTER SLOTS
    CLUSTER BUMPEPOCH
    CLUSTER BUMPEPOCH
    CLUSTER SET-CONFIG-EPOCH 5
    CLUSTER SET-CONFIG-EPOCH -5
    CLUSTER SET-CONFIG-EPOCH x
    CLUSTER FAILOVER
    CLUSTER FAILOVER X
    CLUSTER FAILOVER FORCE X
    CLUSTER FORGET x
    CLUSTER FORGET UNKNOWN
    CLUSTER FORGET ME
    CLUSTER COUNT-FAILURE-REPORTS x
    CLUSTER COUNT-FAILURE-REPORTS ME
    CLUSTER FLUSHSLOT 3
    CLUSTER FLUSHSLOT 3 SYNC
    CLUSTER FLUSHSLOT 3 FOO
    CLUSTER FLUSHSLOT 3 SYNC X
    CLUSTER FLUSHSLOT x
    CLUSTER FLUSHSLOTS
    CLUSTER SLOT-STATS SLOTSRANGE 3 0
    CLUSTER SLOT-STATS SLOTSRANGE x 0
    CLUSTER SLOT-STATS SLOTSRANGE 0 16384
    CLUSTER SLOT-STATS SLOTSRANGE 0
    CLUSTER SLOT-STATS ORDERBY key-count LIMIT 0
    CLUSTER SLOT-STATS ORDERBY key-count LIMIT x
    CLUSTER SLOT-STATS ORDERBY key-count LIMIT 16385
    CLUSTER SLOT-STATS ORDERBY key-count LIMIT 2 LIMIT 3
    CLUSTER SLOT-STATS ORDERBY key-count ASC DESC
    CLUSTER SLOT-STATS ORDERBY key-count FOO
    CLUSTER SLOT-STATS ORDERBY foo
    CLUSTER SLOT-STATS ORDERBY cpu-usec
    CLUSTER SLOT-STATS FOO 1
    CLUSTER GETSLOTMIGRATIONS
    CLUSTER CANCELSLOTMIGRATIONS
    CLUSTER SAVECONFIG
    ASKING
    READONLY
    READWRITE
    CONFIG SET cluster-enabled no
    CONFIG SET cluster-enabled yes
    CONFIG GET cluster-enabled
    CONFIG SET cluster-replica-no-failover yes
    CLUSTER NODES
    CONFIG SET cluster-replica-no-failover no
    CLUSTER NODES
    INFO cluster
    ROLE
"""

SERVING = """
    CLUSTER INFO
    CLUSTER SLOTS
    CLUSTER SHARDS
    SET foo 1
    GET foo
    MGET foo bar
    MGET foo {foo}2
    DEL foo bar
    SUNION foo bar
    SORT foo BY nosort GET #
    ZADD foo 1 a
    CLUSTER COUNTKEYSINSLOT 12182
    CLUSTER GETKEYSINSLOT 12182 10
    CLUSTER GETKEYSINSLOT 12182 0
    CLUSTER FLUSHSLOTS
    CLUSTER RESET
    CLUSTER RESET FOO
    CLUSTER RESET HARD SOFT
    CLUSTER SLOT-STATS SLOTSRANGE 0 3
    CLUSTER SLOT-STATS SLOTSRANGE 12182 12182
    CLUSTER SLOT-STATS ORDERBY key-count LIMIT 3
    CLUSTER SLOT-STATS ORDERBY key-count LIMIT 3 ASC
    CLUSTER SLOT-STATS ORDERBY KEY-COUNT LIMIT 1
    MULTI
    SET foo 2
    SET bar 3
    EXEC
    MULTI
    MGET foo bar
    SET foo 2
    EXEC
    MULTI
    GET
    EXEC
    GET foo
    SSUBSCRIBE foo
    SUNSUBSCRIBE foo
    SPUBLISH foo x
    SPUBLISH bar x
    COMMAND GETKEYS GET a
    CLUSTER DELSLOTS 12182
    GET foo
    CLUSTER SET-CONFIG-EPOCH 5
    CLUSTER FLUSHSLOT 12182
    FLUSHALL
    CLUSTER RESET HARD
    CLUSTER NODES
    CLUSTER INFO
"""


class Two:
    """A node of Valkey and one of redpoll that get the same commands."""

    def __init__(self, protocol: int) -> None:
        self.members = [Member(of_redpoll, protocol=protocol) for of_redpoll in (False, True)]

    def lines(self, session: str) -> None:
        failures = []
        for line in session.split("\n"):
            if not line.strip():
                continue
            found = []
            for member in self.members:
                name = member.text("CLUSTER", "MYID")
                masks = {
                    name: "ME", member.text("CLUSTER", "MYSHARDID"): "SHARD", str(member.bus_port): "BUS",
                    str(member.server.port): "PORT",
                }  # fmt: skip
                words = [{"ME": name, "UNKNOWN": UNKNOWN}.get(word, word) for word in line.split()]
                found.append(picture(member.do(*words), {**masks, member.text("CLUSTER", "MYID"): "ME"}))
            if found[0] != found[1]:
                failures.append(f"{line.strip()}\n  valkey:  {found[0]}\n  redpoll: {found[1]}")
        assert not failures, "\n".join(failures)

    def close(self) -> None:
        for member in self.members:
            member.close()


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def two(request: pytest.FixtureRequest) -> Iterator[Two]:
    made = Two(request.param)
    try:
        yield made
    finally:
        made.close()


def test_a_node_alone_answers_as_the_reference(two: Two) -> None:
    two.lines(ALONE)
    two.lines("CLUSTER FLUSHSLOTS\nCLUSTER ADDSLOTSRANGE 0 16383")
    until("both serve", lambda: all(member.is_ok() for member in two.members))
    two.lines(SERVING)


BOTH_SLOTS = "redis.call('set','foo','1') redis.call('set','bar','2') return redis.call('get','bar')"
SCRIPTS = (
    BOTH_SLOTS,
    "#!lua\n" + BOTH_SLOTS,
    "#!lua flags=allow-cross-slot-keys\n" + BOTH_SLOTS,
    "#!lua flags=no-cluster\nreturn 1",
    "#!lua\nredis.call('set','{foo}a','1') redis.call('ping') return redis.call('get','foo')",
)


def test_scripts_and_slots() -> None:
    made = Two(2)
    try:
        two_replies = []
        for member in made.members:
            assert member.play("CLUSTER ADDSLOTSRANGE 0 16383").raw == b"+OK\r\n"
            until("it serves", member.is_ok)
            two_replies.append([member.do("EVAL", script, 0).raw for script in SCRIPTS])
        assert two_replies[0] == two_replies[1]
        # The reference refuses every later call of any script after this one.
        crossing = made.members[1].do("EVAL", "return redis.call('mget','foo','bar')", 0).raw
        assert crossing.startswith(b"-ERR Attempted to access a non local key in a cluster node script")
        assert made.members[1].do("EVAL", "return redis.call('ping')", 0).raw == b"+PONG\r\n"
    finally:
        made.close()


def test_a_node_comes_back_with_its_id_and_slots() -> None:
    member = Member(True)
    try:
        member.play("CLUSTER ADDSLOTSRANGE 0 16383")
        member.play("CLUSTER BUMPEPOCH")
        until("it serves", member.is_ok)
        before = member.owners()
        member.server.stop()
        member.wire.close()
        member.server.start()
        member.wire = member.connect()
        assert before == member.owners() == {member.id: ("0-16383",)}
        assert "cluster_my_epoch:1" in member.text("CLUSTER", "INFO")
    finally:
        member.close()


def test_two_nodes_cannot_share_a_file() -> None:
    member = Member(True)
    other = None
    try:
        with pytest.raises(RuntimeError, match="already used by a different cluster node"):
            other = Member(True, "--cluster-config-file", f"{member.server.folder.name}/nodes.conf")
    finally:
        member.close()
        if other is not None:
            other.close()


# Two nodes that share the slots: A has 0-8191, B the rest.  `foo` (12182) is B's, `bar` (5061) is A's.

MOVING = """
    A GET foo
    A GET bar
    B GET bar
    A EVAL return(redis.call('get','foo')) 0
    A EVAL return(redis.call('get','bar')) 0
    B EVAL return(redis.call('get','bar')) 0
    B EVAL return(redis.pcall('set','bar','2')) 1 foo
    A SET bar 1
    A MGET bar foo
    A CLUSTER SETSLOT 5061 MIGRATING B
    A GET bar
    A GET {bar}x
    A MGET bar {bar}y
    A MGET {bar}x {bar}y
    A SET {bar}x 1
    A CLUSTER SETSLOT 12182 MIGRATING B
    A CLUSTER SETSLOT 5061 IMPORTING B
    B CLUSTER SETSLOT 5061 IMPORTING A
    B CLUSTER SETSLOT 12182 IMPORTING A
    B GET bar
    B ASKING
    B GET bar
    B GET bar
    B ASKING
    B MGET bar {bar}y
    B ASKING
    B MGET bar bar
    B ASKING
    B MULTI
    B SET {bar}z 1
    B EXEC
    B ASKING
    B MULTI
    B GET {bar}z
    B MGET {bar}z {bar}no
    B EXEC
    B ASKING
    B PING
    B GET {bar}z
    B ASKING
    B GET
    B GET {bar}z
    B ASKING
    B NOSUCH
    B GET {bar}z
    B ASKING
    B GET foo bar
    B GET {bar}z
    B ASKING
    B MGET foo {bar}z
    B GET {bar}z
    B ASKING
    B MULTI
    B MULTI
    B GET {bar}z
    B EXEC
    B GET {bar}z
    B ASKING
    B MULTI
    B WATCH {bar}z
    B GET {bar}z
    B EXEC
    B ASKING
    B MULTI
    B DISCARD
    B GET {bar}z
    B ASKING
    B EXEC
    B GET {bar}z
    B ASKING
    B MULTI
    B EVAL return(redis.call('get','{bar}z')) 1 {bar}z
    B EVAL return(redis.call('get','{bar}z')) 1 {bar}z
    B EXEC
    B GET {bar}z
    B ASKING
    B EVAL return(redis.call('get','{bar}z')) 1 {bar}z
    B EVAL return(redis.call('get','{bar}z')) 1 {bar}z
    B MULTI
    B ASKING
    B EVAL return(redis.call('get','{bar}z')) 0
    B EVAL return(redis.call('get','{bar}z')) 0
    B EXEC
    B GET {bar}z
    B ASKING
    B ASKING
    B GET {bar}z
    B ASKING
    B DEL {bar}z
    A MULTI
    A GET bar
    A GET {bar}x
    A EXEC
    A MULTI
    A GET {bar}x
    A EXEC
    A MULTI
    A GET bar
    A EXEC
    A CLUSTER SETSLOT 5061 NODE B
    A DEL bar
    A CLUSTER SETSLOT 5061 NODE B
    A GET bar
    B CLUSTER SETSLOT 5061 NODE B
    B GET bar
    B SET bar 2
    A GET bar
    B MULTI
    B GET bar
    B GET {06S}a
    B EXEC
    A SSUBSCRIBE foo
    A SPUBLISH foo x
    B SPUBLISH foo x
    A SUNSUBSCRIBE foo
    A KEYS *
    B KEYS *
    A CLUSTER REPLICATE B
    B CLUSTER FORGET UNKNOWN
    A READONLY
    A GET foo
    A READWRITE
    A CONFIG SET cluster-preferred-endpoint-type hostname
    A GET foo
    A CONFIG SET cluster-preferred-endpoint-type unknown-endpoint
    A GET foo
    A CONFIG SET cluster-preferred-endpoint-type ip
    A BLPOP foo 1
    A XREAD BLOCK 1 STREAMS foo bar 0 0
    A RESTORE-ASKING foo 0 x
    A CLUSTERDOWN
"""


def test_clients_that_wait_and_listen_are_told_when_a_slot_leaves() -> None:
    heard = {}
    for kinds in ("vv", "rr"):
        members = joined(kinds)
        source, target = members
        masks = {str(member.server.port): f"PORT{n}" for n, member in enumerate(members)}
        waiter, ear = source.connect(), source.connect()
        try:
            waiter.send(b"BLPOP bar 0\r\n")
            ear.send(b"SSUBSCRIBE bar {bar}2\r\n")
            answers: list[object] = [picture(ear.read(), masks) for _ in range(2)]
            until("it waits", lambda s=source: "blocked_clients:1" in s.text("INFO", "clients"))  # type: ignore[misc]
            for member in (target, source):
                assert member.do("CLUSTER", "SETSLOT", 5061, "NODE", target.id).raw == b"+OK\r\n"
            answers.append(picture(waiter.read(), masks))
            answers += sorted([picture(ear.read(), masks) for _ in range(2)], key=str)
            heard[kinds] = answers
        finally:
            waiter.close()
            ear.close()
            for member in members:
                member.close()
    assert heard["vv"] == heard["rr"]


def test_redirections_while_a_slot_moves() -> None:
    clusters = {"valkey": joined("vv"), "redpoll": joined("rr")}
    try:
        failures = []
        for line in MOVING.strip().split("\n"):
            who, *words = line.split()
            found = {}
            for name, members in clusters.items():
                masks = {}
                for letter, member in zip("AB", members, strict=True):
                    masks |= {member.id: letter, str(member.server.port): "PORT" + letter}
                names = {letter: member.id for letter, member in zip("AB", members, strict=True)}
                said = [{**names, "UNKNOWN": UNKNOWN}.get(word, word) for word in words]
                found[name] = picture(members["AB".index(who)].do(*said), masks)
            if found["valkey"] != found["redpoll"]:
                failures.append(f"{line.strip()}\n  valkey:  {found['valkey']}\n  redpoll: {found['redpoll']}")
        assert not failures, "\n".join(failures)
    finally:
        for members in clusters.values():
            for member in members:
                member.close()
