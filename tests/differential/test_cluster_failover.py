"""Failovers in clusters of redpoll and Valkey nodes: by hand, and after kill -9, with votes and replicas of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
import redis.cluster
from tests.differential.cluster_nodes import Member, all_of, follows, is_primary, joined_pairs, restart, steady, until

OK = b"+OK\r\n"
KEYS = 200


@pytest.fixture(scope="module")
def shards() -> Iterator[list[list[Member]]]:
    """Three shards of a primary and a replica, of different kinds."""
    pairs = joined_pairs("rvr", "vrv")
    try:
        client = redis.cluster.RedisCluster(host="127.0.0.1", port=pairs[0][0].server.port)
        for n in range(KEYS):
            client.set(f"key:{n}", n)
        client.close()
        yield pairs
    finally:
        for member in all_of(pairs):
            member.close()


def check_keys(shards: list[list[Member]]) -> None:
    until("all is steady", lambda: steady(all_of(shards)))
    client = redis.cluster.RedisCluster(host="127.0.0.1", port=shards[1][0].server.port)
    assert [client.get(f"key:{n}") for n in range(KEYS)] == [b"%d" % n for n in range(KEYS)]
    client.close()


@pytest.mark.parametrize("shard", range(3), ids=["redpoll-valkey", "valkey-redpoll", "second redpoll-valkey"])
@pytest.mark.parametrize("words", [(), ("FORCE",), ("TAKEOVER",)], ids=["plain", "force", "takeover"])
def test_failover_by_hand_and_back(shards: list[list[Member]], shard: int, words: tuple[str, ...]) -> None:
    primary, replica = shards[shard]
    for old, new in ((primary, replica), (replica, primary)):
        assert new.do("CLUSTER", "FAILOVER", *words).raw == OK
        until("the replica is the primary", partial(is_primary, new))
        until("the primary follows it", partial(follows, old))
        until("all is steady", lambda: steady(all_of(shards)))
    check_keys(shards)


@pytest.mark.parametrize("shard", range(3), ids=["redpoll-valkey", "valkey-redpoll", "second redpoll-valkey"])
def test_a_dead_primary_is_replaced_and_comes_back_as_replica(shards: list[list[Member]], shard: int) -> None:
    primary, replica = shards[shard]
    process = primary.server.process
    assert process is not None
    process.kill()
    process.wait()
    until("the replica is elected", lambda: is_primary(replica))
    others = [member for member in all_of(shards) if member is not primary]
    until("the cluster serves", lambda: all(member.is_ok() for member in others))
    restart(primary)
    until("the old primary follows", lambda: follows(primary))
    check_keys(shards)


@pytest.mark.parametrize("line", ["REPLICAOF a 1", "REPLICAOF NO ONE", "FAILOVER", "FAILOVER ABORT"])
def test_the_commands_of_plain_replication_are_refused(shards: list[list[Member]], line: str) -> None:
    ours, theirs = shards[0]
    assert ours.play(line).raw == theirs.play(line).raw


def test_a_replica_serves_reads_to_those_who_ask_for_them(shards: list[list[Member]]) -> None:
    found = []
    for shard in (0, 1):
        pair = shards[shard]
        replica = next(member for member in pair if not is_primary(member))
        primary = next(member for member in pair if is_primary(member))
        names = [primary.do("RANDOMKEY").text or b""]
        answers = [replica.do("GET", *names).raw, replica.play("READONLY").raw, replica.do("GET", *names).raw,
                   replica.do("SET", *names, 1).raw, replica.play("READWRITE").raw]  # fmt: skip
        port = str(primary.server.port).encode()
        slot = str(primary.do("CLUSTER", "KEYSLOT", *names).integer).encode()
        value = primary.do("GET", *names).raw
        found.append([a.replace(port, b"PORT").replace(slot, b"SLOT").replace(value, b"VALUE") for a in answers])
    assert found[0] == found[1]


def test_a_restarted_replica_goes_on_in_the_stream(shards: list[list[Member]]) -> None:
    """It has the place in the stream from its snapshot file, in both servers."""
    for pair in shards[:2]:
        replica = next(member for member in pair if not is_primary(member))
        assert replica.do("SAVE").raw == OK
        process = replica.server.process
        assert process is not None
        process.kill()
        process.wait()
        restart(replica)
        until("the replica follows", partial(follows, replica))
        assert "Successful partial resynchronization" in replica.server.log.read_text()
        until("all is steady", lambda: steady(all_of(shards)))
