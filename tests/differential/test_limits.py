"""What ends a connection: limits of requests and replies, too many clients, idleness, passwords, browsers."""

from __future__ import annotations

import re
import socket
import time

from tests.differential.pair import Pair, difference_rows
from tests.differential.wire import ConnectionClosedError, Wire, encode


def closes(wire: Wire) -> bytes:
    """What comes until the server closes, whether it says goodbye or resets."""
    wire.socket.settimeout(5)
    return wire.read_until_closed()


def statistic(pair: Pair, name: bytes) -> list[int]:
    """A number of INFO of both servers."""
    found = []
    for reply in pair.both("INFO", "stats"):
        lines = [line for line in (reply.text or b"").split(b"\r\n") if line.startswith(name + b":")]
        assert lines, f"INFO has no {name.decode()}"
        found.append(int(lines[0].partition(b":")[2]))
    return found


def test_too_many_clients(pair: Pair) -> None:
    counted = [int((reply.text or b"").count(b"\n")) for reply in pair.both("CLIENT", "LIST")]
    assert counted == [1, 1]
    pair.do("CONFIG", "RESETSTAT")
    with pair.config("maxclients", "2"):
        pair.second()
        for server in pair.servers:
            wire = Wire(server.port)
            assert closes(wire) == b"-ERR max number of clients reached\r\n"
            wire.close()
        # Who was turned away has not been received.
        for reply in pair.both("INFO", "stats"):
            counts = re.findall(rb"(?:total_connections_received|rejected_connections):(\d+)", reply.text or b"")
            assert counts == [b"1", b"1"]
    pair.second().do("PING")


def test_a_request_that_is_too_long(pair: Pair) -> None:
    other = pair.second()
    with pair.config("client-query-buffer-limit", "1048576"):
        for wire in (other.theirs, other.ours):
            try:
                wire.send(b"*2\r\n$4\r\nECHO\r\n$2000000\r\n" + b"x" * 1_900_000)
            except (BrokenPipeError, ConnectionResetError):
                pass
            assert closes(wire) == b""
    pair.do("PING")


def test_long_arguments(pair: Pair) -> None:
    with pair.config("proto-max-bulk-len", "1048576"):
        pair.do("ECHO", b"x" * 1_048_576)
        pair.second().raw(b"*2\r\n$4\r\nECHO\r\n$1048577\r\n", closes=True)
    pair.do("ECHO", b"x" * 1_048_577)


def test_a_client_that_does_not_read(pair: Pair) -> None:
    pair.do("SET", "k", b"x" * 10_000)
    with pair.config("client-output-buffer-limit", "normal 1000000 0 0"):
        for server in pair.servers:
            wire = Wire(server.port)
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            flood(wire, encode(("GET", "k")) * 100)
            wire.close()
    pair.do("PING")


def flood(wire: Wire, data: bytes) -> None:
    """Send until the server has hung up."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            wire.send(data)
        except (BrokenPipeError, ConnectionResetError):
            return
    raise AssertionError("the server goes on with a client that does not read")


def test_idle_clients(pair: Pair) -> None:
    idle, waiting, monitor = pair.second(), pair.second(), pair.second()
    waiting.send("BZPOPMIN", "z", "0")
    monitor.do("MONITOR")
    with pair.config("timeout", "1"):
        for wire in (idle.theirs, idle.ours):
            while wire_is_open(wire):
                pair.both("PING")
                time.sleep(0.05)
    pair.do("ZADD", "z", "1", "a")
    waiting.read()
    for wire in (monitor.theirs, monitor.ours):
        assert wire_is_open(wire)


def wire_is_open(wire: Wire) -> bool:
    wire.socket.settimeout(0.001)
    try:
        return wire.socket.recv(1, socket.MSG_PEEK) != b""
    except TimeoutError:
        return True
    except ConnectionResetError:
        return False
    finally:
        wire.socket.settimeout(5)


def test_passwords_change_while_clients_are_connected(pair: Pair) -> None:
    before = pair.second(2)
    # Accepted for certain, not only connected.
    before.do("PING")
    try:
        pair.do("CONFIG", "SET", "requirepass", "one")
        outside = pair.second(2)
        for each in (pair, before, outside):
            each.do("PING")
        for line in ("CLIENT ID", "NOSUCH", "GET", "HELLO 3", "RESET", "QUITE", "MULTI", "EXEC", "AUTH", "AUTH a b c"):
            outside.do(*line.split())
        outside.raw(encode(("PING",) * 11), closes=True)
        pair.second(2).raw(encode(("AUTH", "x" * 16385)), closes=True)
        outside = pair.second(2)
        outside.play("AUTH two\nAUTH default two\nAUTH nobody one\nPING")
        pair.do("CONFIG", "SET", "requirepass", "")
        outside.play("PING\nAUTH one\nAUTH default anything\nRESET")
        late = pair.second(2)
        pair.do("CONFIG", "SET", "requirepass", "two")
        for each in (late, outside, before):
            each.do("PING")
        outside.play("AUTH two\nPING\nRESET\nPING\nAUTH default two\nPING")
        pair.both("HELLO", "2", "AUTH", "default", "two")
        pair.do("PING")
    finally:
        for wire in (pair.theirs, pair.ours):
            wire.send(encode(("AUTH", "two")) + encode(("CONFIG", "SET", "requirepass", "")))
            wire.read()
            wire.read()


def test_browsers(pair: Pair) -> None:
    for data in (
        b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"Host: x\r\nPING\r\n",
        encode(("post",)) + encode(("PING",)),
        encode(("HOST:", "x")),
        encode(("MULTI",)),
    ):
        other = pair.second()
        if data == encode(("MULTI",)):
            other.do("MULTI")
            data = encode(("POST",))
        assert other.raw(data, closes=True) == b""
    pair.second().raw(b"GET / HTTP/1.1\r\n")


def test_only_what_is_left_unread_counts(pair: Pair) -> None:
    assert "output-limit-unsent" in difference_rows()
    pair.do("SET", "k", b"x" * 10_000)
    with pair.config("client-output-buffer-limit", "normal 1100000 0 0"):
        other = pair.second()
        answered = []
        for wire in (other.theirs, other.ours):
            wire.send(encode(("MULTI",)) + encode(("GET", "k")) * 120)
            for _ in range(121):
                wire.read()
            wire.send(encode(("EXEC",)))
            try:
                answered.append(len(wire.read().items))
            except (ConnectionClosedError, ConnectionResetError):
                answered.append(0)
        assert answered == [0, 120]
