"""How a primary synchronises its replicas, and which of them count."""

from __future__ import annotations

import pytest
from tests.unit.replication.world import Server, ServerEnd, World

from redpoll.engine.gates import GATE_FEW_REPLICAS
from redpoll.env.files import MemoryReader
from redpoll.protocol.reply import Error
from redpoll.replication.replica import LOADS, ONLINE, WAITS, WAITS_FOR_FILE, Replica
from redpoll.replication.snapshots import MOST_UNSENT
from redpoll.replication.stream import Position, Stream


def asking(server: Server, *options: str, history: bytes = b"?", offset: int = -1) -> tuple[ServerEnd, Replica]:
    """A client that has asked for the stream, by default from a snapshot on, and the replica that the server sees."""
    end = ServerEnd(server)
    words = [b"REPLCONF", *[option.encode() for option in options or ("capa", "eof")]]
    for args in (words, [b"PSYNC", history, b"%d" % offset]):
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
    first, second = asking(one)[1], asking(one)[1]
    world.pass_time(2)
    assert (first.state, second.state) == (WAITS, WAITS)
    third = asking(one)[1]
    world.pass_time(1.1)
    assert WAITS not in (first.state, second.state, third.state)
    late = asking(one)[1]
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
    end, replica = asking(one, "capa", "psync2")
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
    end, _ = asking(one)
    assert end.filled == filled


def stream_of(server: Server) -> Stream:
    stream = server.replication.primary.stream
    assert stream is not None
    return stream


def stream_from(server: Server, offset: int) -> bytes:
    """The bytes of the stream after an offset."""
    position = Position()
    stream = stream_of(server)
    stream.follow(position, offset)
    found = b"".join(iter(lambda: stream.take(position), b""))
    stream.leave(position)
    return found


def test_the_stream_selects_its_database_after_each_snapshot() -> None:
    world = World()
    one, _ = world.pair()
    one.play("SELECT 2", "SET a 1")
    _, replica = asking(one)
    offset = int(replica.position.offset)
    one.do("SET", "b", 1)
    assert stream_from(one, offset).startswith(b"*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n")


def test_a_replica_that_goes_on_has_what_it_asked_for() -> None:
    world = World()
    one, _ = world.pair()
    one.do("SET", "a", 1)
    end, replica = asking(one, history=one.replication.history, offset=int(one.replication.offset) + 1)
    assert end.given() == b"+CONTINUE\r\n"
    assert (replica.state, replica.acknowledged) == (ONLINE, one.replication.offset)
    assert len(stream_of(one).positions) == 2
    end.close()
    assert len(stream_of(one).positions) == 1


def test_it_asks_once_for_each_offset() -> None:
    world = World()
    one, _ = world.pair()
    one.do("SET", "a", 1)
    primary = one.replication.primary
    primary.ask()
    asked = one.replication.offset
    primary.ask()
    assert one.replication.offset == asked
    one.do("SET", "b", 1)
    primary.ask()
    assert stream_from(one, int(asked)).endswith(b"GETACK\r\n$1\r\n*\r\n")


def test_pings_stop_while_a_replica_must_catch_up() -> None:
    world = World()
    one, _ = world.pair()
    one.play("CONFIG SET repl-ping-replica-period 1")
    before = one.replication.offset
    world.pass_time(2.5)
    assert stream_from(one, int(before)).count(b"ping") >= 2
    one.engine.pause.hold_writes(b"shutdown_in_progress")
    before = one.replication.offset
    world.pass_time(3)
    assert one.replication.offset == before


def test_a_replica_that_never_comes_online() -> None:
    """It has the whole snapshot, but acknowledges nothing: `repl-timeout` ends its connection."""
    world = World()
    one = Server(world, 1, repl_timeout="3")
    end, replica = asking(one)
    world.run()
    assert (replica.state, replica.finished) == (LOADS, True)
    world.pass_time(2)
    assert not end.closed
    world.pass_time(3)
    assert end.closed
    assert one.replication.replicas_count() == 0


def test_replicas_share_a_file_that_is_being_written() -> None:
    world = World()
    one = Server(world, 1, repl_diskless_sync="no")
    first, one_replica = asking(one)
    one.do("SET", "a", 1)
    second, other_replica = asking(one)
    assert (one_replica.state, other_replica.state) == (WAITS_FOR_FILE, WAITS_FOR_FILE)
    head = b"+FULLRESYNC %b 0\r\n" % one.replication.history
    assert (first.given(), second.given()) == (head, head)
    one.world.clock.advance_ms(1100)
    one.engine.start_unit()
    one.replication.tick()
    # A replica that waits gets a sign of life once a second.
    assert (first.given(), second.given()) == (b"\n", b"\n")
    world.run()
    assert first.given() == second.given() != b""
    assert (one_replica.state, other_replica.state) == (ONLINE, ONLINE)


ACK = b"*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$%d\r\n%d\r\n"


def test_the_stream_waits_until_the_snapshot_is_sent() -> None:
    world = World()
    one = Server(world, 1)
    end, replica = asking(one)
    world.run()
    end.take(ACK % (1, 0))
    assert replica.state == LOADS
    while end.given():
        pass
    end.take(ACK % (1, 0))
    assert replica.state == ONLINE
    end.take(ACK % (1, 9))
    end.take(ACK % (1, 5))
    assert replica.acknowledged == 9


def test_a_snapshot_waits_for_a_slow_replica() -> None:
    world = World()
    one = Server(world, 1, rdbcompression="no")
    for n in range(150):
        one.do("SET", f"k{n}", "x" * 50_000)
    end, replica = asking(one)
    for _ in range(300):
        running = one.engine.durability.running
        assert running is not None
        running.step(1000)
    assert MOST_UNSENT < replica.pieces_bytes < MOST_UNSENT + 500_000
    end.close()
    running.step(1000)
    assert one.engine.durability.running is None
