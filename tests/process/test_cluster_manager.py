"""`redpoll cluster` on a cluster of redpoll and Valkey nodes: each test leaves it whole."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator

import pytest
import redis
import redis.cluster
from tests.differential.cluster_nodes import Member, until
from tests.differential.servers import Redpoll, Server, Valkey
from tests.process.manager import manage, managed, node, place, tag_of

OK = b"+OK\r\n"


class Nodes:
    """Three primaries and three replicas, made by `redpoll cluster create`; and two servers that are in no cluster."""

    def __init__(self) -> None:
        self.all = [node(kind == "r") for kind in "rvrvrv"]
        self.spare = [node(True), node(False)]
        self.shown = managed("create", *map(place, self.all), "--replicas", 1, "--yes")
        self.entry = place(self.all[0])

    def primaries(self) -> list[Member]:
        return self.all[:3]

    def client(self) -> redis.cluster.RedisCluster:
        return redis.cluster.RedisCluster(host="127.0.0.1", port=self.all[0].server.port)

    def close(self) -> None:
        for member in (*self.all, *self.spare):
            member.close()


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    made = Nodes()
    yield made
    made.close()


def whole(nodes: Nodes) -> None:
    """What every test leaves behind."""
    done = manage("check", nodes.entry)
    assert done.status == 0, done
    assert "[OK] All nodes agree about slots configuration.\n[OK] All 16384 slots covered.\n" in done.out
    if shutil.which("redis-cli") is not None:
        theirs = subprocess.run(
            ["redis-cli", "--cluster", "check", nodes.entry], capture_output=True, text=True, timeout=60, check=False
        )
        assert theirs.returncode == 0, theirs.stdout


def ranges_of(member: Member) -> list[tuple[str, str, str]]:
    return [word.partition("-") for word in member.owners()[member.id]]


def slots_of(member: Member) -> int:
    return sum(int(last or first) - int(first) + 1 for first, _, last in ranges_of(member))


# ---- create, check, info


def test_create_shows_the_layout_and_makes_it(nodes: Nodes) -> None:
    one, two, three, four, five, six = map(place, nodes.all)
    rows = [line.split() for line in nodes.shown.splitlines() if line.startswith("127.")]
    assert rows == [
        [one, "primary", "0-5460"], [four, "replica", "of", one],
        [two, "primary", "5461-10922"], [five, "replica", "of", two],
        [three, "primary", "10923-16383"], [six, "replica", "of", three],
    ]  # fmt: skip
    assert nodes.shown.count("[WARNING]") == 3  # All are on one host.
    assert nodes.all[0].is_ok()
    assert nodes.all[5].text("CLUSTER", "NODES").count("slave") == 3
    whole(nodes)


def test_check_shows_each_node(nodes: Nodes) -> None:
    shown = managed("check", "127.0.0.1", nodes.all[4].server.port)
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.startswith("127.")}
    assert rows[place(nodes.all[1])] == ["primary", "5461-10922", "5462", "0", nodes.all[1].id]
    assert rows[place(nodes.all[4])] == ["replica", "of", place(nodes.all[1]), "0", nodes.all[4].id]


@pytest.mark.skipif(shutil.which("redis-cli") is None, reason="there is no redis-cli to compare with")
def test_the_tool_of_the_reference_agrees(nodes: Nodes) -> None:
    def theirs(command: str) -> subprocess.CompletedProcess[str]:
        words = ["redis-cli", "--cluster", command, nodes.entry]
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    done = theirs("check")
    assert done.returncode == 0, done.stdout
    for line in ("[OK] All nodes agree about slots configuration.", "[OK] All 16384 slots covered."):
        assert line in done.stdout
        assert line in managed("check", nodes.entry)
    mine = set(managed("info", nodes.entry).splitlines())
    words = {"masters": "primaries", "slaves": "replicas"}
    plain = re.sub(r"\x1b\[[0-9;]*m", "", theirs("info").stdout)
    shown = re.sub("masters|slaves", lambda found: words[found[0]], plain)
    assert mine == set(shown.splitlines())


# ---- moving slots


class Writers:
    """Increments counters in all nodes while slots move."""

    def __init__(self, nodes: Nodes) -> None:
        self.client = nodes.client()
        self.over = threading.Event()
        self.rounds = 0
        self.failure: Exception | None = None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        try:
            while not self.over.is_set():
                for n in range(100):
                    self.client.incr(f"counter:{n}")
                self.rounds += 1
        except Exception as failure:
            self.failure = failure

    def finish(self) -> None:
        """Stop, and check that no increment was lost."""
        self.over.set()
        self.thread.join()
        assert self.failure is None
        assert self.rounds > 0
        assert {self.client.get(f"counter:{n}") for n in range(100)} == {b"%d" % self.rounds}
        self.client.delete(*[f"counter:{n}" for n in range(100)])
        self.client.close()


def test_reshard_under_writes(nodes: Nodes) -> None:
    writers = Writers(nodes)
    before = [slots_of(member) for member in nodes.primaries()]
    target = nodes.all[0]
    try:
        until("writers write", lambda: writers.rounds > 0)
        shown = managed(
            "reshard", nodes.entry, "--cluster-from", "all", "--cluster-to", target.id, "--cluster-slots", 40,
            "--cluster-yes", "--cluster-pipeline", 5,
        )  # fmt: skip
        assert re.search(r"^\[OK\] 40 slots with \d+ keys? moved to", shown, re.MULTILINE)
        managed("reshard", nodes.entry, "--from", target.id[:8], "--to", place(nodes.all[1]), "--slots", 20, "--yes")
    finally:
        writers.finish()
    after = [slots_of(member) for member in nodes.primaries()]
    assert after == [before[0] + 20, before[1] - 20 + 20, before[2] - 20]
    whole(nodes)


def test_reshard_asks_for_what_is_left_out(nodes: Nodes) -> None:
    one, two = nodes.all[0], nodes.all[1]
    before = slots_of(one)
    done = manage("reshard", nodes.entry, typed=f"3\n{one.id}\n{two.id}\nyes\n")
    assert done.status == 0, done
    assert slots_of(one) == before + 3
    done = manage("reshard", nodes.entry, typed=f"3\n{two.id}\n{one.id}\nno\n")
    assert (done.status, slots_of(one)) == (1, before + 3)
    assert "nothing was changed" in done.err
    done = manage("reshard", nodes.entry, "--from", "all", "--to", one.id)
    assert (done.status, done.err) == (
        1,
        "redpoll cluster reshard: nothing was changed: there is nobody to ask; pass --slots COUNT\n",
    )


def test_rebalance_with_weights(nodes: Nodes) -> None:
    managed("rebalance", nodes.entry, "--threshold", 0)
    counts = [slots_of(member) for member in nodes.primaries()]
    assert max(counts) - min(counts) <= 1
    heavy = place(nodes.all[2])
    shown = managed("rebalance", nodes.entry, "--weight", f"{heavy}=1.05", "--simulate")
    assert "would move; nothing was changed" in shown
    managed("rebalance", nodes.entry, "--cluster-weight", f"{nodes.all[2].id}=1.005", "--threshold", 0.1)
    assert slots_of(nodes.all[2]) == round(16384 * 1.005 / 3.005)
    assert "[OK] Nothing to move" in managed("rebalance", nodes.entry, "--threshold", 5)
    whole(nodes)


# ---- members


def test_a_primary_joins_gets_slots_and_leaves(nodes: Nodes) -> None:
    new = nodes.spare[0]
    nodes.all[0].do("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 7 end)")
    shown = managed("add-node", place(new), nodes.entry)
    assert "has joined as a primary without slots" in shown
    assert new.do("FCALL", "f", 0).integer == 7
    assert "Nothing to move" in managed("rebalance", nodes.entry, "--threshold", 20)
    managed("rebalance", nodes.entry, "--use-empty-masters", "--weight", f"{place(new)}=0.003")
    assert slots_of(new) == round(16384 * 0.003 / 3.003)
    done = manage("del-node", nodes.entry, new.id)
    assert done.status == 1
    assert f"rebalance {place(new)} --weight {new.id}=0" in done.err
    managed("rebalance", nodes.entry, "--weight", f"{place(new)}=0")
    managed("del-node", nodes.entry, new.id)
    assert new.text("CLUSTER", "NODES").count("\n") == 1
    assert all(new.id not in member.text("CLUSTER", "NODES") for member in nodes.all)
    nodes.all[0].do("FUNCTION", "FLUSH")
    new.do("FUNCTION", "FLUSH")
    whole(nodes)


def test_a_replica_joins_and_leaves(nodes: Nodes) -> None:
    new = nodes.spare[1]
    managed("add-node", place(new), nodes.entry, "--cluster-slave", "--cluster-master-id", nodes.all[2].id)
    assert f" {nodes.all[2].id} " in new.text("CLUSTER", "NODES").partition("myself,slave")[2]
    assert "3 replicas" not in managed("info", nodes.entry)
    assert "2 replicas" in managed("info", nodes.entry)
    managed("del-node", nodes.entry, place(new))
    assert all(new.id not in member.text("CLUSTER", "NODES") for member in nodes.all)
    managed("add-node", place(new), nodes.entry, "--replica")
    managed("del-node", nodes.entry, place(new))
    whole(nodes)


# ---- mending


def set_slot(member: Member, slot: int, *words: str) -> None:
    assert member.do("CLUSTER", "SETSLOT", slot, *words).raw == OK


def break_half_way(one: Member, two: Member, slot: int, key: str) -> None:
    set_slot(two, slot, "IMPORTING", one.id)
    set_slot(one, slot, "MIGRATING", two.id)
    assert one.do("MIGRATE", "127.0.0.1", two.server.port, f"{key}:1", 0, 5000).raw == OK


def break_exporting(one: Member, two: Member, slot: int, key: str) -> None:
    set_slot(one, slot, "MIGRATING", two.id)


def break_importing(one: Member, two: Member, slot: int, key: str) -> None:
    break_half_way(one, two, slot, key)
    set_slot(one, slot, "STABLE")


def break_no_owner(one: Member, two: Member, slot: int, key: str) -> None:
    break_half_way(one, two, slot, key)
    for member in (one, two):
        set_slot(member, slot, "STABLE")
    assert one.do("CLUSTER", "DELSLOTS", slot).raw == OK
    # The others do not hear of it: a node announces what it has, not what it gave up.
    until("it knows it", lambda: "cluster_state:fail" in one.text("CLUSTER", "INFO"))


def break_two_owners(one: Member, two: Member, slot: int, key: str) -> None:
    # The newest epoch: if gossip is faster than `fix`, the node with the keys wins.
    one.do("CLUSTER", "BUMPEPOCH")
    for words in (["MULTI"], ["CLUSTER", "DELSLOTS", slot], ["CLUSTER", "ADDSLOTS", slot]):
        two.do(*words)
    assert two.do("EXEC").raw.endswith(OK + OK)


BREAKS = [break_half_way, break_exporting, break_importing, break_no_owner, break_two_owners]


@pytest.mark.parametrize("way", [(0, 1), (1, 2)], ids=["redpoll-valkey", "valkey-redpoll"])
@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.__name__)
def test_fix(nodes: Nodes, broken: object, way: tuple[int, int]) -> None:
    one, two = nodes.all[way[0]], nodes.all[way[1]]
    slot = int(one.owners()[one.id][-1].partition("-")[0])
    key = f"{{{tag_of(slot)}}}"
    for n in range(4):
        assert one.do("SET", f"{key}:{n}", n).raw == OK
    assert callable(broken)
    broken(one, two, slot, key)
    done = manage("check", nodes.entry)
    # Nodes settle by gossip which of two owners has the slot; before that, both have it.
    assert done.status == 1 or broken is break_two_owners, done
    words = ["--search-multiple-owners"] if broken is break_two_owners else []
    done = manage("fix", nodes.entry, "--yes", *words)
    assert done.status == 0, done
    whole(nodes)
    client = nodes.client()
    kept = [client.get(f"{key}:{n}") for n in range(4)]
    assert kept == [b"0", b"1", b"2", b"3"], done
    client.delete(*[f"{key}:{n}" for n in range(4)])
    client.close()


def test_fix_spreads_slots_that_nobody_has(nodes: Nodes) -> None:
    one = nodes.all[0]
    first = max((int(last) - int(low), int(low)) for low, dash, last in ranges_of(one) if dash)[1]
    assert one.do("CLUSTER", "DELSLOTS", *range(first, first + 5)).raw == OK
    until("it knows it", lambda: "cluster_state:fail" in one.text("CLUSTER", "INFO"))
    done = manage("check", nodes.entry)
    assert done.status == 1
    assert f"5 slots without an owner: {first}-{first + 4}." in done.out
    done = manage("fix", nodes.entry, typed="no\n")
    assert (done.status, done.err) == (1, "redpoll cluster fix: nothing was changed\n")
    managed_fix = manage("fix", nodes.entry, typed="yes\n")
    assert managed_fix.status == 0, managed_fix
    whole(nodes)


def test_fix_of_different_values_of_one_key_is_left_to_the_user(nodes: Nodes) -> None:
    one, two = nodes.all[0], nodes.all[1]
    slot = int(one.owners()[one.id][0].partition("-")[0])
    key = f"{{{tag_of(slot)}}}"
    one.do("SET", key, "mine")
    set_slot(two, slot, "IMPORTING", one.id)
    two.do("ASKING")
    two.do("SET", key, "theirs")
    set_slot(one, slot, "MIGRATING", two.id)
    done = manage("fix", nodes.entry, "--yes")
    assert done.status == 1
    assert f"has one value in {place(one)} and another in {place(two)}" in done.err
    assert manage("fix", nodes.entry, "--yes", "--replace").status == 0
    whole(nodes)
    client = nodes.client()
    assert client.get(key) == b"mine"
    client.delete(key)
    client.close()


# ---- import


@pytest.mark.parametrize("kind", [Redpoll, Valkey])
def test_import(nodes: Nodes, kind: type[Server]) -> None:
    server = kind("source", "--requirepass", "secret")
    server.start()
    try:
        source = redis.Redis(port=server.port, password="secret")
        for n in range(300):
            source.set(f"in:{n}", n)
        source.rpush("in:list", *range(100))
        source.execute_command("SELECT", 0)
        words = ["import", nodes.entry, "--from", f"127.0.0.1:{server.port}", "--from-pass"]
        done = manage(*words, "guess")
        assert done.status == 1
        assert "WRONGPASS" in done.err
        words.append("secret")
        assert "301 keys copied into the cluster" in managed(*words, "--copy")
        client = nodes.client()
        assert [client.get(f"in:{n}") for n in (0, 150, 299)] == [b"0", b"150", b"299"]
        assert client.llen("in:list") == 100
        client.set("in:7", "new")
        client.delete("in:8")
        done = manage(*words)
        assert done.status == 1
        assert "300 keys left in" in done.out
        assert "1 key moved into the cluster" in done.out
        assert client.mget_nonatomic(["in:7", "in:8"]) == [b"new", b"8"]
        assert "300 keys moved" in managed(*words, "--cluster-replace")
        assert (client.get("in:7"), source.dbsize()) == (b"7", 0)
        assert "nothing to import" in managed(*words)
        client.delete("in:list", *[f"in:{n}" for n in range(300)])
        client.close()
        source.close()
    finally:
        server.close()
    whole(nodes)


# ---- every node


def test_call(nodes: Nodes) -> None:
    shown = managed("call", nodes.entry, "CONFIG", "GET", "port").split("\n127.")
    assert len(shown) == 6
    assert [
        row.split(": ") for row in managed("call", nodes.entry, "DBSIZE", "--cluster-only-masters").splitlines()
    ] == [[place(member), "0"] for member in sorted(nodes.primaries(), key=lambda member: member.server.port)]
    replicas = managed("call", "--only-replicas", nodes.entry, "PING").splitlines()
    assert sorted(replicas) == sorted(f"{place(member)}: PONG" for member in nodes.all[3:])
    done = manage("call", nodes.entry, "NOSUCH")
    assert done.status == 1
    assert "(error) ERR unknown command 'NOSUCH'" in done.out


def test_set_timeout(nodes: Nodes) -> None:
    shown = managed("set-timeout", nodes.entry, 3000)
    assert "New node timeout: 3000 ms in 6 nodes." in shown
    assert shown.count("will lose the new value when it restarts") == 6  # They have no file.
    assert b"3000" in nodes.all[1].do("CONFIG", "GET", "cluster-node-timeout").raw
    managed("set-timeout", nodes.entry, 6000)
    assert manage("set-timeout", nodes.entry, 99).status == 2


# ---- what is refused


def test_servers_that_cannot_form_a_cluster(nodes: Nodes) -> None:
    one, two = map(place, nodes.spare)
    done = manage("create", one, two, "--yes")
    assert (done.status, "at least 3 primaries" in done.err) == (1, True)
    done = manage("create", one, two, nodes.entry)
    assert done.err.startswith(f"redpoll cluster create: {nodes.entry} is in a cluster already")
    done = manage("create", one, two, one)
    assert done.err == f"redpoll cluster create: named twice: {one}\n"
    done = manage("create", one, two, "127.0.0.1:1")
    assert "cannot connect to 127.0.0.1:1" in done.err
    done = manage("create", one, two, "10.1.2.3:7000")
    assert "the other machines cannot reach 127.0.0.1" in done.err
    done = manage("add-node", nodes.entry, nodes.entry)
    assert (done.status, "is in a cluster already" in done.err) == (1, True)
    server = Redpoll("alone")
    server.start()
    try:
        for command in ("check", "info"):
            done = manage(command, f"127.0.0.1:{server.port}")
            assert (done.status, "is not a node of a cluster" in done.err) == (1, True)
    finally:
        server.close()


def test_nodes_that_are_not_there(nodes: Nodes) -> None:
    done = manage("reshard", nodes.entry, "--from", "all", "--to", "f" * 40, "--slots", 1, "--yes")
    assert done.err.startswith(f"redpoll cluster reshard: there is no node '{'f' * 40}'")
    done = manage("reshard", nodes.entry, "--from", "all", "--to", nodes.all[4].id, "--slots", 1, "--yes")
    assert "is a replica of" in done.err
    done = manage("rebalance", nodes.entry, "--weight", f"{nodes.entry}=much")
    assert "is not a weight" in done.err
    done = manage("reshard", nodes.entry, "--from", nodes.entry, "--to", nodes.entry, "--slots", 1, "--yes")
    assert "cannot both give and receive" in done.err
    done = manage("import", nodes.entry, "--from", place(nodes.spare[0]))
    assert "is a node of a cluster itself" in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["creat"], "did you mean 'create'?"),
        (["check"], "the following arguments are required: HOST:PORT"),
        (["check", "nowhere"], "'nowhere' is not an address: write HOST:PORT"),
        (["check", "h:1", "h:2"], "unexpected 'h:2'"),
        (["reshard", "h:1", "--slots", "99999"], "'99999' is not a number from 1 to 16384"),
        (["import", "h:1"], "the following arguments are required: --from"),
        (["add-node", "h:1"], "name the new server first"),
        (["add-node", "h:1", "h:2", "--primary-id", "x"], "--primary-id needs --replica"),
        (["del-node", "h:1"], "then the node to take out"),
        (["call", "h:1"], "after HOST:PORT comes the command"),
        (["call", "h:1", "PING", "--only-masters", "--only-replicas"], "leave no node"),
        (["rebalance", "h:1", "--threshold", "x"], "'x' is not a number of percent"),
        (["start", "--nodes", "0"], "'0' is not a number from 1 to 1000"),
    ],
)
def test_a_wrong_command_line_is_told_in_a_sentence(words: list[str], told: str) -> None:
    done = manage(*words)
    assert done.status == 2
    assert told in done.err
    assert "Traceback" not in done.err


def test_help_teaches() -> None:
    overview = managed("--help")
    for command in re.findall(r"^  redpoll cluster ([a-z-]+)", overview, re.MULTILINE):
        shown = managed(command, "--help")
        assert f"usage: redpoll cluster {command}" in shown
        assert f"examples:\n  redpoll cluster {command}" in shown or command == "del-node"
