"""Clusters of redpoll and Valkey nodes together: they form, serve clients, move slots and find failures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis.cluster
import valkey.cluster
from tests.differential.cluster_nodes import Member, joined, until

OK = b"+OK\r\n"


@pytest.fixture(scope="module")
def cluster() -> Iterator[list[Member]]:
    members = joined("rrrvvv")
    try:
        yield members
    finally:
        for member in members:
            member.close()


def pongs(member: Member) -> int:
    for line in member.text("CLUSTER", "INFO").splitlines():
        if line.startswith("cluster_stats_messages_pong_received:"):
            return int(line.partition(":")[2])
    return 0


def slots_of(member: Member, owner: Member) -> set[int]:
    """The slots of `owner`, as `member` sees it."""
    found: set[int] = set()
    for word in member.owners()[owner.id]:
        first, _dash, last = word.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def test_the_nodes_agree_and_stay_in_touch(cluster: list[Member]) -> None:
    before = [pongs(member) for member in cluster]
    until("many heartbeats", lambda: all(pongs(m) > b + 40 for m, b in zip(cluster, before, strict=True)))
    for member in cluster:
        nodes = member.text("CLUSTER", "NODES")
        assert "fail" not in nodes and "handshake" not in nodes and "disconnected" not in nodes
        assert member.owners() == cluster[0].owners()


def test_shards_are_told_alike(cluster: list[Member]) -> None:
    def shards(member: Member) -> set[tuple[bytes, ...]]:
        return {tuple(item.raw for item in shard.items[::2]) for shard in member.do("CLUSTER", "SHARDS").items}

    slots = [member.do("CLUSTER", "SLOTS").raw for member in cluster]
    assert slots == [slots[0]] * len(cluster)
    assert all(shards(member) == shards(cluster[0]) for member in cluster)


@pytest.mark.parametrize("first", [0, 3], ids=["from redpoll", "from valkey"])
def test_cluster_clients_reach_every_slot(cluster: list[Member], first: int) -> None:
    port = cluster[first].server.port
    for client in (
        redis.cluster.RedisCluster(host="127.0.0.1", port=port),
        valkey.cluster.ValkeyCluster(host="127.0.0.1", port=port),
    ):
        for n in range(300):
            assert client.set(f"key:{n}", n)
        assert [client.get(f"key:{n}") for n in range(300)] == [b"%d" % n for n in range(300)]
        assert client.dbsize(target_nodes=client.PRIMARIES) >= 300
        client.mset_nonatomic({f"many:{n}": n for n in range(50)})
        client.close()


def test_messages_reach_the_subscribers_of_every_node(cluster: list[Member]) -> None:
    ears = [member.connect() for member in cluster]
    try:
        for ear in ears:
            ear.send(b"SUBSCRIBE news\r\n")
            ear.read()
        for n, member in enumerate(cluster):
            member.do("PUBLISH", "news", f"from {n}")
        for ear in ears:
            heard = {(ear.read().items[2].text or b"").decode() for _ in cluster}
            assert heard == {f"from {n}" for n in range(len(cluster))}
    finally:
        for ear in ears:
            ear.close()


@pytest.mark.parametrize("way", [(0, 3), (3, 0), (0, 1)], ids=["redpoll-valkey", "valkey-redpoll", "redpoll-redpoll"])
def test_a_slot_moves_key_by_key(cluster: list[Member], way: tuple[int, int]) -> None:
    source, target = (cluster[n] for n in way)
    slot = int(next(iter(source.owners()[source.id])).partition("-")[0])
    tag = next(f"t{n}" for n in range(10**6) if source.do("CLUSTER", "KEYSLOT", f"t{n}").integer == slot)
    names = [f"{{{tag}}}:{n}" for n in range(20)]
    source.do("SET", names[0], "text")
    source.do("RPUSH", names[1], *range(300))
    source.do("HSET", names[2], "field", "value")
    source.do("ZADD", names[3], 1, "a", 2, "b")
    source.do("SET", names[4], "soon gone", "EX", 1000)
    for name in names[5:]:
        source.do("SADD", name, *range(10))
    digests = source.do("DEBUG", "DIGEST-VALUE", *names).raw
    assert target.do("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id).raw == OK
    assert source.do("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id).raw == OK
    assert source.do("CLUSTER", "COUNTKEYSINSLOT", slot).integer == len(names)
    found = [item.text or b"" for item in source.do("CLUSTER", "GETKEYSINSLOT", slot, 100).items]
    assert {name.encode() for name in names} == set(found)
    one = source.do("MIGRATE", "127.0.0.1", target.server.port, found[0], 0, 5000)
    rest = source.do("MIGRATE", "127.0.0.1", target.server.port, "", 0, 5000, "KEYS", *found[1:])
    assert (one.raw, rest.raw) == (OK, OK)
    assert source.do("MIGRATE", "127.0.0.1", target.server.port, "", 0, 5000, "KEYS", *found).raw == b"+NOKEY\r\n"
    assert source.do("GET", names[0]).raw == f"-ASK {slot} 127.0.0.1:{target.server.port}\r\n".encode()
    for member in (target, source):
        assert member.do("CLUSTER", "SETSLOT", slot, "NODE", target.id).raw == OK
    until("all see the new owner", lambda: all(slot in slots_of(m, target) for m in cluster))
    assert digests == target.do("DEBUG", "DIGEST-VALUE", *names).raw
    assert target.do("TTL", names[4]).integer > 900
    assert source.do("GET", names[0]).raw == f"-MOVED {slot} 127.0.0.1:{target.server.port}\r\n".encode()
    target.do("DEL", *names)


@pytest.mark.parametrize("victim", [1, 4], ids=["redpoll", "valkey"])
def test_a_dead_node_is_found_and_comes_back(cluster: list[Member], victim: int) -> None:
    dead = cluster[victim]
    others = [member for member in cluster if member is not dead]
    process = dead.server.process
    assert process is not None
    process.kill()
    process.wait()

    def flags(member: Member) -> str:
        return next(line for line in member.text("CLUSTER", "NODES").splitlines() if dead.id in line).split()[2]

    until("all have agreed that it fails", lambda: all("fail" in flags(m).split(",") for m in others))
    until("the cluster is down", lambda: not any(m.is_ok() for m in others))
    own = next(iter(others[0].owners()[others[0].id])).partition("-")[0]
    tag = next(f"t{n}" for n in range(10**6) if others[0].do("CLUSTER", "KEYSLOT", f"t{n}").integer == int(own))
    assert others[0].do("GET", tag).raw == b"-CLUSTERDOWN The cluster is down\r\n"
    dead.wire.close()
    dead.server.start()
    dead.wire = dead.connect()
    assert dead.text("CLUSTER", "MYID") == dead.id
    until("it is back", lambda: all(m.is_ok() and m.knows(6) for m in cluster))
    assert all(flags(m) == "master" for m in others)


def test_a_forgotten_node_is_forgotten_by_all(cluster: list[Member]) -> None:
    gone = Member(True)
    try:
        cluster[3].meet(gone)
        until("all know it", lambda: all(member.knows(7) for member in cluster))
        assert cluster[0].do("CLUSTER", "FORGET", gone.id).raw == OK
        until("all have forgotten it", lambda: not any(gone.id in m.text("CLUSTER", "NODES") for m in cluster))
    finally:
        gone.close()
    until("no handshake is left", lambda: all(member.knows(6) for member in cluster))
