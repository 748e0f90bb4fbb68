"""Who is let in, who is ended, and when."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.net.bench import Bench, Client

from redpoll.client.store import Store
from redpoll.engine.command import CATALOGUE, Command
from redpoll.engine.session import Session
from redpoll.engine.settings import OutputLimit
from redpoll.env.clock import VirtualClock
from redpoll.errors import CommandError


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def limit_output(bench: Bench, hard: int = 0, soft: int = 0, seconds: int = 0) -> None:
    bench.engine.options.output_limits[0] = OutputLimit(hard, soft, seconds)


def backlog(bench: Bench) -> int:
    return sum(connection.backlog_bytes for connection in bench.clients.open.values())


# ---- who is let in


def test_one_client_too_many_is_told_so(bench: Bench) -> None:
    bench.engine.options.maxclients = 2
    first, _second = bench.connect(), bench.connect()
    assert bench.connect().ends() == b"-ERR max number of clients reached\r\n"
    assert bench.engine.traffic.rejected_connections == 1
    first.sock.close()
    bench.until(lambda: len(bench.clients.open) == 1)
    assert bench.connect().asks("PING") == b"+PONG\r\n"


class Foreigner(socket.socket):
    """The server's end of a connection from elsewhere."""

    def getpeername(self) -> tuple[str, int]:
        return ("203.0.113.5", 40000)


def foreign(bench: Bench) -> Client:
    client, server = bench.pair()
    bench.clients.accepted(Foreigner(fileno=server.detach()))
    return Client(bench, client)


def test_protected_mode_lets_nobody_in_from_elsewhere(bench: Bench) -> None:
    told = foreign(bench).ends()
    assert told.startswith(b"-DENIED Running in protected mode because protected mode is enabled and no password is")
    assert told.endswith(b"in order for the server to start accepting connections from the outside.\r\n")
    assert len(bench.engine.sessions) == 0
    assert (bench.engine.traffic.connections, bench.engine.traffic.rejected_connections) == (0, 1)
    assert bench.connect().asks("PING") == b"+PONG\r\n"


def test_a_password_or_a_setting_opens_the_door(bench: Bench) -> None:
    bench.engine.require_password(b"secret")
    assert foreign(bench).asks("PING") == b"-NOAUTH Authentication required.\r\n"
    bench.engine.require_password(b"")
    bench.engine.options.protected_mode = False
    assert foreign(bench).asks("PING") == b"+PONG\r\n"


def test_keep_alive_is_set(bench: Bench) -> None:
    bench.engine.options.tcp_keepalive = 90
    bench.connect()
    bench.engine.options.tcp_keepalive = 0
    bench.connect()
    kept, plain = (connection.sock for connection in bench.clients.open.values())
    assert kept.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert kept.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 90
    assert kept.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 30
    assert not plain.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_passwords_that_change_leave_in_who_is_in(bench: Bench) -> None:
    before = bench.connect()
    bench.engine.require_password(b"one")
    assert before.asks("PING") == b"+PONG\r\n"
    outside = bench.connect()
    assert outside.asks("PING").startswith(b"-NOAUTH")
    bench.engine.require_password(b"")
    assert outside.asks("PING") == b"+PONG\r\n"
    bench.engine.require_password(b"two")
    assert outside.asks("PING").startswith(b"-NOAUTH")
    assert outside.asks("AUTH", "one").startswith(b"-WRONGPASS")
    assert outside.asks("AUTH", "two") == b"+OK\r\n"
    bench.engine.require_password(b"three")
    assert outside.asks("PING") == b"+PONG\r\n"
    assert outside.asks("RESET") == b"+RESET\r\n"
    assert outside.asks("PING").startswith(b"-NOAUTH")


def test_the_unauthenticated_send_little(bench: Bench) -> None:
    bench.engine.require_password(b"secret")
    many, long = bench.connect(), bench.connect()
    many.send(*["x"] * 11)
    assert many.ends() == b"-ERR Protocol error: unauthenticated multibulk length\r\n"
    long.send("AUTH", "x" * 16385)
    assert long.ends() == b"-ERR Protocol error: unauthenticated bulk length\r\n"
    assert len(bench.logged("Protocol error (unauthenticated bulk length) from client: id=")) == 1
    bench.engine.require_password(b"")
    free = bench.connect()
    free.send("PING", "x" * 16385)
    free.reads(b"$16385\r\n" + b"x" * 16385 + b"\r\n")


@pytest.mark.parametrize("line", [b"POST / HTTP/1.1\r\n", b"host: localhost\r\n", b"*1\r\n$4\r\nPOST\r\n"])
def test_browsers_are_hung_up_on(bench: Bench, line: bytes) -> None:
    bench.engine.require_password(b"secret")
    attacker = bench.connect()
    attacker.send_bytes(line + b"PING\r\n")
    assert attacker.ends() == b""
    assert len(bench.engine.sessions) == 0


# ---- who is ended


def test_idle_clients_are_ended_and_others_are_not(bench: Bench) -> None:
    idle, busy, waiting, monitor = (bench.connect() for _ in range(4))
    waiting.send("BZPOPMIN", "z", "0")
    assert monitor.asks("MONITOR") == b"+OK\r\n"
    bench.settle()
    bench.engine.options.timeout = 60
    bench.pass_ms(59_000)
    assert busy.asks("PING") == b"+PONG\r\n"
    bench.pass_ms(2_000)
    assert idle.ends() == b""
    bench.settle()
    assert len(bench.clients.open) == 3
    assert len(bench.logged("Closing idle client")) == 1
    bench.engine.options.timeout = 0
    bench.pass_ms(3_600_000)
    assert len(bench.clients.open) == 3


def test_a_client_that_never_reads_meets_the_hard_limit(bench: Bench) -> None:
    client = bench.connect(4096)
    client.send("SET", "k", b"x" * 10_000)
    client.reads(b"+OK\r\n")
    limit_output(bench, hard=1_000_000)
    most = 0
    for _ in range(4000):
        client.send("GET", "k")
        bench.reactor.run_once(0)
        most = max(most, backlog(bench))
        if len(bench.clients.open) == 0:
            break
    assert len(bench.clients.open) == 0
    assert most < 1_000_000
    assert bench.engine.traffic.output_limit_closes == 1
    line = bench.logged("overcoming of output buffer limits.")[0]
    assert " # Client id=3 addr=127.0.0.1:" in line and " name=*redacted* " in line
    assert line.endswith(" scheduled to be closed ASAP for overcoming of output buffer limits.")


def test_one_read_full_of_large_replies_meets_it_too(bench: Bench) -> None:
    client = bench.connect(4096)
    client.send("SET", "k", b"x" * 1_000_000)
    client.reads(b"+OK\r\n")
    limit_output(bench, hard=20_000_000)
    client.send_bytes(b"GET k\r\n" * 1000 + b"SET after 1\r\n")
    bench.until(lambda: len(bench.clients.open) == 0)
    assert bench.connect().asks("EXISTS", "after") == b":0\r\n"


def test_who_reads_is_not_held_to_it(bench: Bench) -> None:
    client = bench.connect()
    client.send("SET", "k", b"x" * 100_000)
    client.reads(b"+OK\r\n")
    limit_output(bench, hard=3_000_000, soft=1_000_000, seconds=1)
    for _ in range(100):
        client.send("GET", "k")
        client.reads(b"$100000\r\n" + b"x" * 100_000 + b"\r\n")
        bench.pass_ms(1000)


def test_the_soft_limit_takes_its_seconds(bench: Bench) -> None:
    client = bench.connect(4096)
    client.send("SET", "k", b"x" * 1_000_000)
    client.reads(b"+OK\r\n")
    limit_output(bench, soft=2_000_000, seconds=10)
    client.send_bytes(b"GET k\r\n" * 5)
    bench.until(lambda: backlog(bench) > 3_000_000)
    bench.pass_ms(10_000)
    assert len(bench.clients.open) == 1
    bench.pass_ms(1_000)
    assert len(bench.clients.open) == 0
    assert bench.logged("closed for overcoming of output buffer limits.")


def test_the_largest_buffers_are_remembered_for_some_seconds(bench: Bench) -> None:
    def shown() -> list[int]:
        found = bench.connect().asks("INFO", "clients")
        return [int(size) for size in re.findall(rb"client_recent_max_\w+_buffer:(\d+)", found)]

    slow, reader = bench.connect(), bench.connect(receive_bytes=4096)
    assert shown() == [0, 0]
    reader.asks("SET", "k", b"x" * 1_000_000)
    slow.send_bytes(b"*2\r\n$4\r\nECHO\r\n$100000\r\n" + b"x" * 1000)
    reader.send("GET", "k")
    bench.until(lambda: backlog(bench) > 0)
    bench.pass_ms(1000)
    largest_request, largest_reply = shown()
    assert 1000 <= largest_request < 1100
    assert 100_000 < largest_reply < 1_000_020
    slow.sock.close()
    reader.sock.close()
    bench.until(lambda: backlog(bench) == 0)
    for _ in range(7):
        bench.pass_ms(1000)
        assert shown() == [largest_request, largest_reply]
    bench.pass_ms(1000)
    assert shown() == [0, 0]


def test_reading_in_between_starts_the_soft_limits_seconds_anew(bench: Bench) -> None:
    client = bench.connect(4096)
    client.send("SET", "k", b"x" * 1_000_000)
    client.reads(b"+OK\r\n")
    limit_output(bench, soft=2_000_000, seconds=10)
    reply = b"$1000000\r\n" + b"x" * 1_000_000 + b"\r\n"
    for _ in range(3):
        client.send_bytes(b"GET k\r\n" * 5)
        bench.until(lambda: backlog(bench) > 3_000_000)
        bench.pass_ms(8_000)
        client.reads(reply * 5)
        bench.pass_ms(1_000)
    assert len(bench.clients.open) == 1


def test_a_monitor_that_never_reads_is_ended_and_nobody_else(bench: Bench) -> None:
    monitor, other = bench.connect(4096), bench.connect()
    assert monitor.asks("MONITOR") == b"+OK\r\n"
    limit_output(bench, hard=200_000)
    for _ in range(2000):
        assert other.asks("PING") == b"+PONG\r\n"
        if len(bench.clients.open) == 1:
            break
        other.send("ECHO", b"x" * 1000)
        other.reads(b"$1000\r\n" + b"x" * 1000 + b"\r\n")
    assert len(bench.clients.open) == 1
    assert len(bench.engine.monitors.sessions) == 0


def test_a_slow_reader_gets_every_byte(bench: Bench) -> None:
    client = bench.connect(4096)
    expected = []
    for size in [0, 1, 100, 70_000, 5, 16_384, 16_383, 3, 300_000] * 20:
        client.send("ECHO", b"a" * size)
        expected.append(b"$%d\r\n%b\r\n" % (size, b"a" * size))
    bench.until(lambda: backlog(bench) > 1_000_000)
    whole = b"".join(expected)
    while len(client.got) < len(whole):
        bench.reactor.run_once(1)
        try:
            client.got += client.sock.recv(5000)
        except BlockingIOError:
            continue
    assert client.got == whole
    bench.settle()
    assert backlog(bench) == 0


def test_many_small_pieces_leave_in_order(bench: Bench) -> None:
    client = bench.connect(4096)
    client.send("SET", "k", b"x" * 300_000)
    client.reads(b"+OK\r\n")
    client.send("GET", "k")
    bench.until(lambda: backlog(bench) > 100_000)
    for number in range(2000):
        client.send("ECHO", number)
        bench.reactor.run_once(0)
    bench.settle()
    client.reads(
        b"$300000\r\n"
        + b"x" * 300_000
        + b"\r\n"
        + b"".join(b"$%d\r\n%d\r\n" % (len(str(number)), number) for number in range(2000))
    )


def test_a_request_that_is_too_long_ends_its_client(bench: Bench) -> None:
    bench.engine.options.client_query_buffer_limit = 1_000_000
    client = bench.connect()
    client.send_bytes(b"*2\r\n$4\r\nECHO\r\n$2000000\r\n" + b"x" * 1_999_999)
    assert client.ends() == b""
    assert bench.engine.traffic.query_limit_closes == 1
    assert len(bench.logged("# Closing client that reached max query buffer length: id=3 addr=127.0.0.1:")) == 1


def test_a_client_that_waits_may_send_only_so_much(bench: Bench) -> None:
    bench.engine.options.client_query_buffer_limit = 1_000_000
    client = bench.connect()
    client.send("BZPOPMIN", "z", "0")
    client.send_bytes(b"PING\r\n" * 200_000)
    assert client.ends() == b""


def test_who_is_closing_gets_the_rest_and_is_not_heard(bench: Bench) -> None:
    client = bench.connect(4096)
    client.send("SET", "k", b"x" * 1_000_000)
    client.reads(b"+OK\r\n")
    client.send_bytes(b"GET k\r\nQUIT\r\nSET k after\r\n")
    bench.until(lambda: backlog(bench) > 100_000)
    client.send_bytes(b"SET k later\r\n" * 1000)
    bench.settle()
    assert bench.connect().asks("STRLEN", "k") == b":1000000\r\n"
    held = sum(connection.parser.pending_bytes() for connection in bench.clients.open.values())
    assert held < 100
    assert client.ends() == b"$1000000\r\n" + b"x" * 1_000_000 + b"\r\n+OK\r\n"


def test_half_closed_clients_are_ended(bench: Bench) -> None:
    client = bench.connect()
    client.send_bytes(b"PING\r\n*2\r\n$4\r\nECHO\r\n$10\r\nabc")
    client.sock.shutdown(socket.SHUT_WR)
    assert client.ends() == b"+PONG\r\n"
    bench.until(lambda: len(bench.clients.open) == 0)


# ---- pauses


def test_a_pause_ends_at_its_time(bench: Bench) -> None:
    writer, reader = bench.connect(), bench.connect()
    assert reader.asks("CLIENT", "PAUSE", "5000", "WRITE") == b"+OK\r\n"
    writer.send_bytes(b"SET k 1\r\nGET k\r\n")
    assert reader.asks("GET", "k") == b"$-1\r\n"
    bench.pass_ms(4_999)
    assert writer.is_silent()
    bench.pass_ms(1)
    writer.reads(b"+OK\r\n$1\r\n1\r\n")
    assert bench.engine.pause.actions() == b"none"


def test_nobody_who_is_paused_is_idle(bench: Bench) -> None:
    bench.engine.options.timeout = 10
    client = bench.connect()
    assert client.asks("CLIENT", "PAUSE", "60000") == b"+OK\r\n"
    client.send("PING")
    bench.settle()
    bench.pass_ms(30_000)
    assert client.is_silent()
    bench.pass_ms(30_000)
    client.reads(b"+PONG\r\n")


def test_keys_outlive_a_pause_unseen(bench: Bench) -> None:
    client = bench.connect()
    assert client.asks("SET", "k", "v", "PX", "1000") == b"+OK\r\n"
    assert client.asks("CLIENT", "PAUSE", "60000", "WRITE") == b"+OK\r\n"
    bench.pass_ms(30_000)
    assert client.asks("EXISTS", "k") == b":0\r\n"
    assert client.asks("DBSIZE") == b":1\r\n"
    bench.pass_ms(30_000)
    assert client.asks("DBSIZE") == b":0\r\n"


def test_a_paused_client_that_leaves_is_forgotten(bench: Bench) -> None:
    client, other = bench.connect(), bench.connect()
    assert other.asks("CLIENT", "PAUSE", "60000", "WRITE") == b"+OK\r\n"
    client.send("SET", "k", "v")
    bench.settle()
    assert len(bench.engine.pause.waiting) == 1
    client.sock.close()
    bench.until(lambda: len(bench.clients.open) == 1)
    assert len(bench.engine.pause.waiting) == 0
    assert other.asks("CLIENT", "UNPAUSE") == b"+OK\r\n"
    assert other.asks("EXISTS", "k") == b":0\r\n"


# ---- Unix sockets, MONITOR, calls in process


def test_clients_of_a_unix_socket(bench: Bench, tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    server, _ = listener.accept()
    server.setblocking(False)
    sock.setblocking(False)
    bench.sockets.extend((listener, sock))
    bench.clients.accepted(server)
    client, monitor = Client(bench, sock), bench.connect()
    told = client.asks("CLIENT", "INFO")
    assert f" addr=[{path}:0]:0 laddr=[{path}:0]:0 ".encode() in told
    assert b" flags=U " in told
    assert monitor.asks("MONITOR") == b"+OK\r\n"
    assert client.asks("PING") == b"+PONG\r\n"
    monitor.reads(f'+1700000000.000000 [0 unix:{path}] "PING"\r\n'.encode())


def test_a_monitor_costs_nothing_once_it_has_gone(bench: Bench) -> None:
    before = bench.engine.gates
    monitor, other = bench.connect(), bench.connect()
    assert monitor.asks("MONITOR") == b"+OK\r\n"
    assert bench.engine.gates != before
    monitor.sock.close()
    bench.until(lambda: len(bench.clients.open) == 1)
    assert bench.engine.gates == before
    assert other.asks("PING") == b"+PONG\r\n"


def test_what_a_monitor_does_itself_follows_its_reply(bench: Bench) -> None:
    monitor = bench.connect()
    assert monitor.asks("MONITOR") == b"+OK\r\n"
    line = b'+1700000000.000000 [0 %b] "PING"\r\n' % b"%b:%d" % (b"127.0.0.1", monitor.sock.getsockname()[1])
    monitor.send_bytes(b"PING\r\nPING\r\n")
    monitor.reads((b"+PONG\r\n" + line) * 2)


def test_who_does_not_touch_leaves_the_clock_alone(bench: Bench) -> None:
    client = bench.connect()
    assert client.asks("SET", "k", "v") == b"+OK\r\n"
    assert client.asks("CLIENT", "NO-TOUCH", "ON") == b"+OK\r\n"
    bench.pass_ms(60_000)
    client.send_bytes(b"GET k\r\nMULTI\r\nGET k\r\nEXEC\r\nOBJECT IDLETIME k\r\n")
    client.reads(b"$1\r\nv\r\n+OK\r\n+QUEUED\r\n*1\r\n$1\r\nv\r\n:60\r\n")
    client.send_bytes(b"MULTI\r\nTOUCH k\r\nEXEC\r\nOBJECT IDLETIME k\r\n")
    client.reads(b"+OK\r\n+QUEUED\r\n*1\r\n:1\r\n:0\r\n")
    bench.pass_ms(60_000)
    assert client.asks("CLIENT", "NO-TOUCH", "OFF") == b"+OK\r\n"
    client.send_bytes(b"GET k\r\nOBJECT IDLETIME k\r\n")
    client.reads(b"$1\r\nv\r\n:0\r\n")


def test_a_call_in_process_is_neither_held_up_nor_silenced() -> None:
    store = Store(VirtualClock())
    assert store.execute("CLIENT", "PAUSE", 60_000) == b"OK"
    assert store.execute("SET", "k", "v") == b"OK"
    for words in (("CLIENT", "REPLY", "OFF"), ("CLIENT", "REPLY", "SKIP"), ("MONITOR",)):
        with pytest.raises(CommandError):
            store.execute(*words)
    assert store.execute("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no") == 0
    assert store.execute("GET", "k") == b"v"


def test_in_process_nobody_is_hung_up_on() -> None:
    store = Store(VirtualClock())
    with pytest.raises(CommandError, match="unknown command 'POST'"):
        store.execute("POST", "/")


def test_a_large_piece_is_sent_without_being_copied_again_and_again(bench: Bench) -> None:
    client = bench.connect(4096)
    client.send("SET", "k", b"x" * 3_000_000)
    client.reads(b"+OK\r\n")
    client.send("GET", "k")
    client.send("GET", "k")
    bench.until(lambda: backlog(bench) > 3_000_000)
    connection = next(iter(bench.clients.open.values()))
    value = bench.engine.databases[0].string(b"k")
    assert any(piece is value for piece in connection.backlog)
    answer = b"$3000000\r\n" + b"x" * 3_000_000 + b"\r\n"
    client.reads(answer + answer)
    bench.settle()
    assert connection.backlog == []
    assert connection.sent == bench.engine.traffic.sent == len(b"+OK\r\n") + 2 * len(answer)


def test_what_silent_clients_send_counts_for_the_rate_too(bench: Bench) -> None:
    client = bench.connect()
    client.send("CLIENT", "REPLY", "OFF")
    for _ in range(10):
        client.send("PING")
    client.send("CLIENT", "REPLY", "ON")
    client.reads(b"+OK\r\n")
    assert bench.engine.traffic.commands == 12


def test_who_is_leaving_is_told_nothing_more(bench: Bench) -> None:
    monitor = bench.connect()
    assert monitor.asks("MONITOR") == b"+OK\r\n"
    monitor.send("QUIT")
    assert monitor.ends() == b"+OK\r\n"


def test_a_monitor_sees_no_password_of_a_renamed_command(bench: Bench) -> None:
    commands = bench.engine.commands
    commands[b"letmein"] = commands.pop(b"auth")
    monitor, other = bench.connect(), bench.connect()
    assert monitor.asks("MONITOR") == b"+OK\r\n"
    other.send("letmein", "default", "secret")
    bench.until(lambda: monitor.take() and monitor.got.endswith(b"\r\n"))
    assert monitor.got.endswith(b'] "letmein" "(redacted)" "(redacted)"\r\n')


def test_a_large_request_behind_one_that_waits_is_logged(bench: Bench) -> None:
    bench.engine.outliers.large_requests.threshold = 1000
    bench.engine.outliers.large_requests.max_len = 10
    bench.engine.outliers.update_thresholds()
    waiting, other = bench.connect(), bench.connect()
    waiting.send("BZPOPMIN", "z", 0)
    waiting.send("SET", "k", b"x" * 5000)
    bench.settle()
    assert other.asks("ZADD", "z", "1", "a") == b":1\r\n"
    waiting.reads(b"*3\r\n$1\r\nz\r\n$1\r\na\r\n$1\r\n1\r\n+OK\r\n")
    assert [entry.args[0] for entry in bench.engine.outliers.large_requests.entries] == [b"SET"]
    assert not bench.engine.outliers.weighing


def test_only_who_can_be_served_is_tried(bench: Bench) -> None:
    popping = CATALOGUE[b"bzpopmin"]
    tried = []

    def counted(session: Session, args: list[bytes]) -> object:
        tried.append(session)
        return popping.handler.run(session, args)

    # Tries go by the name in lower case.
    bench.engine.commands[b"bzpopmin"] = Command(popping.spec, counted, popping.index)
    workers = [bench.connect() for _ in range(5)]
    for worker in workers:
        worker.send("BZPOPMIN", "z", 0)
    bench.settle()
    other = bench.connect()
    assert other.asks("ZADD", "z", "1", "a") == b":1\r\n"
    workers[0].reads(b"*3\r\n$1\r\nz\r\n$1\r\na\r\n$1\r\n1\r\n")
    assert len(tried) == 1


def test_a_killed_client_loses_what_it_had_still_to_run(bench: Bench) -> None:
    victim, killer = bench.connect(), bench.connect()
    assert victim.asks("WATCH", "k") == b"+OK\r\n"
    victim.send_bytes(b"BZPOPMIN z 0\r\nSET k after\r\n")
    bench.settle()
    number = min(bench.engine.sessions)
    assert killer.asks("CLIENT", "KILL", "ID", number) == b":1\r\n"
    assert victim.ends() == b""
    assert killer.asks("ZADD", "z", "1", "a") == b":1\r\n"
    assert killer.asks("EXISTS", "k") == b":0\r\n"
    assert bench.engine.blocking.queues == bench.engine.interest.watchers == {}
