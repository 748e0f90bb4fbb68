"""The start of a local cluster: waiting for nodes, ports, and options for the servers."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from redpoll.cli.cluster.local import HOST, Process, Wish, configured, is_free, new_plan, planned, wait_for_node
from redpoll.cli.cluster.nodes import Access
from redpoll.cli.cluster.words import Refusal
from redpoll.config.quoting import split_line


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs until its input ends."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as popen:
        yield popen


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        sock.listen()
        yield sock


def answer_in_turn(listener: socket.socket, replies: list[bytes]) -> None:
    """Accept a connection for each reply, and send it when a request has arrived."""
    for reply in replies:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(reply)


def test_a_node_may_load_longer_than_it_may_be_silent(
    waiting: subprocess.Popen[bytes], listener: socket.socket, tmp_path: Path
) -> None:
    replies = [b"-LOADING the dataset\r\n", b"-LOADING the dataset\r\n", b"$2\r\nid\r\n"]
    server = threading.Thread(target=answer_in_turn, args=(listener, replies))
    server.start()
    wait_for_node(Process(listener.getsockname()[1], tmp_path, waiting), Access(), 0)
    # It has asked until the node was ready.
    server.join(20)
    assert not server.is_alive()


def test_a_node_that_stays_silent(waiting: subprocess.Popen[bytes], listener: socket.socket, tmp_path: Path) -> None:
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(Refusal, match=f"^127.0.0.1:{port} does not answer; its log is "):
        wait_for_node(Process(port, tmp_path, waiting), Access(), 0)


def test_a_node_that_has_ended_shows_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("".join(f"line {n}\n" for n in range(9)))
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait(20)
    with pytest.raises(Refusal, match=r"(?s)did not start.*ends:\nline 4\n.*line 8$"):
        wait_for_node(Process(1, tmp_path, ended), Access(), 0)


def test_options_become_lines_of_a_configuration_file() -> None:
    text = configured(["--save", "", "--appendonly", "yes", "--requirepass", 'a "b" \\c', "--bind", "::1", "-::2"])
    assert [split_line(line.encode()) for line in text.splitlines()] == [
        [b"save", b""],
        [b"appendonly", b"yes"],
        [b"requirepass", b'a "b" \\c'],
        [b"bind", b"::1", b"-::2"],
    ]


def test_a_word_that_belongs_to_no_option_is_refused() -> None:
    with pytest.raises(Refusal, match="what is 'yes'"):
        configured(["yes"])


def test_mistyped_options_leave_no_cluster_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="what is 'appendonly'"):
        planned(Wish(tmp_path, nodes=3, replicas=0, port=0, words=["appendonly", "yes"]))
    assert list(tmp_path.iterdir()) == []


def test_free_ports_are_free_with_their_bus_ports() -> None:
    ports = new_plan(Wish(Path(), nodes=3, replicas=0, port=0)).ports
    assert len(set(ports)) == 3
    assert all(is_free(port) and is_free(port + 10000) for port in ports)


def test_the_bus_ports_of_all_nodes_must_exist() -> None:
    assert new_plan(Wish(Path(), nodes=3, replicas=0, port=55533)).ports == [55533, 55534, 55535]
    with pytest.raises(Refusal, match="pass --port 55533 or lower"):
        new_plan(Wish(Path(), nodes=3, replicas=0, port=55534))
