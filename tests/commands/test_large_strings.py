"""What commands on large strings copy: memory, not time, says so on a busy machine."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest
from tests.unit.engine.machine import Machine

from redpoll.errors import LCS_TOO_LARGE
from redpoll.protocol.reply import Error

SIZE = 32 << 20


@pytest.fixture
def machine() -> Machine:
    """Two strings in buffers, as SETRANGE leaves them."""
    made = Machine()
    for key in ("a", "b"):
        made.do("SETRANGE", key, SIZE - 1, "x")
    return made


def most_taken(work: Callable[[], object]) -> int:
    """The most memory in bytes that is held at once beyond what was before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_lcs_of_strings_that_are_too_long_is_refused_without_copying_them(machine: Machine) -> None:
    replies: list[object] = []
    assert most_taken(lambda: replies.append(machine.do("LCS", "a", "b"))) < 100_000
    assert isinstance(replies[0], Error)
    assert replies[0].text == LCS_TOO_LARGE


def test_bitop_takes_the_memory_of_its_result_once(machine: Machine) -> None:
    for operation, *keys in (("XOR", "a", "b"), ("NOT", "a"), ("OR", "none", "b")):
        assert most_taken(lambda: machine.do("BITOP", operation, "c", *keys)) < SIZE * 5 // 4  # noqa: B023
        machine.do("DEL", "c")
