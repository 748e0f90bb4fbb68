"""What the servers of a replication report: INFO, CLIENT LIST, events, MONITOR; and the tools of clients."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from functools import partial

import pytest
from tests.differential.links import Client, Follower, until
from tests.differential.servers import Server
from tests.differential.test_replication import follow, mine, running, same, theirs
from tests.differential.wire import ConnectionClosedError, encode

CLI = shutil.which("redis-cli") or shutil.which("valkey-cli")


def fields(client: Client, section: str = "replication") -> list[str]:
    """The names of the fields of a section, in order."""
    return re.findall(r"^(\w+):", client.text("INFO", section).decode(), re.MULTILINE)


def shape_of_replica(client: Client) -> str:
    """The line of the first replica without its numbers."""
    return re.sub(r"\d+", "N", client.info("slave0"))


def test_info_has_the_fields_of_the_reference() -> None:
    servers = [theirs(), mine()]
    replicas = [theirs(), mine()]
    with running(*servers, *replicas) as clients:
        one, ours, other, ours_below = clients
        assert fields(one) == fields(ours)
        follow(other, servers[0])
        follow(ours_below, servers[1])
        until(lambda: "state=online" in one.info("slave0"))
        until(lambda: "state=online" in ours.info("slave0"))
        assert fields(one) == fields(ours)
        assert fields(other) == fields(ours_below)
        assert shape_of_replica(one) == shape_of_replica(ours)
        for client in (one, ours):
            client("CONFIG", "SET", "min-replicas-to-write", 1)
        assert fields(one) == fields(ours)
        for client in (other, ours_below):
            client("REPLICAOF", "127.0.0.1", 1)
        assert fields(other) == fields(ours_below)
        for client in (other, ours_below):
            client("REPLICAOF", "NO", "ONE")
        assert fields(other) == fields(ours_below)


def flags(client: Client, kind: str) -> list[tuple[bytes, bytes]]:
    """Flags and databases of the clients of a type."""
    return re.findall(rb"flags=(\S+) capa=\S* db=(\d+)", client.text("CLIENT", "LIST", "TYPE", kind))


def test_client_list_and_kill() -> None:
    servers = [theirs(), mine()]
    replicas = [mine(), theirs()]
    with running(*servers, *replicas) as (one, ours, below_theirs, below_ours):
        follow(below_theirs, servers[0])
        follow(below_ours, servers[1])
        until(lambda: "state=online" in one.info("slave0"))
        until(lambda: "state=online" in ours.info("slave0"))
        for client in (one, ours):
            client("SELECT", 2)
            client("SET", "k", "v")
            client("WAIT", 1, 1000)
            client("SELECT", 0)
        for kind in ("replica", "slave", "normal", "pubsub", "master", "primary"):
            assert flags(one, kind) == flags(ours, kind), kind
            assert flags(below_ours, kind) == flags(below_theirs, kind), kind
        assert [client("CLIENT", "KILL", "TYPE", "slave").integer for client in (one, ours)] == [1, 1]
        # Replicas that come back count as clients until they have asked for the stream.
        until(lambda: one.info("connected_clients") == ours.info("connected_clients"), "the counts are equal")
        assert [client("CLIENT", "KILL", "TYPE", "master").integer for client in (below_ours, below_theirs)] in (
            [1, 1], [0, 1], [1, 0], [0, 0],
        )  # fmt: skip


def test_events_messages_and_monitor_on_a_replica() -> None:
    """A replica's clients get the events and messages of the stream, and MONITOR shows its commands."""
    primary = theirs()
    replicas = [theirs(), mine()]
    with running(primary, *replicas) as (one, *others):
        heard = []
        shown = []
        for other, server in zip(others, replicas, strict=True):
            follow(other, primary)
            other("CONFIG", "SET", "notify-keyspace-events", "KEA")
            ear = Client(server)
            ear("PSUBSCRIBE", "*")
            monitor = Client(server)
            monitor("MONITOR")
            heard.append(ear)
            shown.append(monitor)
        for line in ("SET k v", "EXPIRE k 100", "LPUSH l 1 2", "LPOP l", "DEL k", "PUBLISH c m", "SPOP nothing"):
            one(*line.split())
        until(lambda: all(other("EXISTS", "k").integer == 0 and other("LLEN", "l").integer == 1 for other in others))
        one("PUBLISH", "c", "end")
        stories = []
        for ear in heard:
            story = []
            while not story or b"end" not in story[-1]:
                story.append(ear.wire.read().raw)
            stories.append(story)
        assert stories[0] == stories[1]
        seen = []
        for monitor in shown:
            lines: list[bytes] = []
            while not lines or b'"end"' not in lines[-1]:
                line = monitor.wire.read().text or b""
                command = re.sub(rb"^[\d.]+ \[(\d+) [^\]]+\] ", rb"\1 ", line)
                if not re.search(rb"(?i)info|ping|exists|llen", command):
                    lines.append(re.sub(rb"\d{13}", rb"<time>", command))
            seen.append(lines)
        assert seen[0] == seen[1]
        for each in (*heard, *shown):
            each.close()


def test_a_slow_replica_is_closed() -> None:
    """`client-output-buffer-limit replica` counts the stream that a replica has not taken."""
    server = mine("--client-output-buffer-limit", "replica 1mb 0 0", "--repl-backlog-size", "100kb")
    with running(server) as (one,):
        follower = Follower(server)
        follower.synchronise()
        follower.come_online(one)
        for _ in range(400):
            one("SET", "k", "x" * 100_000)
            if one.info("connected_slaves") == "0":
                break
        until(lambda: one.info("connected_slaves") == "0", "it is closed")
        assert "overcoming of output buffer limits" in server.log.read_text()
        follower.close()


def test_a_silent_replica_is_closed() -> None:
    server = mine("--repl-timeout", "1")
    with running(server) as (one,):
        follower = Follower(server)
        follower.synchronise()
        follower.come_online(one)
        until(lambda: one.info("connected_slaves") == "0", "it is closed")
        with pytest.raises((ConnectionClosedError, ConnectionResetError)):
            while True:
                follower.command()
        follower.close()


def test_a_silent_primary_is_left() -> None:
    primary, replica = theirs(), mine("--repl-timeout", "1")
    with running(primary, replica) as (one, other):
        one("CONFIG", "SET", "repl-ping-replica-period", 100)
        follow(other, primary)
        until(lambda: "timeout" in replica.log.read_text(), "it is left")
        until(lambda: other.info("master_link_status") == "up", "and found again")


def test_pings_enter_the_stream() -> None:
    server = mine("--repl-ping-replica-period", "1")
    with running(server) as (one,):
        follower = Follower(server)
        follower.synchronise()
        follower.come_online(one)
        before = int(one.info("master_repl_offset"))
        until(lambda: int(one.info("master_repl_offset")) >= before + 14, "a ping")
        follower.close()


def test_config_rewrite_keeps_the_primary() -> None:
    primary, replica = theirs(), mine()
    with running(primary) as (one,):
        one("SET", "k", "v")
        path = replica.log.parent / "redpoll.conf"
        path.write_text("repl-diskless-load swapdb\n")
        replica.options = (*replica.options, "--repl-timeout", "33")

        class Configured(type(replica)):  # type: ignore[misc]
            def command(self) -> list[str]:
                words = super().command()
                at = words.index("server") + 1 if "server" in words else 1
                return [*words[:at], str(path), *words[at:]]

        replica.__class__ = Configured
        with running(replica) as (other,):
            follow(other, primary)
            assert other("CONFIG", "REWRITE").raw == b"+OK\r\n"
            assert f"replicaof 127.0.0.1 {primary.port}" in path.read_text()
            other("REPLICAOF", "NO", "ONE")
            assert other("CONFIG", "REWRITE").raw == b"+OK\r\n"
            assert "replicaof" not in path.read_text()


def test_the_source_address() -> None:
    primary, replica = theirs(), mine("--bind-source-addr", "127.0.0.2")
    with running(primary, replica) as (one, other):
        follow(other, primary)
        assert b"addr=127.0.0.2:" in one.text("CLIENT", "LIST", "TYPE", "replica")


def test_announced_address() -> None:
    primary, replica = theirs(), mine("--replica-announce-ip", "10.1.2.3", "--replica-announce-port", "77")
    ours = mine()
    with running(primary, replica, ours) as (one, other, third):
        follow(other, primary)
        assert one.info("slave0").startswith("ip=10.1.2.3,port=77,")
        follow(other, ours)
        assert third.info("slave0").startswith("ip=10.1.2.3,port=77,")
        assert [item.text for item in third("ROLE").items[2].items[0].items[:2]] == [b"10.1.2.3", b"77"]


@pytest.mark.skipif(CLI is None, reason="redis-cli is not installed")
def test_the_tools_of_clients(tmp_path: object) -> None:
    assert CLI is not None
    server = mine()
    with running(server) as (one,):
        one("SET", "tool", "hammer")
        path = server.log.parent / "tool.rdb"
        got = subprocess.run(
            [CLI, "-p", str(server.port), "--rdb", str(path)], capture_output=True, timeout=30, check=False
        )
        assert got.returncode == 0, got
        assert b"hammer" in path.read_bytes()
        shown = subprocess.Popen(
            [CLI, "-p", str(server.port), "--replica"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            until(lambda: "state=" in one.info("slave0"), "it is a replica")
            deadline = time.monotonic() + 20
            found = b""
            while b"wrench" not in found and time.monotonic() < deadline:
                one("SET", "tool", "wrench")
                assert shown.stdout is not None
                found += shown.stdout.readline()
            assert b"wrench" in found
        finally:
            shown.kill()
            shown.communicate()


def test_errors_of_the_stream_are_counted() -> None:
    """A command of the primary that fails here is logged and counted; the link stays."""
    primary, replica = theirs(), mine("--replica-read-only", "no")
    with running(primary, replica) as (one, other):
        follow(other, primary)
        other("SET", "k", "text")
        one("LPUSH", "k", 1)
        until(lambda: other.info("unexpected_error_replies") == "1", "it is counted")
        assert "== CRITICAL ==" in replica.log.read_text()
        one("SET", "k", "again")
        same(one, other)


CRITICAL = re.compile(r"== CRITICAL ==.*")


def failures(server: Server) -> list[str]:
    """The lines of the log about failed commands."""
    return CRITICAL.findall(server.log.read_text(errors="replace"))


@pytest.mark.parametrize("read_only", ["yes", "no"])
@pytest.mark.parametrize("behavior", ["ignore", "panic", "panic-on-replicas"])
def test_what_a_failed_command_of_the_primary_does(behavior: str, read_only: str) -> None:
    primary = theirs()
    replicas = [make("--replica-read-only", "no", "--propagation-error-behavior", behavior) for make in (theirs, mine)]
    lives = behavior == "ignore" or read_only == "no"
    with running(primary, *replicas) as (one, *others):
        for other in others:
            follow(other, primary)
            other("SET", "k", "text")
            other("CONFIG", "SET", "replica-read-only", read_only)
        one("LPUSH", "k", 1)
        until(lambda: all(failures(replica) for replica in replicas), "both log it")
        if lives:
            assert [other.text("PING") for other in others] == [b"PONG", b"PONG"]
        else:
            until(lambda: all(is_over(replica) for replica in replicas), "both end")
        assert failures(replicas[0]) == failures(replicas[1])
        assert [status(replica) for replica in replicas] == ([None, None] if lives else [-6, -6])


def status(server: Server) -> int | None:
    """The exit status; None while it runs.  SIGABRT if Valkey meets SIGSEGV in its own report of the crash."""
    assert server.process is not None
    found = server.process.poll()
    return -6 if server.name == "valkey" and found == -11 else found


def is_over(server: Server) -> bool:
    return server.process is not None and server.process.poll() is not None


@pytest.mark.parametrize("behavior", ["ignore", "panic", "panic-on-replicas"])
def test_what_a_failed_command_of_the_append_only_file_does(behavior: str) -> None:
    found = []
    for server in (theirs("--appendonly", "yes"), mine("--appendonly", "yes")):
        with running(server) as (one,):
            one("CONFIG", "SET", "propagation-error-behavior", behavior)
            one("SET", "k", "text")
            (path,) = (server.log.parent / "appendonlydir").glob("*.incr.aof")
            with path.open("ab") as file:
                file.write(encode(("LPUSH", "k", "1")))
            try:
                found.append((one("DEBUG", "LOADAOF").raw, one.info("unexpected_error_replies")))
            except (ConnectionClosedError, ConnectionResetError):
                until(partial(is_over, server), "it ends")
                found.append((status(server), failures(server)))
    assert found[0] == found[1]


def test_the_log_has_the_role() -> None:
    """`M` or `S` in front of the lines about a change of the role."""
    primary = theirs()
    replicas = [theirs(), mine()]
    with running(primary, *replicas) as (_, *others):
        for other in others:
            follow(other, primary)
            other("REPLICAOF", "NO", "ONE")
        found = []
        for server in replicas:
            lines = server.log.read_text(errors="replace")
            found.append(
                [
                    re.findall(pattern, lines)
                    for pattern in (r":(\w) .* REPLICAOF 127.0.0.1:\d+ enabled", r":(\w) .* PRIMARY MODE enabled")
                ]
            )
        assert found[0] == found[1] == [["S"], ["M"]]
