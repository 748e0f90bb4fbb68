"""The ring of the stream against a model of plain bytes."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from librt.strings import BytesWriter
from tests.profiles import scaled

from redpoll.engine.role import Role
from redpoll.engine.unit import EXEC, MULTI
from redpoll.persistence.append_encode import write_command
from redpoll.replication.stream import Position, Stream, Waker, command_size


class Counting(Waker):
    def __init__(self) -> None:
        self.times = 0

    def wake(self) -> None:
        self.times += 1


def made(size: int = 100, offset: int = 0) -> tuple[Stream, Counting]:
    role = Role(b"h" * 40)
    role.offset = offset
    waker = Counting()
    return Stream(role, size, waker), waker


def all_of(stream: Stream, position: Position) -> bytes:
    found = b""
    while piece := stream.take(position):
        found += piece
    return found


def test_effects_become_commands_with_selects() -> None:
    stream, _ = made(10_000)
    position = Position()
    stream.follow(position, 0)
    stream.write([0], [[b"SET", b"k", b"v"]])
    stream.write_one(0, [b"DEL", b"k"])
    stream.write([1, 1, 2, 2], [MULTI, [b"SET", b"a", b""], [b"SET", b"b", b"1"], EXEC])
    stream.add([b"ping"])
    assert all_of(stream, position) == (
        b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n"
        b"*1\r\n$5\r\nMULTI\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$0\r\n\r\n"
        b"*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n1\r\n*1\r\n$4\r\nEXEC\r\n"
        b"*1\r\n$4\r\nping\r\n"
    )
    assert stream.role.offset == stream.end == position.offset


def test_readers_share_the_pieces() -> None:
    stream, _ = made()
    one, other = Position(), Position()
    stream.follow(one, 0)
    stream.follow(other, 0)
    stream.add_bytes(b"x" * 20_000)
    assert stream.take(one) is stream.take(other)


def test_the_waker_is_told_once() -> None:
    stream, waker = made()
    stream.add([b"a"])
    assert waker.times == 0
    position = Position()
    stream.follow(position, stream.end)
    stream.add([b"a"])
    stream.add([b"a"])
    assert waker.times == 1
    stream.take(position)
    stream.add([b"a"])
    assert waker.times == 2


def test_size_of_a_command() -> None:
    for args in ([b"PING"], [b"SET", b"k" * 10, b"v" * 1000], [b"x"] * 100):
        out = BytesWriter()
        write_command(out, args)
        assert command_size(args) == len(out)


class Ring(RuleBasedStateMachine):
    """Any readers, at any speed: each gets exactly the bytes from its offset on; the ring keeps its size at least."""

    @initialize(size=st.sampled_from([1, 50, 1000, 40_000]), offset=st.integers(0, 100))
    def begin(self, size: int, offset: int) -> None:
        self.stream, _ = made(size, offset)
        self.size = size
        self.offset = offset
        self.written = b""
        self.readers: list[tuple[Position, int, list[bytes]]] = []

    @rule(data=st.binary(max_size=200), times=st.sampled_from([1, 1, 1, 100]))
    def add(self, data: bytes, times: int) -> None:
        data *= times
        self.stream.add_bytes(data)
        self.written += data

    @rule(share=st.floats(0, 1))
    def join(self, share: float) -> None:
        kept = int(self.stream.kept())
        offset = int(self.stream.end) - int(share * kept)
        assert self.stream.has(offset)
        position = Position()
        self.stream.follow(position, offset)
        self.readers.append((position, offset, []))

    @rule(n=st.integers(0, 5), times=st.integers(1, 4))
    def read(self, n: int, times: int) -> None:
        if n < len(self.readers):
            for _ in range(times):
                self.readers[n][2].append(self.stream.take(self.readers[n][0]))

    @rule(n=st.integers(0, 5))
    def leave(self, n: int) -> None:
        if n < len(self.readers):
            self.stream.leave(self.readers.pop(n)[0])

    @rule(size=st.sampled_from([1, 500, 20_000]))
    def resize(self, size: int) -> None:
        self.size = size
        self.stream.resize(size)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "stream"):
            return
        stream = self.stream
        assert stream.end == self.offset + len(self.written)
        held = b"".join(stream.pieces) + stream.out.getvalue()
        assert self.written.endswith(held)
        assert stream.end - stream.first == len(held)
        assert not stream.has(stream.end + 1)
        assert not stream.has(stream.end - stream.kept() - 1)
        for position, start, parts in self.readers:
            got = b"".join(parts)
            assert self.written[start - self.offset :][: len(got)] == got
            assert position.offset == start + len(got)


TestRing = Ring.TestCase
TestRing.settings = scaled(0.5)
