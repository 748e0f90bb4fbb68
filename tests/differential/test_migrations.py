"""CLUSTER MIGRATESLOTS between redpoll and Valkey, in all four pairs: replies, data, writes meanwhile, failures."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest
import valkey.cluster
from tests.differential.cluster_nodes import Member, joined, picture, until

OK = b"+OK\r\n"
TAG = "{bar}"
SLOT = 5061

PAIRS = ["rr", "rv", "vr", "vv"]


def jobs(member: Member) -> list[dict[str, str]]:
    """The rows of GETSLOTMIGRATIONS."""
    found = []
    for row in member.do("CLUSTER", "GETSLOTMIGRATIONS").items:
        words = [(item.text or b"").decode() for item in row.items]
        found.append(dict(zip(words[::2], words[1::2], strict=True)))
    return found


def state(member: Member) -> str:
    """The state of the newest job; empty without any."""
    found = jobs(member)
    return found[0]["state"] if found else ""


def await_state(member: Member, *wanted: str) -> None:
    until(
        f"the newest job of {member.server.name} is in {wanted}, not {jobs(member)[:1]}",
        lambda: state(member) in wanted,
    )


def have_ended(member: Member, count: int) -> bool:
    """Whether the newest jobs have ended well."""
    return [job["state"] for job in jobs(member)[:count]] == ["success"] * count


def begin(source: Member, target: Member, first: int, last: int) -> None:
    line = f"CLUSTER MIGRATESLOTS SLOTSRANGE {first} {last} NODE {target.id}"
    assert source.play(line).raw == OK


def hold(source: Member, target: Member, first: int = 5000, last: int = 5100) -> None:
    """Begin a migration, and hold it before its last step."""
    assert source.play("DEBUG SLOTMIGRATION PREVENT-PAUSE 1").raw == OK
    begin(source, target, first, last)
    await_state(source, "waiting-to-pause")


def release(source: Member) -> None:
    assert source.play("DEBUG SLOTMIGRATION PREVENT-PAUSE 0").raw == OK


@pytest.fixture(params=PAIRS)
def two(request: pytest.FixtureRequest) -> Iterator[tuple[Member, Member]]:
    """A source with the slots 0 to 8191, and a target with the others."""
    source, target = joined(request.param)
    try:
        yield source, target
    finally:
        source.close()
        target.close()


def fill(member: Member) -> list[str]:
    """Keys of all types and sizes; their names."""
    do = member.do
    do("SET", TAG + "s", "text")
    do("SET", TAG + "n", 123, "EX", 1000)
    do("SET", TAG + "long", "x" * 100_000)
    do("SETRANGE", TAG + "buffer", 5_000_000, "end")
    do("APPEND", TAG + "buffer", "more")
    do("RPUSH", TAG + "l", *range(5))
    do("RPUSH", TAG + "list", *range(3000), "y" * 50_000)
    do("HSET", TAG + "h", "f", "v", "g", "w")
    do("HSET", TAG + "hash", *range(6000))
    do("PEXPIRE", TAG + "hash", 1_000_000)
    do("HSETEX", TAG + "hx", "EX", 1000, "FIELDS", 1, "a", 1)
    do("HSET", TAG + "hx", "b", 2)
    do("HSET", TAG + "hashx", *range(3000))
    do("HEXPIRE", TAG + "hashx", 5000, "FIELDS", 100, *range(0, 200, 2))
    do("SADD", TAG + "ints", *range(10))
    do("SADD", TAG + "set", *range(4000), "z" * 40_000)
    do("ZADD", TAG + "z", 1.5, "a", "-inf", "b")
    do("ZADD", TAG + "zset", *range(6000))
    for n in range(300):
        do("XADD", TAG + "x", f"1-{n + 1}", "a", "b" * n)
    do("XGROUP", "CREATE", TAG + "x", "g", "0")
    do("XREADGROUP", "GROUP", "g", "c", "COUNT", 150, "STREAMS", TAG + "x", ">")
    do("XGROUP", "CREATECONSUMER", TAG + "x", "g", "idle")
    do("XADD", TAG + "empty", "1-1", "a", "b")
    do("XDEL", TAG + "empty", "1-1")
    return sorted((item.text or b"").decode() for item in do("CLUSTER", "GETKEYSINSLOT", SLOT, 1000).items)


def test_slots_move_with_all_their_keys(two: tuple[Member, Member]) -> None:
    source, target = two
    names = fill(source)
    digests = source.do("DEBUG", "DIGEST-VALUE", *names).raw
    times = [source.do("PEXPIRETIME", name).raw for name in names]
    pending = source.do("XPENDING", TAG + "x", "g", "-", "+", 1000).items
    source.do("SET", "{foo1}elsewhere", "stays")
    begin(source, target, 5000, 5100)
    await_state(source, "success")
    await_state(target, "success")
    assert target.do("DEBUG", "DIGEST-VALUE", *names).raw == digests
    assert [target.do("PEXPIRETIME", name).raw for name in names] == times
    assert len(target.do("XPENDING", TAG + "x", "g", "-", "+", 1000).items) == len(pending) == 150
    assert target.do("DBSIZE").integer == len(names)
    moved = f"-MOVED {SLOT} 127.0.0.1:{target.server.port}\r\n".encode()
    assert source.do("GET", TAG + "s").raw == moved
    until("the source has deleted its keys", lambda: source.do("CLUSTER", "COUNTKEYSINSLOT", SLOT).integer == 0)
    assert source.owners() == target.owners() == {
        source.id: ("0-4999", "5101-8191"), target.id: ("5000-5100", "8192-16383"),
    }  # fmt: skip
    assert [job["operation"] for job in jobs(source) + jobs(target)] == ["EXPORT", "IMPORT"]


def test_keys_are_hidden_until_the_takeover_and_changes_follow(two: tuple[Member, Member]) -> None:
    source, target = two
    for n in range(5):
        source.do("SET", f"{TAG}{n}", n)
    source.do("SET", TAG + "soon", "gone", "PX", 300)
    source.do("HSET", TAG + "h", "f", "v", "g", "w")
    source.do("HEXPIRE", TAG + "h", 1000, "FIELDS", 1, "f")
    target.do("SET", "foo", "own")
    digest = target.play("DEBUG DIGEST").raw
    hold(source, target)
    for line in (
        f"SET {TAG}new 1", f"EXPIRE {TAG}1 1000", f"DEL {TAG}2", "MULTI", f"SET {TAG}t 1", f"INCR {TAG}t", "EXEC",
        f"EVAL redis.call('set',KEYS[1],1);redis.call('incr',KEYS[1]) 1 {TAG}lua", f"RPUSH {TAG}l 1 2 3", f"LPOP {TAG}l",
        f"PFADD {TAG}hll a b c", f"PFCOUNT {TAG}hll", f"SPUBLISH {TAG}channel message", f"LPOP {TAG}nothing",
    ):  # fmt: skip
        assert not source.play(line).raw.startswith(b"-"), line
    until("the expired key is gone there too", lambda: target.do("CLUSTER", "COUNTKEYSINSLOT", SLOT).integer == 10)
    assert target.play("DBSIZE").integer == 1
    assert [item.text for item in target.play("KEYS *").items] == [b"foo"]
    assert target.play("SCAN 0 COUNT 1000").raw == b"*2\r\n$1\r\n0\r\n*1\r\n$3\r\nfoo\r\n"
    assert target.play("RANDOMKEY").text == b"foo"
    assert "db0:keys=1,expires=0,avg_ttl=0,keys_with_volatile_items=0" in target.text("INFO", "keyspace")
    stats = target.do("MEMORY", "STATS").items
    assert stats[[item.text for item in stats].index(b"keys.count") + 1].integer == 1
    assert target.play("DEBUG DIGEST").raw == digest
    assert target.play(f"GET {TAG}1").raw == f"-MOVED {SLOT} 127.0.0.1:{source.server.port}\r\n".encode()
    assert "flags=i " in target.text("CLIENT", "LIST")
    assert re.search(r"flags=E .*cmd=cluster\|syncslots user=\(superuser\)", source.text("CLIENT", "LIST"))
    names = [f"{TAG}{word}" for word in ("0", "1", "3", "4", "new", "t", "lua", "l", "hll", "h")]
    digests = source.do("DEBUG", "DIGEST-VALUE", *names).raw
    release(source)
    await_state(source, "success")
    await_state(target, "success")
    assert target.do("DEBUG", "DIGEST-VALUE", *names).raw == digests
    assert target.play("DBSIZE").integer == 11
    assert 900 < target.play(f"TTL {TAG}1").integer <= 1000


@pytest.mark.parametrize("kinds", PAIRS)
def test_all_databases_move_and_the_source_logs_in(kinds: str) -> None:
    source, target = joined(kinds, "--cluster-databases", "3", "--primaryauth", "secret")
    try:
        for n in range(3):
            source.do("SELECT", n)
            for k in range(n + 2):
                source.do("SET", f"{TAG}{k}", f"{n}:{k}")
        target.do("CONFIG", "SET", "requirepass", "secret")
        hold(source, target)
        source.do("SELECT", 1)
        source.do("SET", TAG + "late", "1:late")
        source.do("SELECT", 2)
        source.do("COPY", TAG + "0", TAG + "0", "DB", 0, "REPLACE")
        assert [int(target.do("SELECT", n).raw == OK and target.do("DBSIZE").integer) for n in range(3)] == [0, 0, 0]
        release(source)
        await_state(source, "success")
        found = []
        for n in range(3):
            target.do("SELECT", n)
            found.append(
                (target.do("DBSIZE").integer, target.do("GET", TAG + "0").text, target.do("GET", TAG + "late").text)
            )
        assert found == [(2, b"2:0", None), (4, b"1:0", b"1:late"), (4, b"2:0", None)]
        target.do("CONFIG", "SET", "requirepass", "")
        source.do("CONFIG", "SET", "requirepass", "other")
        begin(target, source, 5000, 5100)
        await_state(target, "failed")
        assert jobs(target)[0]["message"].startswith("Failed to AUTH to target node: -WRONGPASS ")
    finally:
        source.close()
        target.close()


class Writer(threading.Thread):
    """A client of the cluster that counts, and remembers what was acknowledged."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__()
        self.client = valkey.cluster.ValkeyCluster(host="127.0.0.1", port=port)
        self.prefix = name
        self.counts: dict[str, int] = {}
        self.wrong: list[str] = []
        self.stopping = False

    def run(self) -> None:
        n = 0
        while not self.stopping:
            key = f"{self.prefix}:{n % 700}"
            reply = self.client.incr(key)
            expected = self.counts.get(key, 0) + 1
            if reply != expected:
                self.wrong.append(f"{key}: {reply} for {expected}")
            self.counts[key] = expected
            n += 1


def test_no_acknowledged_write_is_lost(two: tuple[Member, Member]) -> None:
    source, target = two
    writers = [Writer(source.server.port, f"w{n}") for n in range(2)]
    for writer in writers:
        writer.start()
    try:
        for here, there in ((source, target), (target, source)):
            until("there are writes", lambda: all(len(writer.counts) == 700 for writer in writers))
            line = " ".join(f"SLOTSRANGE {1000 * n} {1000 * n + 999} NODE {there.id}" for n in range(3))
            assert here.play(f"CLUSTER MIGRATESLOTS {line}").raw == OK
            until("three jobs have ended", partial(have_ended, here, 3))
    finally:
        for writer in writers:
            writer.stopping = True
        for writer in writers:
            writer.join()
    for writer in writers:
        assert writer.wrong == []
        assert {key: int(writer.client.get(key)) for key in writer.counts} == writer.counts
        writer.client.close()


def test_writes_wait_in_the_last_step(two: tuple[Member, Member]) -> None:
    source, target = two
    assert target.play("DEBUG SLOTMIGRATION PREVENT-FAILOVER 1").raw == OK
    begin(source, target, 5000, 5100)
    await_state(source, "failover-granted")
    info = source.text("INFO", "clients")
    assert "paused_reason:slot_migration_in_progress" in info and "paused_actions:write" in info
    left = int(info.partition("paused_timeout_milliseconds:")[2].split()[0])
    assert 0 < left <= 10_000
    other = source.connect()
    try:
        other.send(f"SET {TAG}late 1\r\n".encode())
        assert source.play(f"GET {TAG}late").raw == b"$-1\r\n"
        assert target.play("DEBUG SLOTMIGRATION PREVENT-FAILOVER 0").raw == OK
        await_state(source, "success")
        assert other.next_frame().raw == f"-MOVED {SLOT} 127.0.0.1:{target.server.port}\r\n".encode()
    finally:
        other.close()
    assert "paused_reason:none" in source.text("INFO", "clients")


def flush_target(source: Member, target: Member) -> None:
    assert target.play("FLUSHALL").raw == OK


def flush_source(source: Member, target: Member) -> None:
    assert source.play("FLUSHDB").raw == OK


def cancel(source: Member, target: Member) -> None:
    assert source.play("CLUSTER CANCELSLOTMIGRATIONS").raw == OK


def kill_link(source: Member, target: Member) -> None:
    found = re.search(r"id=(\d+) .*flags=i ", target.text("CLIENT", "LIST"))
    assert found is not None
    assert target.play(f"CLIENT KILL ID {found.group(1)}").integer == 1


TO_SOURCE = "Connection lost to source. Check CLUSTER GETSLOTMIGRATIONS on the source node for more information."
TO_TARGET = "Connection lost to target. Check CLUSTER GETSLOTMIGRATIONS on the target node for more information."

FAULTS = {
    "flush target": (flush_target, "failed", TO_TARGET, "Data was flushed"),
    "flush source": (flush_source, "failed", "Data was flushed", TO_SOURCE),
    "cancel": (cancel, "cancelled", "", TO_SOURCE),
    "kill the link": (kill_link, "failed", TO_TARGET, TO_SOURCE),
}


def test_a_failure_leaves_the_slots_with_the_source(two: tuple[Member, Member]) -> None:
    source, target = two
    for name, (fault, end, there, here) in FAULTS.items():
        source.do("SET", TAG + "k", "v")
        hold(source, target)
        fault(source, target)
        await_state(source, end)
        await_state(target, "failed")
        assert (jobs(source)[0]["message"], jobs(target)[0]["message"]) == (there, here), name
        assert target.do("CLUSTER", "COUNTKEYSINSLOT", SLOT).integer == 0
        assert source.owners()[source.id] == ("0-8191",)
        release(source)
        assert source.play(f"SET {TAG}k w").raw == OK
    begin(source, target, 5000, 5100)
    await_state(source, "success")
    assert target.do("GET", TAG + "k").text == b"w"


def test_a_target_that_dies_and_comes_back_has_no_keys_of_the_source() -> None:
    for kinds in ("rr", "vr"):
        source, target = joined(kinds)
        try:
            target.play("CONFIG SET appendonly yes")
            until("the file is there", lambda: "aof_rewrite_in_progress:0" in target.text("INFO", "persistence"))  # noqa: B023
            target.do("SET", "foo", "own")
            for n in range(10):
                source.do("SET", f"{TAG}{n}", n)
            hold(source, target)
            assert target.do("CLUSTER", "COUNTKEYSINSLOT", SLOT).integer == 10
            process = target.server.process
            assert process is not None
            process.kill()
            process.wait()
            target.wire.close()
            await_state(source, "failed")
            target.server.options = (*target.server.options, "--appendonly", "yes")
            target.server.start()
            target.wire = target.connect()
            until("it serves its own keys", lambda: target.do("GET", "foo").text == b"own")  # noqa: B023
            assert target.do("CLUSTER", "COUNTKEYSINSLOT", SLOT).integer == 0
        finally:
            source.close()
            target.close()


@pytest.fixture(params=["rrr", "rrv", "vrr", "rvr", "vrv", "vvv"])
def three(request: pytest.FixtureRequest) -> Iterator[tuple[Member, Member, Member]]:
    """A source, a target, and a replica of the target."""
    source, target = joined(request.param[:2])
    replica = Member(request.param[2] == "r", "--repl-diskless-sync-delay", "0")
    try:
        for member in (source, target):
            assert member.play("CONFIG SET repl-diskless-sync-delay 0").raw == OK
        source.meet(replica)
        until("all know all", lambda: all(member.knows(3) for member in (source, target, replica)))
        assert replica.do("CLUSTER", "REPLICATE", target.id).raw == OK
        until("it follows", lambda: "master_link_status:up" in replica.text("INFO", "replication"))
        # Valkey's replica ignores an import from a node whose slots it does not know.
        until("it knows all owners", lambda: source.owners() == target.owners() == replica.owners())
        target.do("SET", "foo", "own")
        until("it has the stream", lambda: replica.do("DBSIZE").integer == 1)
        yield source, target, replica
    finally:
        for member in (source, target, replica):
            member.close()


def test_a_replica_of_the_target_follows(three: tuple[Member, Member, Member]) -> None:
    source, target, replica = three
    for n in range(10):
        source.do("SET", f"{TAG}{n}", n)
    hold(source, target)
    until("it has the keys", lambda: replica.do("CLUSTER", "COUNTKEYSINSLOT", SLOT).integer == 10)
    assert state(replica) == "occurring-on-primary"
    assert "source_node" not in jobs(replica)[0]
    assert replica.do("DBSIZE").integer == 1
    cancel(source, target)
    until("the import has failed there too", lambda: state(replica) == "failed")
    assert jobs(replica)[0]["message"] == TO_SOURCE
    until("the keys are gone", lambda: replica.do("CLUSTER", "COUNTKEYSINSLOT", SLOT).integer == 0)
    hold(source, target)
    until("it has the keys", lambda: replica.do("CLUSTER", "COUNTKEYSINSLOT", SLOT).integer == 10)
    release(source)
    until("it has ended there too", lambda: state(replica) == "success")
    assert replica.do("DBSIZE").integer == 11


def test_a_replica_that_comes_in_the_middle_hides_the_keys(three: tuple[Member, Member, Member]) -> None:
    source, target, replica = three
    for n in range(10):
        source.do("SET", f"{TAG}{n}", n)
    hold(source, target)
    before = target.text("INFO", "stats")
    # A replica without a history gets a snapshot.
    replica.server.stop()
    replica.wire.close()
    replica.server.start()
    replica.wire = replica.connect()
    until("it follows again", lambda: "master_link_status:up" in replica.text("INFO", "replication"))
    assert re.search(r"sync_full:(\d+)", before) != re.search(r"sync_full:(\d+)", target.text("INFO", "stats"))
    until("it knows of the import", lambda: state(replica) == "occurring-on-primary")
    assert (replica.do("DBSIZE").integer, replica.do("CLUSTER", "COUNTKEYSINSLOT", SLOT).integer) == (1, 10)
    release(source)
    until("it has ended there too", lambda: state(replica) == "success")
    assert replica.do("DBSIZE").integer == 11


def test_a_replica_that_takes_over_ends_the_import(three: tuple[Member, Member, Member]) -> None:
    source, target, replica = three
    source.do("SET", TAG + "k", "v")
    hold(source, target)
    until("it has the key", lambda: replica.do("CLUSTER", "COUNTKEYSINSLOT", SLOT).integer == 1)
    assert replica.play("CLUSTER FAILOVER").raw == OK
    until("it has taken over", lambda: "role:master" in replica.text("INFO", "replication"))
    await_state(replica, "failed")
    await_state(source, "failed")
    assert jobs(replica)[0]["message"] == "A failover occurred during slot import"
    assert replica.do("CLUSTER", "COUNTKEYSINSLOT", SLOT).integer == 0
    release(source)
    begin(source, replica, 5000, 5100)
    await_state(source, "success")
    assert replica.do("GET", TAG + "k").text == b"v"


ERRORS = """
    CLUSTER MIGRATESLOTS
    CLUSTER MIGRATESLOTS a b c
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 NODE
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 2 NODE
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 2 NODE x
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 2 FOO x
    CLUSTER MIGRATESLOTS SLOTSRANGE 2 1 NODE B
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 x NODE B
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 2 3 NODE B
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 2 2 3 NODE B
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 2 NODE A
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 20000 NODE B
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 -2 NODE B
    CLUSTER MIGRATESLOTS SLOTSRANGE 8191 8192 NODE B
    CLUSTER MIGRATESLOTS SLOTSRANGE 8192 8192 NODE A
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 2 NODE ffffffffffffffffffffffffffffffffffffffff
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 2 NODE B SLOTSRANGE 2 3 NODE B
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 2 NODE B x
    CLUSTER MIGRATESLOTS SLOTSRANGE NODE B
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 2 NODE B SLOTSRANGE
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 2 NODE B SLOTSRANGE 5
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 2 NODE B SLOTSRANGE 5 6
    CLUSTER CANCELSLOTMIGRATIONS
    CLUSTER CANCELSLOTMIGRATIONS x
    CLUSTER GETSLOTMIGRATIONS
    CLUSTER GETSLOTMIGRATIONS x
    CLUSTER SYNCSLOTS
    CLUSTER SYNCSLOTS FOO
    CLUSTER SYNCSLOTS ack
    CLUSTER SYNCSLOTS ACK x
    CLUSTER SYNCSLOTS SNAPSHOT-EOF
    CLUSTER SYNCSLOTS REQUEST-PAUSE
    CLUSTER SYNCSLOTS PAUSED
    CLUSTER SYNCSLOTS REQUEST-FAILOVER
    CLUSTER SYNCSLOTS FAILOVER-GRANTED
    CLUSTER SYNCSLOTS FINISH
    CLUSTER SYNCSLOTS FINISH STATE SUCCESS NAME x
    CLUSTER SYNCSLOTS ESTABLISH
    CLUSTER SYNCSLOTS ESTABLISH SOURCE x
    CLUSTER SYNCSLOTS ESTABLISH SOURCE ffffffffffffffffffffffffffffffffffffffff NAME JOB SLOTSRANGE 1 2
    CLUSTER SYNCSLOTS ESTABLISH SOURCE A NAME JOB SLOTSRANGE 1 2
    CLUSTER SYNCSLOTS ESTABLISH SOURCE B NAME x SLOTSRANGE 1 2
    CLUSTER SYNCSLOTS ESTABLISH SOURCE B NAME JOB SLOTSRANGE 1 2
    CLUSTER SYNCSLOTS ESTABLISH SOURCE B NAME JOB SLOTSRANGE 8191 8192
    CLUSTER SYNCSLOTS ESTABLISH SOURCE B NAME JOB
    CLUSTER SYNCSLOTS ESTABLISH NAME JOB SLOTSRANGE 8193 8194
    CLUSTER SYNCSLOTS ESTABLISH SOURCE B SLOTSRANGE 8193 8194
    CLUSTER SYNCSLOTS ESTABLISH SOURCE B NAME JOB SLOTSRANGE 8193
    CLUSTER SYNCSLOTS ESTABLISH SOURCE B NAME JOB SLOTSRANGE x y
    CLUSTER SYNCSLOTS ESTABLISH SOURCE B NAME JOB FOO 1 SLOTSRANGE 8193 8194
    CLUSTER SETSLOT 100 MIGRATING B
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 2 NODE B
    CLUSTER SETSLOT 100 STABLE
    CLUSTER SETSLOT 9000 IMPORTING B
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 2 NODE B
    CLUSTER SYNCSLOTS ESTABLISH SOURCE B NAME JOB SLOTSRANGE 9001 9002
    CLUSTER SETSLOT 9000 STABLE
    CLUSTER DELSLOTS 8
    CLUSTER MIGRATESLOTS SLOTSRANGE 7 9 NODE B
    CLUSTER ADDSLOTS 8
"""

DURING = """
    CLUSTER SETSLOT 5061 NODE B
    CLUSTER SETSLOT 1 MIGRATING B
    CLUSTER SETSLOT 9000 IMPORTING B
    CLUSTER SETSLOT 1 STABLE
    CLUSTER SETSLOT 99999 STABLE
    CLUSTER SETSLOT 1 FOO
    CLUSTER MIGRATESLOTS SLOTSRANGE 5000 5000 NODE B
    CLUSTER MIGRATESLOTS SLOTSRANGE 1 2 5100 5101 NODE B
"""


def replies(kinds: str, protocol: int) -> list[object]:
    members = joined(kinds)
    source, target = members
    try:
        for member in members:
            member.protocol = protocol
            member.wire.close()
            member.wire = member.connect()
        masks = {source.id: "A", target.id: "B", "a" * 40: "JOB"}

        def played(member: Member, lines: str) -> list[object]:
            words = {"A": source.id, "B": target.id, "JOB": "a" * 40}
            found = []
            for line in lines.split("\n"):
                if line.strip():
                    reply = member.do(*[words.get(word, word) for word in line.split()])
                    found.append((line.strip(), picture(reply, masks)))
            return found

        found = played(source, ERRORS)
        hold(source, target)
        found += played(source, DURING)
        found += [("target: " + line, reply) for line, reply in played(target, DURING.replace("MIGRATESLOTS", "x"))]
        release(source)
        await_state(source, "success")
        await_state(target, "success")
        for member in members:
            name = jobs(member)[0]["name"]
            shown = picture(member.do("CLUSTER", "GETSLOTMIGRATIONS"), {**masks, name: "JOB"})
            found.append(re.sub(r"'1[0-9]{9}'", "TIME", repr(shown)))
        return found
    finally:
        for member in members:
            member.close()


@pytest.mark.parametrize("protocol", [2, 3])
def test_replies_are_those_of_the_reference(protocol: int) -> None:
    assert replies("rr", protocol) == replies("vv", protocol)


def test_two_imports_of_one_slot_are_refused_alike() -> None:
    found = []
    for kinds in ("rr", "vv"):
        source, target = joined(kinds)
        try:
            hold(source, target)
            line = f"CLUSTER SYNCSLOTS ESTABLISH SOURCE {source.id} NAME {'b' * 40} SLOTSRANGE 5050 5060"
            found.append(target.play(line).raw)
        finally:
            source.close()
            target.close()
    assert found[0] == found[1], found


def test_the_log_of_jobs_is_bounded_alike() -> None:
    for kinds in ("rr", "vv"):
        source, target = joined(kinds)
        try:
            source.play("CONFIG SET cluster-slot-migration-log-max-len 2")
            for n in range(4):
                hold(source, target, n, n)
                cancel(source, target)
            assert [job["slot_ranges"] for job in jobs(source)] == ["3-3", "2-2"]
            assert int(time.time()) - 60 < int(jobs(source)[0]["create_time"]) <= int(time.time()) + 1
            source.play("CONFIG SET cluster-slot-migration-log-max-len 0")
            until("the log is empty", lambda: jobs(source) == [])  # noqa: B023
        finally:
            source.close()
            target.close()
