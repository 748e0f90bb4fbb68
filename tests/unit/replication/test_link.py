"""The replica's link: what it announces, a silent primary, a transaction in pieces, and a broken snapshot."""

from __future__ import annotations

from tests.unit.replication.world import Server, World


def test_it_announces_its_version() -> None:
    world = World()
    one, _ = world.pair()
    (replica,) = one.replication.primary.replicas
    assert replica.version >= (9, 0, 0)
    assert (replica.reads_marker, replica.psync2, replica.port) == (True, True, 2)


def test_a_silent_primary_is_left() -> None:
    """`repl-timeout`, as the replica applies it."""
    world = World()
    _, other = world.pair(repl_timeout="3")
    for wire in world.wires:
        wire.far.given = lambda: b""  # type: ignore[method-assign]
    world.pass_time(2)
    assert other.replication.link.is_up()
    world.pass_time(3)
    assert "Connection with primary lost: timeout" in other.host.lines


def test_a_transaction_counts_when_it_is_complete() -> None:
    world = World()
    _, other = world.pair()
    link = other.replication.link
    before = link.applied_offset()
    data = b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
    link.received(data)
    assert (link.read_offset(), link.applied_offset()) == (before + len(data), before)
    assert other.do("GET", "a") is None
    end = b"*1\r\n$4\r\nEXEC\r\n"
    link.received(end)
    assert link.applied_offset() == before + len(data) + len(end)
    assert other.do("GET", "a") == b"1"


def test_a_broken_snapshot_leaves_no_file() -> None:
    world = World()
    one, other = Server(world, 1), Server(world, 2)
    for n in range(2000):
        one.do("SET", f"k{n}", f"{n}" * 10)
    other.do("REPLICAOF", "h", 1)
    while other.replication.link.payload is None or other.replication.link.payload.received < 5000:
        assert world.step()
    assert any(b"-repl." in name for name in other.files.contents)
    world.cut_off.add((2, 1))
    world.wires[0].cut()
    assert not any(b"-repl." in name for name in other.files.contents)


def test_a_command_that_ends_the_server_is_not_counted_as_applied() -> None:
    """Where it is not ended, as here, it must ask for the data from before this command on."""
    world = World()
    _, other = world.pair(propagation_error_behavior="panic")
    link = other.replication.link
    world.cut_off.add((2, 1))
    good = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
    link.received(good)
    offset = link.applied_offset()
    link.received(b"*3\r\n$5\r\nLPUSH\r\n$1\r\na\r\n$1\r\n1\r\n" + good)
    assert not link.is_up()
    assert (link.applied_offset(), other.replication.offset) == (offset, offset)
