"""`redpoll cluster` when nodes die, have passwords or several databases, and when it moves many slots: full profile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis.cluster
from tests.differential.cluster_nodes import Member, until
from tests.process.manager import manage, managed, node, place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@contextmanager
def cluster_of(kinds: str, *options: str, replicas: int = 0, words: tuple[str, ...] = ()) -> Iterator[list[Member]]:
    """A cluster of redpoll nodes (`r`) and Valkey nodes (`v`)."""
    made = [node(kind == "r", *options) for kind in kinds]
    try:
        managed("create", *map(place, made), "--replicas", replicas, "--yes", *words)
        yield made
    finally:
        for member in made:
            member.close()


@pytest.mark.parametrize("kinds", ["rvrr", "vrvv"])
def test_the_slots_of_a_dead_primary_go_to_others_if_the_user_says_so(kinds: str) -> None:
    with cluster_of(kinds, "--cluster-node-timeout", "2000") as nodes:
        dead, entry = nodes[3], place(nodes[0])
        dead.server.stop()
        done = manage("fix", entry, "--yes")
        assert done.status == 1
        assert f"the primary {place(dead)} cannot be reached, so nothing was changed" in done.err
        done = manage("reshard", entry, "--from", "all", "--to", entry, "--slots", 1, "--yes")
        assert done.status == 1
        done = manage("del-node", entry, dead.id)
        assert (done.status, "--fix-with-unreachable-masters" in done.err) == (1, True)
        until("the failure is seen", lambda: "fail" in nodes[0].text("CLUSTER", "NODES").partition(dead.id)[2][:80])
        done = manage("fix", entry, "--yes", "--cluster-fix-with-unreachable-masters")
        assert "4096 slots" in done.out.replace(",", "")
        managed("del-node", entry, dead.id)
        shown = managed("check", entry)
        assert "[OK] All 16384 slots covered." in shown
        until("all are ok", lambda: all(member.is_ok() for member in nodes[:3]))
        client = redis.cluster.RedisCluster(host="127.0.0.1", port=nodes[0].server.port)
        for n in range(100):
            assert client.set(f"key:{n}", n)
        client.close()


def test_a_dead_replica_is_forgotten() -> None:
    with cluster_of("rvrvrv", replicas=1) as nodes:
        nodes[4].server.stop()
        entry = place(nodes[0])
        done = manage("check", entry)
        assert (done.status, f"{place(nodes[4])} cannot be reached (replica)" in done.out) == (1, True)
        managed("del-node", entry, place(nodes[4]))
        managed("check", entry)


@pytest.mark.parametrize("kinds", ["rrr", "vvv"])
def test_a_cluster_with_passwords(kinds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [node(kind == "r") for kind in kinds]
    try:
        for member in made:
            member.do("CONFIG", "SET", "primaryauth", "secret")
            member.do("CONFIG", "SET", "requirepass", "secret")
        places = [place(member) for member in made]
        done = manage("create", *places, "--yes")
        assert (done.status, "give the password with -a" in done.err) == (1, True)
        done = manage("create", *places, "--yes", "-a", "guess")
        assert (done.status, "WRONGPASS" in done.err) == (1, True)
        managed("create", *places, "--yes", "-a", "secret")
        client = redis.cluster.RedisCluster(host="127.0.0.1", port=made[0].server.port, password="secret")
        for n in range(300):
            client.set(f"key:{n}", n)
        move = ["reshard", places[0], "--from", "all", "--to", places[1], "--slots", 200, "--yes"]
        managed(*move, "--user", "default", "-a", "secret")
        monkeypatch.setenv("REDISCLI_AUTH", "secret")
        managed(*move)
        assert [client.get(f"key:{n}") for n in range(300)] == [b"%d" % n for n in range(300)]
        client.close()
    finally:
        for member in made:
            member.close()


def test_all_databases_of_a_slot_move() -> None:
    with cluster_of("rvr", "--cluster-databases", "4") as nodes:
        one, two = nodes[0], nodes[1]
        for database in range(4):
            one.do("SELECT", database)
            for n in range(20):
                one.do("SET", f"{{06S}}{n}", f"{database}:{n}")  # In slot 0.
        managed("reshard", place(one), "--from", one.id, "--to", two.id, "--slots", 1, "--yes")
        for database in range(4):
            two.do("SELECT", database)
            assert [two.do("GET", f"{{06S}}{n}").text for n in range(20)] == [
                b"%d:%d" % (database, n) for n in range(20)
            ]


@pytest.mark.parametrize("kinds", ["rrrr", "rvrv"])
def test_an_empty_node_gets_its_whole_share(kinds: str) -> None:
    with cluster_of(kinds[:3]) as nodes:
        client = redis.cluster.RedisCluster(host="127.0.0.1", port=nodes[0].server.port)
        for n in range(1000):
            client.set(f"key:{n}", n)
        new = node(kinds[3] == "r")
        try:
            managed("add-node", place(new), place(nodes[0]))
            shown = managed("rebalance", place(nodes[1]), "--use-empty-masters", "--pipeline", 100)
            assert "[OK] 4,096 slots with" in shown
            lines = [line for line in managed("info", place(new)).splitlines() if "| 4096 slots |" in line]
            assert len(lines) == 4
            assert [client.get(f"key:{n}") for n in range(1000)] == [b"%d" % n for n in range(1000)]
            managed("check", place(new), "--search-multiple-owners")
        finally:
            new.close()
        client.close()
