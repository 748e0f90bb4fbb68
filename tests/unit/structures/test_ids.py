"""IDs as words: their order, their neighbours, and the radix tree that the reference would have of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import vec
from mypy_extensions import i64

from redpoll.structures.ids import IdIndex, StreamId, number_of, precedes, radix_nodes, word_of

LAST = 2**64 - 1
Id = tuple[int, int]


def words(id: Id) -> tuple[int, int]:
    return word_of(id[0]), word_of(id[1])


@given(st.integers(0, LAST), st.integers(0, LAST), st.integers(0, LAST), st.integers(0, LAST))
def test_ids_have_the_order_of_their_numbers(ms: int, seq: int, other_ms: int, other_seq: int) -> None:
    assert number_of(word_of(ms)) == ms
    assert precedes(*words((ms, seq)), *words((other_ms, other_seq))) == ((ms, seq) < (other_ms, other_seq))
    assert precedes(*words((ms, seq)), *words((ms, other_seq))) == (seq < other_seq)


def test_the_ids_beside_one() -> None:
    for (ms, seq), (after_ms, after_seq) in (
        ((5, 7), (5, 8)),
        ((5, LAST), (6, 0)),
        ((LAST, LAST), (0, 0)),
        ((5, 2**63 - 1), (5, 2**63)),
    ):
        id, after = StreamId(*words((ms, seq))), StreamId(*words((after_ms, after_seq)))
        assert (id.following().ms, id.following().seq) == (after.ms, after.seq)
        assert (after.preceding().ms, after.preceding().seq) == (id.ms, id.seq)


def nodes_of(keys: list[bytes]) -> int:
    """Nodes of a radix tree of these keys, by the definition: a branch, a leaf, or bytes without a branch."""
    if len(keys) == 1:
        return 2 if keys[0] else 1
    common = 0
    while len({key[common] for key in keys}) == 1:
        common += 1
    below = {key[common] for key in keys}
    total = 1 + (common > 0)
    return total + sum(nodes_of([key[common + 1 :] for key in keys if key[common] == byte]) for byte in below)


numbers = st.integers(0, 1000) | st.integers(0, LAST)


@given(st.sets(st.tuples(numbers, numbers), max_size=40))
def test_nodes_of_the_radix_tree(held: set[Id]) -> None:
    order = sorted(held)
    keys = [ms.to_bytes(8, "big") + seq.to_bytes(8, "big") for ms, seq in order]
    ms, seq = vec[i64]([word_of(id[0]) for id in order]), vec[i64]([word_of(id[1]) for id in order])
    assert radix_nodes(ms, seq, 0, len(order)) == (nodes_of(keys) if keys else 1)


@given(st.lists(st.tuples(numbers, numbers), unique=True, max_size=60), st.tuples(numbers, numbers), st.integers(0, 60))
def test_the_index_finds_the_block_of_an_id(held: list[Id], wanted: Id, dropped: int) -> None:
    index = IdIndex()
    for at, id in enumerate(sorted(held)):
        if index.is_full():
            index.grow()
        index.insert(at, *words(id))
    gone = min(dropped, len(held))
    for _ in range(gone):
        index.remove(index.head)
    left = sorted(held)[gone:]
    assert index.find(*words(wanted)) - index.head == sum(id <= wanted for id in left) - 1
