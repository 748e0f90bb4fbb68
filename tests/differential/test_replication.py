"""Replication between redpoll and the reference, in both directions and in chains; after each run the data is equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from tests.differential.links import Client, Follower, until
from tests.differential.pair import difference_rows
from tests.differential.servers import Server, Valkey, ours

QUICK = ("--repl-diskless-sync-delay", "0")

FILL = """
SET s v
SET n 12
SET t v PX 10000000
RPUSH l 1 2 3
HSET h f v g w
HPEXPIRE h 10000000 FIELDS 1 f
SADD i 1 2 3
SADD m a b c
ZADD z 1 a 2.5 b
XADD x 1-1 f v
XGROUP CREATE x g 0
XREADGROUP GROUP g c STREAMS x >
SELECT 3
SET other 3
SELECT 0
"""

MORE = """
APPEND s more
INCR n
LPUSH l 0
HDEL h g
SPOP m
ZINCRBY z 2 a
XADD x * f w
EVAL_FREE
MULTI
SET tx 1
INCR tx
EXEC
SELECT 5
SET other 5
SELECT 0
EXPIRE s 100
DEL n
"""


def theirs(*options: str) -> Server:
    return Valkey("valkey", *QUICK, *options)


def mine(*options: str) -> Server:
    return ours(*QUICK, *options)


MAKERS: dict[str, Callable[..., Server]] = {"redpoll": mine, "valkey": theirs}


@contextmanager
def running(*servers: Server) -> Iterator[list[Client]]:
    """The servers started, each with a client."""
    clients: list[Client] = []
    try:
        for server in servers:
            server.start()
            clients.append(Client(server))
        yield clients
    finally:
        for client in clients:
            client.close()
        for server in servers:
            trouble = server.log.read_text(errors="replace")
            server.close()
            assert "Traceback" not in trouble, trouble[-4000:]


def play(client: Client, session: str) -> None:
    for line in session.split("\n"):
        if line and line != "EVAL_FREE":
            reply = client(*line.split())
            assert not reply.is_error, (line, reply)


def follow(replica: Client, primary: Server) -> None:
    assert not replica("REPLICAOF", "127.0.0.1", primary.port).is_error
    until(lambda: replica.info("master_link_status") == "up", "the link is up")


def same(primary: Client, *others: Client) -> None:
    """Everything has arrived, and the data is equal."""
    for other in others:
        until(
            lambda other=other: other.info("slave_repl_offset") == primary.info("master_repl_offset"),  # type: ignore[misc]
            "the offsets are equal",
        )
        assert other.text("DEBUG", "DIGEST") == primary.text("DEBUG", "DIGEST")


PAIRS = [("redpoll", "valkey"), ("valkey", "redpoll"), ("redpoll", "redpoll")]


@pytest.mark.parametrize(("above", "below"), PAIRS)
def test_a_replica_follows(above: str, below: str) -> None:
    primary, replica = MAKERS[above](), MAKERS[below]()
    with running(primary, replica) as (one, other):
        play(one, FILL)
        follow(other, primary)
        same(one, other)
        play(one, MORE)
        same(one, other)
        assert one("WAIT", 1, 5000).integer == 1
        role = other("ROLE")
        assert [item.text for item in role.items[:4]] == [b"slave", b"127.0.0.1", b"%d" % primary.port, b"connected"]
        listed = one("ROLE").items[2].items
        assert [item.text for item in listed[0].items[:2]] == [b"127.0.0.1", b"%d" % replica.port]
        # A promoted replica keeps the data, and the old primary goes on from where it was.
        assert other("REPLICAOF", "NO", "ONE").raw == b"+OK\r\n"
        play(other, "SET promoted 1\n")
        follow(one, replica)
        same(other, one)
        assert other.info("sync_partial_ok") == "1"
        assert other.info("master_replid2") == one.info("master_replid2") != "0" * 40


@pytest.mark.parametrize("first", ["redpoll", "valkey"])
def test_a_chain(first: str) -> None:
    """The servers of a chain have the same history and offsets.  Those below follow whoever is promoted."""
    second = "valkey" if first == "redpoll" else "redpoll"
    servers = [MAKERS[first](), MAKERS[second](), MAKERS[first](), MAKERS[second]()]
    with running(*servers) as clients:
        play(clients[0], FILL)
        for n in range(1, 4):
            follow(clients[n], servers[n - 1])
        play(clients[0], MORE)
        same(clients[0], *clients[1:])
        assert len({client.info("master_replid") for client in clients}) == 1
        clients[1]("REPLICAOF", "NO", "ONE")
        play(clients[1], "SET promoted 1\nSELECT 2\nSET two 2\n")
        until(lambda: clients[3].text("INFO", "keyspace").count(b"db2:") == 1, "the last one has it")
        same(clients[1], *clients[2:])
        assert len({client.info("master_replid") for client in clients[1:]}) == 1
        assert clients[2].info("sync_full") == "1"


@pytest.mark.parametrize(("above", "below"), PAIRS)
@pytest.mark.parametrize("end", ["primary", "replica"])
def test_a_broken_link_goes_on(above: str, below: str, end: str) -> None:
    primary, replica = MAKERS[above](), MAKERS[below]()
    with running(primary, replica) as (one, other):
        play(one, FILL)
        follow(other, primary)
        play(one, "SELECT 4\nSET four 4\n")
        same(one, other)
        if end == "primary":
            one("CLIENT", "KILL", "TYPE", "replica")
        else:
            other("CLIENT", "KILL", "TYPE", "master")
        play(one, "SET five 5\n")
        until(lambda: one.info("sync_partial_ok") == "1", "it went on")
        same(one, other)
        assert one.info("sync_full") == "1"


@pytest.mark.parametrize(("above", "below"), PAIRS)
def test_a_replica_beyond_the_ring_starts_anew(above: str, below: str) -> None:
    primary, replica = MAKERS[above]("--repl-backlog-size", "16384"), MAKERS[below]()
    with running(primary, replica) as (one, other):
        follow(other, primary)
        same(one, other)
        other("REPLICAOF", "NO", "ONE")
        for n in range(40):
            one("SET", f"k{n}", "x" * 2000)
        follow(other, primary)
        same(one, other)
        assert one.info("sync_full") == "2"


@pytest.mark.parametrize(("above", "below"), PAIRS)
@pytest.mark.parametrize("mode", ["on-empty-db", "swapdb", "flush-before-load"])
def test_loading_from_the_socket(above: str, below: str, mode: str) -> None:
    primary, replica = MAKERS[above](), MAKERS[below]("--repl-diskless-load", mode)
    with running(primary, replica) as (one, other):
        other("SET", "old", "data")
        if mode == "on-empty-db":
            other("FLUSHALL")
        one("DEBUG", "POPULATE", 20000, "many", 100)
        play(one, FILL)
        follow(other, primary)
        play(one, MORE)
        same(one, other)
        assert other("EXISTS", "old").integer == 0


@pytest.mark.parametrize(("above", "below"), PAIRS)
def test_a_snapshot_in_a_file(above: str, below: str) -> None:
    primary, replica = (
        MAKERS[above]("--repl-diskless-sync", "no", "--rdb-del-sync-files", "yes", "--save", ""),
        MAKERS[below](),
    )
    with running(primary, replica) as (one, other):
        play(one, FILL)
        follow(other, primary)
        play(one, MORE)
        same(one, other)
        until(lambda: not (primary.log.parent / "dump.rdb").exists(), "the file is removed")


@pytest.mark.parametrize(("above", "below"), PAIRS)
def test_writes_during_a_full_synchronisation(above: str, below: str) -> None:
    primary, replica = MAKERS[above](), MAKERS[below]()
    with running(primary, replica) as (one, other):
        one("DEBUG", "POPULATE", 50000, "many", 200)
        assert not other("REPLICAOF", "127.0.0.1", primary.port).is_error
        for n in range(2000):
            one("SET", f"many:{n * 7}", n)
            one("LPUSH", "list", n)
        until(lambda: other.info("master_link_status") == "up", "the link is up")
        same(one, other)


@pytest.mark.parametrize(("above", "below"), PAIRS)
def test_a_restarted_replica_goes_on(above: str, below: str) -> None:
    """It finds its place in the stream in its snapshot file."""
    primary, replica = MAKERS[above](), MAKERS[below]("--save", "3600 1")
    with running(primary) as (one,):
        try:
            replica.start()
            other = Client(replica)
            play(one, FILL + "SELECT 7\nSET seven 7\n")
            follow(other, primary)
            play(one, "INCR seven\n")
            same(one, other)
            assert other("SAVE").raw == b"+OK\r\n"
            other.close()
            replica.stop()
            play(one, "INCR seven\n")
            replica.options = (*replica.options, "--replicaof", f"127.0.0.1 {primary.port}", "--dbfilename", "dump.rdb")
            replica.start()
            other = Client(replica)
            until(lambda: other.info("master_link_status") == "up", "the link is up")
            same(one, other)
            assert one.info("sync_full") == "1"
            assert one.info("sync_partial_ok") == "1"
            other.close()
        finally:
            replica.close()


@pytest.mark.parametrize(("above", "below"), PAIRS)
def test_a_killed_primary_is_replaced(above: str, below: str) -> None:
    """After kill -9, the replica is promoted; nothing that WAIT has confirmed is lost."""
    primary, replica = MAKERS[above](), MAKERS[below]()
    with running(primary, replica) as (one, other):
        follow(other, primary)
        for n in range(100):
            one("SET", f"k{n}", n)
        assert one("WAIT", 1, 5000).integer == 1
        assert primary.process is not None
        primary.process.kill()
        until(lambda: other.info("master_link_status") == "down", "the link is down")
        assert other("REPLICAOF", "NO", "ONE").raw == b"+OK\r\n"
        assert other("DBSIZE").integer == 100
        assert other("SET", "new", "1").raw == b"+OK\r\n"


def test_read_only_and_stale_replicas() -> None:
    """The replies of a replica of either kind are the same."""
    primary = theirs()
    replicas = [theirs(), mine()]
    with running(primary, *replicas) as (one, *others):
        one("SET", "k", "v")
        for other in others:
            follow(other, primary)
        script = [
            ("SET", "k", "w"), ("GET", "k"), ("MULTI",), ("SET", "k", "w"), ("EXEC",), ("WAIT", 1, 1),
            ("WAITAOF", 0, 1, 1), ("FAILOVER",), ("REPLICAOF", "127.0.0.1", primary.port), ("PUBLISH", "c", "m"),
            ("CONFIG", "SET", "replica-serve-stale-data", "no"), ("GET", "k"), ("CLIENT", "CAPA", "redirect"),
            ("GET", "k"), ("READONLY",), ("GET", "k"), ("SET", "k", "v"), ("READWRITE",), ("PING",), ("CLIENT", "LIST", "TYPE", "replica"),
            ("PSYNC", "?", "-1", "FAILOVER"), ("REPLCONF", "a"), ("REPLCONF", "unknown", "1"), ("REPLCONF",),
            ("REPLICAOF", "a", "x"), ("FAILOVER", "ABORT"), ("RESTORE-ASKING", "q", 0, "x"),
        ]  # fmt: skip
        for line in script:
            left, right = (other(*line) for other in others)
            assert left.raw == right.raw, line
        for other in others:
            other("REPLICAOF", "127.0.0.1", 1)
        for line in [
            ("GET", "k"),
            ("PING",),
            ("SET", "k", "v"),
            ("MULTI",),
            ("EXEC",),
            ("INFO", "nothing"),
            ("SYNC",),
            ("PSYNC", "?", -1),
        ]:
            left, right = (other(*line) for other in others)
            assert left.raw == right.raw, line


def test_scripts_on_read_only_and_stale_replicas() -> None:
    primary = theirs()
    replicas = [theirs(), mine()]
    scripts = (
        "return 1",
        "return server.call('ping')",
        "#!lua flags=no-writes\nreturn 2",
        "#!lua\nreturn 3",
        "no script",
    )
    with running(primary, *replicas) as (_, *others):
        for other in others:
            follow(other, primary)
            other("SCRIPT", "LOAD", "return 5")
        for state in ("up", "stale"):
            for script in scripts:
                for line in (
                    ("EVAL", script, 0),
                    ("MULTI",),
                    ("EVALSHA", "4ca238f611c9d0ae4e9a75a5dbac22aedc379801", 0),
                    ("EVAL", script, 0),
                    ("EXEC",),
                ):
                    left, right = (other(*line) for other in others)
                    assert left.raw == right.raw, (state, line)
            for other in others:
                other("CONFIG", "SET", "replica-serve-stale-data", "no")
                other("REPLICAOF", "127.0.0.1", 1)


def test_expired_keys_of_a_replica() -> None:
    """A key past its time is hidden on a replica, but stays until the primary deletes it."""
    primary = theirs()
    replicas = [theirs(), mine()]
    with running(primary, *replicas) as (one, *others):
        for other in others:
            follow(other, primary)
        one("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        one("SET", "k", "v", "PX", 1)
        one("HSET", "h", "f", "v", "g", "w")
        one("HPEXPIRE", "h", 1, "FIELDS", 1, "f")
        until(lambda: all(other("EXISTS", "h").integer == 1 for other in others))
        for line in [("GET", "k"), ("TTL", "k"), ("EXISTS", "k"), ("TYPE", "k"), ("HGETALL", "h"), ("HGET", "h", "f")]:
            until(lambda line=line: others[0](*line).raw == others[1](*line).raw, str(line))  # type: ignore[misc]
        assert [other("DBSIZE").integer for other in others] == [2, 2]
        assert others[1]("GET", "k").text is None
        assert one("GET", "k").text is None
        until(lambda: all(other("DBSIZE").integer == 1 for other in others), "the deletion arrives")


def test_writable_replica() -> None:
    primary, replica = theirs(), mine("--replica-read-only", "no")
    with running(primary, replica) as (one, other):
        follow(other, primary)
        assert other("SET", "local", "1").raw == b"+OK\r\n"
        assert one("EXISTS", "local").integer == 0
        one("SET", "k", "v")
        same_offset = lambda: other.info("slave_repl_offset") == one.info("master_repl_offset")  # noqa: E731
        until(same_offset)
        assert other("GET", "k").text == b"v"


@pytest.mark.parametrize(("above", "below"), PAIRS)
def test_failover(above: str, below: str) -> None:
    primary, replica = MAKERS[above](), MAKERS[below]()
    with running(primary, replica) as (one, other):
        follow(other, primary)
        for n in range(50):
            one("SET", f"k{n}", n)
        until(lambda: "state=online" in one.text("INFO", "replication").decode())
        assert one("FAILOVER", "TO", "127.0.0.1", replica.port, "TIMEOUT", 20000).raw == b"+OK\r\n"
        until(lambda: one.info("role") == "slave" and one.info("master_failover_state") == "no-failover", "it is over")
        until(lambda: one.info("master_link_status") == "up", "the old primary follows")
        assert other.info("role") == "master"
        assert one("SET", "k", "v").raw.startswith(b"-READONLY")
        assert other("SET", "k", "v").raw == b"+OK\r\n"
        same(other, one)


def test_min_replicas() -> None:
    for server in (theirs("--min-replicas-to-write", "1"), mine("--min-replicas-to-write", "1")):
        replica = theirs()
        with running(server, replica) as (one, other):
            assert one("SET", "k", "v").raw == b"-NOREPLICAS Not enough good replicas to write.\r\n"
            assert one("GET", "k").text is None
            follow(other, server)
            until(lambda: one("SET", "k", "v").raw == b"+OK\r\n", "a replica is there")
            assert one.info("min_slaves_good_slaves") == "1"


def test_a_replica_that_reads_old_formats() -> None:
    """The format of the snapshot is that which the replica reads."""
    assert "replication-old-format" in difference_rows()
    server = mine()
    with running(server) as (one,):
        one("SET", "k", "v")
        for announced, magic in (
            (("capa", "eof", "version", "9.0.0"), b"VALKEY080"),
            (("capa", "eof", "version", "8.1.0"), b"REDIS0011"),
            (("capa", "eof"), b"REDIS0010"),
            (("capa", "psync2"), b"VALKEY080"),
        ):
            follower = Follower(server, *announced)
            follower.synchronise()
            assert follower.snapshot.startswith(magic)
            follower.close()


def test_primary_password() -> None:
    primary, replica = theirs("--requirepass", "secret"), mine("--primaryauth", "wrong")
    with running(primary, replica) as (one, other):
        one("AUTH", "secret")
        other("REPLICAOF", "127.0.0.1", primary.port)
        until(lambda: "refuses the password" in replica.log.read_text(), "it is refused")
        other("CONFIG", "SET", "primaryauth", "secret")
        until(lambda: other.info("master_link_status") == "up", "the link is up")
        other("CONFIG", "SET", "primaryuser", "default")
        other("CLIENT", "KILL", "TYPE", "master")
        until(lambda: other.info("master_link_status") == "up", "the link is up")


def test_shutdown_waits_for_replicas() -> None:
    """It waits until the replica has everything, and no longer than `shutdown-timeout`."""
    server = mine()
    with running(server) as (one,):
        follower = Follower(server)
        follower.synchronise()
        follower.come_online(one)
        one("SET", "k", "v")
        other = Client(server)
        one.wire.send(b"SHUTDOWN NOSAVE\r\n")
        until(lambda: other.info("shutdown_in_milliseconds") != "", "it waits")
        assert other.info("paused_reason") == "shutdown_in_progress"
        assert other("SHUTDOWN", "ABORT").raw == b"+OK\r\n"
        assert one.wire.read().raw.startswith(b"-ERR Errors trying to SHUTDOWN")
        assert one("SET", "k", "w").raw == b"+OK\r\n"
        one.wire.send(b"SHUTDOWN NOSAVE\r\n")
        until(lambda: other.info("shutdown_in_milliseconds") != "", "it waits")
        follower.acknowledge(int(other.info("master_repl_offset")))
        process = server.process
        assert process is not None
        until(lambda: process.poll() is not None, "it has ended")
        follower.close()
        other.close()


def test_a_second_connection_for_snapshots_is_refused() -> None:
    assert "replication-dual-channel" in difference_rows()
    server = mine()
    with running(server) as (one,):
        assert one("CONFIG", "SET", "dual-channel-replication-enabled", "yes").is_error


@pytest.mark.parametrize(("above", "below"), PAIRS)
def test_files_of_replicas(above: str, below: str) -> None:
    """WAITAOF counts replicas whose append-only files have the writes; the file of a replica has all data."""
    primary, replica = MAKERS[above]("--appendonly", "yes"), MAKERS[below]("--appendonly", "yes")
    with running(primary, replica) as (one, other):
        play(one, FILL)
        follow(other, primary)
        play(one, "SET k v\n")
        assert [item.integer for item in one("WAITAOF", 1, 1, 20000).items] == [1, 1]
        same(one, other)
        assert other("DEBUG", "LOADAOF").raw == b"+OK\r\n"
        assert other.text("DEBUG", "DIGEST") == one.text("DEBUG", "DIGEST")


LIBRARY = "#!lua name=lib\nredis.register_function('f', function() return redis.call('incr', 'calls') end)\n"


def file_is_complete(client: Client) -> bool:
    return client.info("aof_enabled") == "1" and client.info("aof_rewrite_in_progress") == "0"


@pytest.mark.parametrize("diskless", ["disabled", "on-empty-db", "swapdb", "flush-before-load"])
def test_the_file_of_a_replica_begins_with_the_data_and_the_functions_of_the_snapshot(diskless: str) -> None:
    """Also if the old data is served during the load, because the replica has the same history."""
    primary, replica = theirs(), mine("--appendonly", "yes", "--repl-diskless-load", diskless)
    with running(primary, replica) as (one, other):
        play(other, "SET old 1\n")
        play(one, FILL)
        follow(other, primary)
        one("FUNCTION", "LOAD", LIBRARY)
        for history in ("another", "the same"):
            full = one.info("sync_full")
            # The link breaks, and the backlog no longer has the place of the replica.
            other("REPLICAOF", *(("NO", "ONE") if history == "another" else ("127.0.0.1", 1)))
            one("CONFIG", "SET", "repl-backlog-size", "16kb")
            for n in range(3):
                one("SET", f"filler:{history}", f"{n}" * 20000)
            follow(other, primary)
            assert int(one.info("sync_full")) == int(full) + 1
            same(one, other)
            until(lambda: file_is_complete(other), "the rewrite")
            assert other("DEBUG", "LOADAOF").raw == b"+OK\r\n"
            assert other.text("DEBUG", "DIGEST") == one.text("DEBUG", "DIGEST")
            assert len(other("FUNCTION", "LIST").items) == 1


@pytest.mark.parametrize("kind", MAKERS)
def test_old_data_of_the_same_history_is_served_during_the_load(kind: str) -> None:
    primary, replica = theirs("--repl-backlog-size", "16kb"), MAKERS[kind]("--repl-diskless-load", "swapdb")
    with running(primary, replica) as (one, other):
        one("SET", "old", 1)
        follow(other, primary)
        if kind == "valkey":
            other("CONFIG", "SET", "loading-process-events-interval-bytes", 1024)
        other("REPLICAOF", "127.0.0.1", 1)
        one("SET", "old", 2)
        one("DEBUG", "POPULATE", 3000, "key", 2000)
        one("SET", "filler", "x" * 100000)
        one("CONFIG", "SET", "rdb-key-save-delay", 500)
        other("REPLICAOF", "127.0.0.1", primary.port)
        until(lambda: other.info("async_loading") == "1", "it loads")
        assert other.info("loading") == "0"
        assert other("GET", "old").text == b"1"
        # The append-only file cannot be switched in the middle of a load.
        assert other("CONFIG", "SET", "appendonly", "yes").raw.startswith(b"-LOADING ")
        until(lambda: other.info("async_loading") == "0", "it has loaded")
        same(one, other)
