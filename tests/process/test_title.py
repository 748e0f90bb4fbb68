"""What process lists show of a server."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import redis
from tests.differential.servers import free_port
from tests.process.conftest import Start
from tests.process.running import Running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process write its title")

LOCAL = ("--bind", "127.0.0.1", "--port", "{port}")


def arguments(server: Running) -> bytes:
    """The command line of the server's process as the system tells it, zeros included."""
    return Path(f"/proc/{server.process.pid}/cmdline").read_bytes()


def shown(server: Running) -> str:
    return arguments(server).rstrip(b"\0").decode()


def test_the_title_names_the_program_and_where_it_listens(start: Start) -> None:
    server = start(*LOCAL).ready()
    assert shown(server) == f"redpoll 127.0.0.1:{server.port}"
    assert Path(f"/proc/{server.process.pid}/comm").read_text() == "redpoll\n"


def test_the_template_and_what_it_tells_of_may_change(start: Start) -> None:
    template = "{title} | {port} {tls-port} {config-file} {{x} "
    server = start(*LOCAL, "--proc-title-template", template).ready()
    assert shown(server) == f"redpoll | {server.port} 0 - {{x}}"
    client = server.client()
    client.config_set("proc-title-template", "{listen-addr}{server-mode}")
    assert shown(server) == f"127.0.0.1:{server.port}"
    port = free_port()
    client.config_set("port", port)
    assert shown(server) == f"127.0.0.1:{port}"
    moved = redis.Redis(port=port)
    with pytest.raises(redis.ResponseError, match="Unable to listen on this port"):
        moved.config_set("port", redis_port_taken_by(start))
    assert shown(server) == f"127.0.0.1:{port}"


def redis_port_taken_by(start: Start) -> int:
    return start(*LOCAL).ready().port


def test_a_long_title_is_cut_and_a_short_one_leaves_nothing_behind(start: Start) -> None:
    server = start(*LOCAL, "--set-proc-title", "yes").ready()
    client = server.client()
    room = len(arguments(server))
    environment = Path(f"/proc/{server.process.pid}/environ").read_bytes()
    client.config_set("proc-title-template", "x" * 5000)
    assert arguments(server) == b"x" * (room - 1) + b"\0"
    assert Path(f"/proc/{server.process.pid}/environ").read_bytes() == environment
    client.config_set("proc-title-template", "y")
    assert arguments(server) == b"y".ljust(room, b"\0")


def test_a_server_on_a_unix_socket_shows_its_path(start: Start) -> None:
    template = "{listen-addr} {unixsocket} {config-file}"
    (folder := start(*LOCAL).folder / "other").mkdir()
    (folder / "my.conf").write_text(f'port 0\nunixsocket here.sock\nproc-title-template "{template}"\n')
    server = start("my.conf", folder=folder).ready()
    assert shown(server) == f"unixsocket:here.sock here.sock {folder}/my.conf"[: len(arguments(server)) - 1]
    client = redis.Redis(unix_socket_path=str(folder / "here.sock"))
    client.config_set("proc-title-template", "{unixsocket}")
    assert shown(server) == "here.sock"


def test_a_template_that_comes_out_empty_refuses_the_start(start: Start) -> None:
    server = start(*LOCAL, "--proc-title-template", "{unixsocket}")
    assert server.status() == 1
    assert "template format is invalid or contains unknown variables" in server.errors()


def test_without_a_title_the_command_line_stays(start: Start) -> None:
    server = start(*LOCAL, "--set-proc-title", "no").ready()
    server.client().config_set("proc-title-template", "{port}")
    words = arguments(server).split(b"\0")
    given = (b"server --bind 127.0.0.1 --port %d --set-proc-title no" % server.port).split()
    at = words.index(b"server")
    assert words[at : at + len(given)] == given
    assert Path(f"/proc/{server.process.pid}/comm").read_text() != "redpoll\n"
