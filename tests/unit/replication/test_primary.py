"""How a primary synchronises its replicas, and which of them count."""

from __future__ import annotations

import pytest
from tests.unit.replication.world import Server, ServerEnd, World

from redpoll.engine.gates import GATE_FEW_REPLICAS
from redpoll.env.files import MemoryReader
from redpoll.protocol.reply import Error
from redpoll.replication.replica import ONLINE, WAITS, Replica


def asking(world: World, server: Server, *options: str) -> tuple[ServerEnd, Replica]:
    """A client that has asked for a snapshot and the stream, and the replica that the server sees."""
    end = ServerEnd(server)
    words = [b"REPLCONF", *[option.encode() for option in options or ("capa", "eof")]]
    for args in (words, [b"PSYNC", b"?", b"-1"]):
        end.take(b"*%d\r\n" % len(args) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in args]))
        if args is words:
            assert end.given() == b"+OK\r\n"
    follower = end.session.follower
    assert isinstance(follower, Replica)
    return end, follower


def test_several_replicas_share_a_snapshot() -> None:
    """`repl-diskless-sync-delay` is the wait for further replicas, `repl-diskless-sync-max-replicas` ends it."""
    world = World()
    one = Server(world, 1, repl_diskless_sync_delay="5", repl_diskless_sync_max_replicas="3")
    first, second = asking(world, one)[1], asking(world, one)[1]
    world.pass_time(2)
    assert (first.state, second.state) == (WAITS, WAITS)
    third = asking(world, one)[1]
    world.pass_time(1.1)
    assert WAITS not in (first.state, second.state, third.state)
    late = asking(world, one)[1]
    world.pass_time(4)
    assert late.state == WAITS
    world.pass_time(2.1)
    assert late.state != WAITS


def test_only_replicas_that_answer_count() -> None:
    """`min-replicas-max-lag` is the age of the last answer up to which a replica counts; 0 switches the rule off."""
    world = World()
    one, _ = world.pair()
    one.play("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-max-lag 2")
    assert one.do("SET", "a", 1) is not None
    for wire in world.wires:
        wire.far.take = lambda data: None  # type: ignore[method-assign]
    world.pass_time(1.5)
    assert one.engine.gates & GATE_FEW_REPLICAS == 0
    world.pass_time(3)
    reply = one.do("SET", "a", 1)
    assert isinstance(reply, Error)
    assert reply.text.startswith(b"NOREPLICAS")
    one.play("CONFIG SET min-replicas-max-lag 0")
    assert not isinstance(one.do("SET", "a", 1), Error)


class FailingReader(MemoryReader):
    """A file whose second piece cannot be read."""

    def __init__(self, data: bytes, ends: bool) -> None:
        super().__init__(data)
        self.ends = ends
        self.reads = 0

    def read(self, most: int) -> bytes:
        self.reads += 1
        if self.reads == 1:
            return super().read(10)
        if self.ends:
            return b""
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("ends", [False, True])
def test_a_snapshot_file_that_cannot_be_read(ends: bool) -> None:
    """The replica is disconnected: it would take the stream for the rest of the snapshot."""
    world = World()
    one = Server(world, 1, repl_diskless_sync="no")
    end, replica = asking(world, one, "capa", "psync2")
    replica.pieces = []
    replica.pieces_at = 0
    replica.send_file(FailingReader(b"x" * 100, ends))
    assert replica.next_piece() == b"$100\r\n"
    assert replica.next_piece() == b"x" * 10
    assert replica.next_piece() == b""
    assert end.closed
    assert replica.state != ONLINE
    assert any("Can't read the snapshot" in line for line in one.host.lines) != ends


@pytest.mark.parametrize(("setting", "filled"), [("no", 0), ("yes", 1)])
def test_packets_to_replicas(setting: str, filled: int) -> None:
    """`repl-disable-tcp-nodelay` reaches the connection of a replica."""
    world = World()
    one = Server(world, 1, repl_disable_tcp_nodelay=setting)
    end, _ = asking(world, one)
    assert end.filled == filled
