"""The sockets of MIGRATE."""

from __future__ import annotations

import socket

import pytest

from redpoll.engine.remotes import RemoteError
from redpoll.errors import IO_CONNECTING, IO_READING, IO_WRITING
from redpoll.net.remote import LONGEST_LINE, SocketRemote, port_number


def test_ports_are_read_as_the_reference_reads_them() -> None:
    for text, number in ((b"6379", 6379), (b"", 0), (b"abc", 0), (b"12x", 12), (b"99999", 34463), (b" 7", 7)):
        assert port_number(text) == number
    with pytest.raises(RemoteError) as refused:
        port_number(b"-1")
    assert refused.value.text == IO_CONNECTING


def test_lines_and_the_end_of_a_connection() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        remote = SocketRemote(b"127.0.0.1", b"%d" % listener.getsockname()[1], 2000)
        other, _ = listener.accept()
        other.sendall(b"+OK\r\n-ERR half")
        assert remote.line() == b"+OK"
        other.sendall(b" and half\r\n")
        assert remote.line() == b"-ERR half and half"
        remote.send(b"x" * 10)
        assert other.recv(100) == b"x" * 10
        remote.wait_at_most(20)
        with pytest.raises(RemoteError) as late:
            remote.line()
        assert (late.value.text, late.value.timed_out) == (IO_READING, True)
        with pytest.raises(RemoteError) as full:
            for _ in range(1000):
                remote.send(b"x" * 1_000_000)
        assert (full.value.text, full.value.timed_out) == (IO_WRITING, True)
        other.close()
        with pytest.raises(RemoteError) as gone:
            remote.line()
        assert (gone.value.text, gone.value.timed_out) == (IO_READING, False)
        remote.close()


def test_a_line_without_end_is_not_kept() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        remote = SocketRemote(b"127.0.0.1", b"%d" % listener.getsockname()[1], 2000)
        other, _ = listener.accept()
        other.sendall(b"x" * (LONGEST_LINE + 10_000))
        with pytest.raises(RemoteError):
            remote.line()
        other.close()
        remote.close()


def test_who_refuses_and_who_does_not_exist() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = b"%d" % probe.getsockname()[1]
        with pytest.raises(RemoteError) as refused:
            SocketRemote(b"127.0.0.1", port, 2000)
    assert (refused.value.text, refused.value.timed_out) == (IO_WRITING, False)
    for host in (b"no.such.host.invalid", b"\xff", b"x" * 300):
        with pytest.raises(RemoteError) as unknown:
            SocketRemote(host, b"1", 2000)
        assert unknown.value.text == IO_CONNECTING
