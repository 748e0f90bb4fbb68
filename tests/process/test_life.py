"""Sockets, logs, supervisors, signals and the end."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
from tests.differential.servers import free_port, redpoll_environment
from tests.process.conftest import Start
from tests.process.running import accepts, alive, until

LOCAL = ("--bind", "127.0.0.1", "--port", "{port}")


# ---- sockets


def test_several_addresses_and_one_that_may_be_missing(start: Start) -> None:
    server = start("--bind", "127.0.0.1", "127.0.0.2", "-192.0.2.1", "-::1", "--port", "{port}").ready()
    assert accepts(server.port, "127.0.0.1")
    assert accepts(server.port, "127.0.0.2")
    assert not accepts(server.port, "127.0.0.3")
    assert accepts(server.port, "::1") == has_ipv6()
    missing = f"# Warning: Could not create server TCP listening socket 192.0.2.1:{server.port}: "
    assert f"{missing}Cannot assign requested address\n" in server.log()


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_a_star_is_every_address_of_its_family(start: Start) -> None:
    server = start("--bind", "*", "-::*", "--port", "{port}", "--protected-mode", "no").ready()
    assert accepts(server.port, "127.0.0.3")
    assert accepts(server.port, "::1") == has_ipv6()


@pytest.mark.parametrize("address", ["192.0.2.1", "-"])
def test_an_address_that_must_be_there_refuses_the_start(start: Start, address: str) -> None:
    server = start("-", "--port", "{port}", given=f"bind {address}\n".encode())
    assert server.status() == 1
    assert f"Failed listening on port {server.port} (tcp), aborting." in server.log()


def test_port_and_addresses_change_while_the_server_runs(start: Start) -> None:
    server = start(*LOCAL).ready()
    client = server.client()
    client.ping()
    port = free_port()
    client.config_set("port", port)
    assert accepts(port)
    assert not accepts(server.port)
    client.config_set("bind", "127.0.0.2")
    assert accepts(port, "127.0.0.2")
    assert not accepts(port, "127.0.0.1")
    with pytest.raises(redis.ResponseError, match="Failed to bind to specified addresses"):
        client.config_set("bind", "192.0.2.1")
    assert accepts(port, "127.0.0.2")
    assert client.config_get("bind") == {"bind": "127.0.0.2"}
    with (
        socket.create_server(("127.0.0.2", 0)) as taken,
        pytest.raises(redis.ResponseError, match="Unable to listen on this port"),
    ):
        client.config_set("port", taken.getsockname()[1])
    assert accepts(port, "127.0.0.2")


def own_address() -> str:
    """An address of this machine that is not a loopback one, for which it is another machine to itself; or none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: the system only chooses where from.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        address: str = probe.getsockname()[0]
    return "" if address.startswith("127.") else address


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), b"-DENIED Running in protected mode"),
        (("--bind", "0.0.0.0"), b"-DENIED Running in protected mode"),
        (("--requirepass", "secret"), b"-NOAUTH "),
        (("--protected-mode", "no"), b"+PONG"),
    ],
)
def test_other_machines_need_a_password_or_leave(start: Start, words: tuple[str, ...], told: bytes) -> None:
    address = own_address()
    if not address:
        pytest.skip("this machine has no address but loopback ones")
    server = start("--port", "{port}", *words).ready()
    with socket.create_connection((address, server.port), timeout=10) as wire:
        wire.sendall(b"PING\r\n")
        assert wire.recv(1000).startswith(told)


def test_a_unix_socket_has_its_permissions_and_goes_with_the_server(start: Start) -> None:
    server = start("--port", "0", "--unixsocket", "here.sock", "--unixsocketperm", "700").ready()
    path = server.folder / "here.sock"
    assert "Ready to accept connections unix" in server.log()
    assert "Ready to accept connections tcp" not in server.log()
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    client = redis.Redis(unix_socket_path=str(path))
    assert client.ping()
    client.close()
    server.signal(signal.SIGTERM)
    assert server.status() == 0
    assert not path.exists()


def test_paths_end_at_a_zero_byte(start: Start, tmp_path: Path) -> None:
    lines = [f'{name} "{name}\\x00x"\n' for name in ("unixsocket", "logfile", "pidfile", "dbfilename", "syslog-ident")]
    (tmp_path / "redis.conf").write_text("port 0\n" + "".join(lines))
    server = start("redis.conf", folder=tmp_path)
    until((tmp_path / "pidfile").exists, "the pid file")
    until(lambda: "Ready to accept connections unix" in (tmp_path / "logfile").read_text(), "connections")
    client = redis.Redis(unix_socket_path=str(tmp_path / "unixsocket"))
    assert client.ping()
    client.close()
    server.signal(signal.SIGTERM)
    assert server.status() == 0
    assert not (tmp_path / "pidfile").exists()


@pytest.mark.parametrize("group", ["nosuch", "1", "99999999999999999999", "nosuch\\x00x"])
def test_a_unix_socket_needs_the_name_of_a_group(start: Start, group: str) -> None:
    given = f'port 0\nunixsocket here.sock\nunixsocketgroup "{group}"\n'
    server = start("-", given=given.encode())
    assert server.status() == 1
    assert "# Failed opening Unix socket here.sock: there is no group" in server.log()


def test_a_unix_socket_left_behind_is_replaced_but_a_file_is_not(start: Start, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left.sock"))
    start("--port", "0", "--unixsocket", "left.sock", folder=tmp_path).ready()
    (tmp_path / "file").write_text("precious")
    refused = start("--port", "0", "--unixsocket", "file", folder=tmp_path)
    assert refused.status() == 1
    assert "Failed opening Unix socket file: Address already in use" in refused.log()
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize("full", [False, True])
def test_the_unix_socket_of_a_living_server_is_left_to_it(start: Start, tmp_path: Path, full: bool) -> None:
    with socket.socket(socket.AF_UNIX) as living, socket.socket(socket.AF_UNIX) as waiting:
        living.bind(str(tmp_path / "taken.sock"))
        living.listen(0 if full else 100)
        if full:
            waiting.connect(str(tmp_path / "taken.sock"))
        second = start("--port", "0", "--unixsocket", "taken.sock", folder=tmp_path)
        assert second.status() == 1
        who = "another process" if full else f"process {os.getpid()}"
        assert f"# Failed opening Unix socket taken.sock: {who} listens there; stop it, or pass" in second.log()
        with socket.socket(socket.AF_UNIX) as client:
            client.setblocking(False)
            assert client.connect_ex(str(tmp_path / "taken.sock")) == (errno.EAGAIN if full else 0)


def test_a_unix_socket_of_datagrams_is_left_to_its_process(start: Start, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as living:
        living.bind(str(tmp_path / "log"))
        server = start("--port", "0", "--unixsocket", "log", folder=tmp_path)
        assert server.status() == 1
        assert "# Failed opening Unix socket log: another process listens there" in server.log()


# ---- the end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_within_a_second(start: Start, number: signal.Signals) -> None:
    server = start(*LOCAL).ready()
    client = server.client()
    client.ping()
    began = time.monotonic()
    server.signal(number)
    assert server.status() == 0
    assert time.monotonic() - began < 5
    assert f"{server.process.pid}:signal-handler (" in server.log()
    assert f"Received {number.name} scheduling shutdown..." in server.log()
    assert "* User requested shutdown...\n" in server.log()
    assert server.log().endswith("ready to exit, bye bye...\n")


def test_other_signals_are_ignored(start: Start) -> None:
    server = start(*LOCAL).ready()
    for passed_over in (signal.SIGHUP, signal.SIGPIPE, signal.SIGALRM, signal.SIGUSR2):
        server.signal(passed_over)
    assert server.client().ping()


@pytest.mark.parametrize("words", [(), ("NOSAVE",), ("nosave", "now"), ("NOW", "FORCE", "SAFE"), ("SAVE", "FORCE")])
def test_shutdown_ends_the_server_without_a_reply(start: Start, words: tuple[str, ...]) -> None:
    server = start(*LOCAL).ready()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
        wire.sendall(" ".join(["SHUTDOWN", *words]).encode() + b"\r\n")
        assert wire.recv(100) == b""
    assert server.status() == 0
    line = r"\* User requested shutdown\.\.\. \(user request from '(.*)'\)\n"
    (who,) = re.findall(line, server.log())
    fields = [field.partition("=")[0] for field in who.split()]
    assert fields == ["id", "addr", "laddr", "fd", "name", "user", "lib-name", "lib-ver"]


def test_a_signal_saves_if_it_is_to(start: Start, tmp_path: Path) -> None:
    for words, saved in (("default", False), ("save", True), ("nosave force", True)):
        server = start(*LOCAL, "--shutdown-on-sigterm", words, folder=tmp_path).ready()
        assert server.client().get("k") == (b"v" if saved and words != "save" else None)
        server.client().set("k", "v")
        server.process.send_signal(signal.SIGTERM)
        assert server.status() == 0
        assert (tmp_path / "dump.rdb").exists() == saved
        assert ("Saving the final RDB snapshot before exiting." in server.log()) == (words == "save")


def test_a_server_that_cannot_save_goes_on(start: Start) -> None:
    server = start(*LOCAL, "--shutdown-on-sigterm", "save", "--enable-protected-configs", "yes").ready()
    client = server.client()
    client.config_set("dir", "/proc")
    with pytest.raises(redis.ResponseError, match=r"Errors trying to SHUTDOWN\. Check logs\."):
        client.execute_command("SHUTDOWN", "SAVE")
    server.process.send_signal(signal.SIGTERM)
    until(lambda: server.log().count("Error trying to save the DB, can't exit.") == 2, "the refusal")
    assert client.ping()


# ---- background, files, supervisors


def test_a_daemon_runs_on_by_itself_and_keeps_a_pid_file(start: Start) -> None:
    server = start(*LOCAL, "--daemonize", "yes", "--pidfile", "run.pid", "--logfile", "server.log")
    assert server.status() == 0
    log = server.folder / "server.log"
    until(lambda: log.exists() and "Ready to accept connections tcp" in log.read_text(), "the daemon")
    pid = int((server.folder / "run.pid").read_text())
    try:
        assert pid != server.process.pid
        assert f"{pid}:M " in log.read_text()
        assert server.client().info("server")["process_id"] == pid
        assert server.log() == ""
    finally:
        os.kill(pid, signal.SIGTERM)
        until(lambda: not alive(pid), "the daemon's end")
    assert not (server.folder / "run.pid").exists()
    assert "Removing the pid file." in log.read_text()


def test_systemd_is_told(start: Start, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(20)
        words = (*LOCAL, "--supervised", "systemd", "--daemonize", "yes")
        server = start(*words, environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert told.recv(1000) == b"STATUS=Ready to accept connections\nREADY=1\n"
        assert accepts(server.port)
        assert server.process.poll() is None, "a supervised server stays the process that was started"
        server.signal(signal.SIGTERM)
        assert told.recv(1000) == b"STOPPING=1\n"
    assert server.status() == 0


def test_upstart_sees_the_server_stop_itself(start: Start) -> None:
    server = start(*LOCAL, "--supervised", "auto", environment={"UPSTART_JOB": "redpoll"})
    server.says("Ready to accept connections tcp")
    state = Path(f"/proc/{server.process.pid}/stat")
    until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", "the stop")
    server.signal(signal.SIGCONT)
    assert server.client().ping()


def test_supervision_without_a_supervisor_only_warns(start: Start) -> None:
    server = start(*LOCAL, "--supervised", "systemd", environment={"NOTIFY_SOCKET": ""}).ready()
    assert "NOTIFY_SOCKET is not set" in server.log()


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="only Linux keeps such a score")
def test_the_kernel_is_told_whom_to_end_first(start: Start) -> None:
    score = int(Path("/proc/self/oom_score_adj").read_text())
    server = start(*LOCAL, "--oom-score-adj", "relative", "--oom-score-adj-values", "10", "200", "800").ready()
    told = Path(f"/proc/{server.process.pid}/oom_score_adj")
    assert int(told.read_text()) == min(score + 10, 1000)
    client = server.client()
    client.config_set("oom-score-adj", "absolute", "oom-score-adj-values", "900 1 1")
    assert int(told.read_text()) == 900
    client.config_set("oom-score-adj", "no")
    assert int(told.read_text()) == score


# ---- the log


def test_the_log_file_may_be_moved_away(start: Start) -> None:
    server = start(*LOCAL, "--logfile", "server.log")
    log = server.folder / "server.log"
    until(lambda: log.exists() and "Ready" in log.read_text(), "the start")
    log.rename(server.folder / "old.log")
    server.client().config_set("activerehashing", "no")
    assert "no effect" in log.read_text()


def test_nobody_needs_to_read_the_log(start: Start) -> None:
    ends_at_once = ["/bin/sh", "-c", '"$@" | head -n 1', "sh"]
    server = start(*LOCAL, "--pidfile", "run.pid", prefix=ends_at_once)
    until(lambda: accepts(server.port), "the server")
    client = server.client()
    client.config_set("activerehashing", "no")
    assert client.ping()
    pid = int((server.folder / "run.pid").read_text())
    os.kill(pid, signal.SIGTERM)
    until(lambda: not alive(pid), "the end")
    assert server.errors() == ""


def test_the_forms_of_a_log_line(start: Start) -> None:
    form = ("--log-format", "json", "--log-timestamp-format", "milliseconds", "--loglevel", "warning")
    server = start(*LOCAL, *form, "--enable-debug-command", "yes")
    until(lambda: accepts(server.port), "the server")
    server.client().execute_command("DEBUG", "LOG", "something")
    server.says("DEBUG LOG: something")
    lines = [json.loads(line) for line in server.log().splitlines()]
    assert {line["level"] for line in lines} == {"warning"}
    assert all(line["pid"] == server.process.pid and line["timestamp"].isdigit() for line in lines)
    client = server.client()
    client.ping()
    client.config_set("log-format", "logfmt", "loglevel", "notice")
    client.config_set("activerehashing", "no")
    assert 'level=notice message="activerehashing is accepted' in server.log()


SYSTEM_LOG_AT = """
import sys
from redpoll.cli.server import opened_log, run
from redpoll.config.file import load
from redpoll.env.files import Files
from redpoll.env.restart import Start

config = load([word.encode() for word in sys.argv[2:]], b"", Files())
sys.exit(run(config, opened_log(config, sys.argv[1]), Start()))
"""
"""A server whose system log is the socket of a test."""


def test_the_system_log_gets_every_line(tmp_path: Path) -> None:
    words = ["--bind", "127.0.0.1", "--port", str(free_port()), "--logfile", "server.log", "--loglevel", "notice"]
    words += ["--syslog-enabled", "yes", "--syslog-ident", "my redpoll", "--syslog-facility", "local3"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        daemon.settimeout(20)
        process = subprocess.Popen(
            [sys.executable, "-c", SYSTEM_LOG_AT, str(tmp_path / "log"), *words],
            cwd=tmp_path,
            env=redpoll_environment(),
        )
        said: dict[str, int] = {}
        try:
            while "redpoll is now ready to exit, bye bye..." not in said:
                found = re.fullmatch(
                    r"<(\d+)>(\w{3} [ \d]\d \d\d:\d\d:\d\d) my redpoll\[(\d+)\]: (.*)", daemon.recv(9000).decode()
                )
                assert found is not None
                said[found[4]] = int(found[1])
                assert int(found[3]) == process.pid
                if found[4] == "Ready to accept connections tcp":
                    process.send_signal(signal.SIGTERM)
        finally:
            process.terminate()
            process.wait(20)
    local3 = 19 << 3
    assert said["Ready to accept connections tcp"] == local3 + 5
    assert said["redpoll is now ready to exit, bye bye..."] == local3 + 4
    in_file = [line for line in (tmp_path / "server.log").read_text().splitlines() if ":signal-handler (" not in line]
    assert [line.split(" ", 6)[6] for line in in_file] == list(said)


# ---- CONFIG REWRITE


def test_a_rewritten_file_starts_the_same_server(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "my.conf"
    path.write_text("# mine\nport 1\nhz 20\n")
    first = start("my.conf", *LOCAL, folder=tmp_path).ready()
    client = first.client()
    client.config_set("hz", 50, "maxclients", 500, "requirepass", 'a "b"')
    assert client.config_rewrite()
    assert "CONFIG REWRITE executed with success." in first.log()
    first.signal(signal.SIGTERM)
    first.status()
    assert path.read_text().startswith(f"# mine\nport {first.port}\nhz 50\n")
    second = start("my.conf", folder=tmp_path).ready()
    again = redis.Redis(port=first.port, password='a "b"')
    assert again.config_get("hz", "maxclients") == {"hz": "50", "maxclients": "500"}
    assert second.process.poll() is None


def test_a_server_without_a_file_rewrites_none(start: Start) -> None:
    client = start(*LOCAL).ready().client()
    with pytest.raises(redis.ResponseError, match="The server is running without a config file"):
        client.config_rewrite()
