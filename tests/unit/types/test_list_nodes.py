"""The counts and sizes of the reference's nodes.  What changes do to them is tested with the list: `test_list.py`."""

from __future__ import annotations

import pytest
from librt.vecs import vec
from mypy_extensions import i64

from redpoll.structures.chunks import Chunks
from redpoll.types.list_nodes import PLAIN_FROM, Nodes, bytes_between, exceeds, most_bytes_of


def filled(items: list[bytes], limit: int) -> tuple[Chunks, Nodes]:
    chunks, nodes = Chunks(), Nodes()
    nodes.set_limit(limit, False)
    for item in items:
        nodes.push(item, False)
        chunks.push_back(item)
    return chunks, nodes


def layout(nodes: Nodes) -> list[tuple[int, int]]:
    return [(nodes.counts[k], nodes.sizes[k]) for k in range(nodes.low, len(nodes.counts))]


def test_the_sizes_that_negative_limits_mean() -> None:
    assert [most_bytes_of(limit) for limit in (-1, -2, -3, -4, -5, -6, -(2**31))] == [
        *(4096, 8192, 16384, 32768, 65536, 65536, 65536),
    ]


@pytest.mark.parametrize(
    ("limit", "count", "size", "more_count", "more_size", "expected"),
    [
        (-2, 0, 7, 1023, 8184, False),
        (-2, 0, 7, 1, 8185, False),
        (-2, 0, 7, 1, 8186, True),
        (3, 2, 20, 1, 1, False),
        (3, 2, 20, 2, 2, True),
        (3, 1, 8000, 1, 193, True),
        (0, 0, 7, 1, 1, False),
        (0, 1, 10, 1, 1, True),
    ],
)
def test_when_a_listpack_becomes_a_quicklist(
    limit: int, count: int, size: int, more_count: int, more_size: int, expected: bool
) -> None:
    assert exceeds(limit, count, size, more_count, more_size) == expected


def test_pushes_fill_nodes() -> None:
    _, nodes = filled([b"a"] * 7, 3)
    assert layout(nodes) == [(3, 16), (3, 16), (1, 10)]
    nodes.push(b"b" * 9000, True)
    assert layout(nodes)[0] == (1, -9000)
    assert nodes.total_bytes() == 9042
    assert nodes.each_size() == [9000, 16, 16, 10]


def test_one_node_of_half_the_limit_fits_a_listpack() -> None:
    chunks, nodes = filled([b"a"] * 8, 4)
    assert not nodes.shrinks(4, 1)
    nodes.keep(chunks, 1, 4)
    assert layout(nodes) == [(3, 16)]
    assert nodes.shrinks(4, 1)
    assert not nodes.shrinks(4, 2)
    assert nodes.shrinks(6, 2)
    assert nodes.shrinks(-1, 2)


def test_limits_are_clamped() -> None:
    for limit, shown in ((-6, -5), (40_000, 32767), (0, 0), (-(2**31), -5)):
        nodes = Nodes()
        nodes.set_limit(limit, True)
        assert nodes.limit == shown
        assert nodes.compressed


def test_a_threshold_for_plain_nodes() -> None:
    PLAIN_FROM.bytes = 5
    try:
        _, nodes = filled([b"four", b"fives", b"x"], -2)
        assert layout(nodes) == [(1, 13), (1, -5), (1, 10)]
    finally:
        PLAIN_FROM.bytes = 0


def test_removals_empty_nodes_and_join_none() -> None:
    _, nodes = filled([b"a", b"b", b"a", b"a", b"a", b"b"], 2)
    nodes.remove(vec[i64]([0, 2, 3, 4]), b"a")
    assert layout(nodes) == [(1, 10), (1, 10)]


def test_memory_comes_back_after_pops() -> None:
    _, nodes = filled([b"a"] * 10_000, 1)
    for _ in range(9_990):
        nodes.popped(b"a", True)
    assert nodes.number() == 10
    assert len(nodes.counts) < 200


def test_many_nodes_at_the_front_take_linear_time() -> None:
    nodes = Nodes()
    nodes.set_limit(1, False)
    for _ in range(50_000):
        nodes.push(b"a", True)
    assert nodes.number() == 50_000


def test_bytes_of_a_range() -> None:
    chunks, _ = filled([b"a", b"100", b"70000", b""], -2)
    assert [bytes_between(chunks, 0, stop) for stop in range(5)] == [0, 3, 5, 10, 12]
    assert bytes_between(chunks, 3, 2) == 0
