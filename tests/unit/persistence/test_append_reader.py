"""Reading commands: pieces of any size give the same commands, and a fault is found where it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.persistence.append import spelled

from redpoll.env.files import MemoryReader
from redpoll.persistence.append_reader import DAMAGED, ENDED, READING, TORN, CommandReader
from redpoll.protocol.requests import Names


class Slow(MemoryReader):
    """Gives a few bytes at a time."""

    def __init__(self, data: bytes, most: int) -> None:
        super().__init__(data)
        self.most = most

    def read(self, most: int) -> bytes:
        return super().read(min(most, self.most))


def read(
    data: bytes, most: int = 1 << 30, batch: int = 7, stop_after_s: int = 0
) -> tuple[list[list[bytes]], CommandReader]:
    reader = CommandReader(Slow(data, most), b"", 0, Names())
    reader.stop_after_s = stop_after_s
    found: list[list[bytes]] = []
    while reader.state == READING:
        reader.batch(found, batch)
    return found, reader


@given(st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=12)), st.integers(1, 50))
def test_pieces_give_the_same_commands(commands: list[list[bytes]], most: int) -> None:
    data = spelled(*[tuple(args) for args in commands])
    found, reader = read(data, most)
    assert found == commands
    assert (reader.state, reader.offset()) == (ENDED, len(data))


@given(st.lists(st.lists(st.binary(max_size=12), min_size=1, max_size=4), min_size=1, max_size=5), st.data())
def test_a_torn_end_is_found_after_the_last_complete_command(commands: list[list[bytes]], draw: st.DataObject) -> None:
    ends = [len(spelled(*[tuple(args) for args in commands[:n]])) for n in range(len(commands) + 1)]
    data = spelled(*[tuple(args) for args in commands])
    cut = draw.draw(st.integers(0, len(data)))
    found, reader = read(data[:cut], draw.draw(st.integers(1, 30)))
    complete = max(n for n in range(len(ends)) if ends[n] <= cut)
    assert found == commands[:complete]
    assert reader.offset() == ends[complete]
    assert reader.state == (ENDED if ends[complete] == cut else TORN)


def test_a_large_argument() -> None:
    commands = [("SET", "k", b"x" * 5_000_000), ("SET", "l", "v")]
    found, reader = read(spelled(*commands), 100_000)
    assert [len(args[2]) for args in found] == [5_000_000, 1]
    assert reader.state == ENDED


def test_annotations_are_passed_over() -> None:
    data = (
        b"#TS:100\r\n" + spelled(("SET", "a", "1")) + b"# anything\n#TS:200\r\n" + spelled(("SET", "b", "2")) + b"#TS:3"
    )
    for most in (1, 1000):
        found, reader = read(data, most)
        assert len(found) == 2
        assert (reader.state, reader.time_s) == (ENDED, 200)
    found, reader = read(data, stop_after_s=100)
    assert found == [[b"SET", b"a", b"1"]]
    assert data[reader.offset() :].startswith(b"#TS:200")


def test_lines_may_end_in_lf_and_the_bytes_after_an_argument_are_not_looked_at() -> None:
    found, reader = read(b"*3\n$3\nSET??$1\nk\r\n$1\r\nv!!" + spelled(("GET", "k")))
    assert found == [[b"SET", b"k", b"v"], [b"GET", b"k"]]
    assert reader.state == ENDED


@pytest.mark.parametrize(
    "wrong",
    [
        b"SET k v\r\n", b"*0\r\n", b"*-1\r\n", b"*x\r\n", b"*2\r\n:3\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$x\r\n",
        b"*" + b"1" * 200, b"*1\r\n$" + b"0" * 200, b"#" + b"x" * 1100, b"\0" * 20,
    ],
)  # fmt: skip
def test_damage_is_found_where_the_command_begins(wrong: bytes) -> None:
    before = spelled(("SET", "k", "v"))
    for most in (1, 1000):
        found, reader = read(before + wrong, most)
        assert found == [[b"SET", b"k", b"v"]]
        assert (reader.state, reader.offset()) == (DAMAGED, len(before))


def test_an_open_transaction_is_remembered() -> None:
    before = spelled(("SET", "k", "v"), ("multi",), ("SET", "k", "w"), ("Exec",))
    assert read(before)[1].multi_at == -1
    assert read(before + spelled(("MULTI",), ("SET", "k", "x")))[1].multi_at == len(before)
