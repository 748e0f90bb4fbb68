"""How entries are packed: all reads back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from redpoll.structures.entries import (
    Picked,
    Walk,
    has_names,
    names_end,
    rewritten,
    write_entry,
    write_names,
)
from redpoll.structures.entry_items import item_at
from redpoll.structures.ids import number_of, word_of

LAST = 2**64 - 1

numbers = st.integers(-(2**63), 2**63 - 1).map(lambda n: str(n).encode())
texts = (
    st.binary(max_size=8)
    | numbers
    | st.integers(-200, 5000).map(lambda n: str(n).encode())
    | st.sampled_from([b"-", b"-0", b"+1", b"01", b"0", b"9223372036854775808", b"-9223372036854775808"])
    | st.builds(
        lambda head, size: head + b"x" * size, st.binary(max_size=3), st.sampled_from([60, 235, 240, 4093, 20000])
    )
)


ids = st.tuples(st.integers(0, 50) | st.integers(0, LAST), st.integers(0, 3) | st.integers(0, LAST))


@given(st.sets(ids, min_size=1, max_size=12), st.lists(texts, min_size=1, max_size=4), st.data())
def test_entries_read_back(held: set[tuple[int, int]], names: list[bytes], data: st.DataObject) -> None:
    order = sorted(held)
    out = BytesWriter()
    first = [word for name in names for word in (name, b"v")]
    write_names(out, first, 0)
    before = (order[0][0], order[0][1] - 1)
    entries = []
    for ms, seq in order:
        own = data.draw(st.booleans())
        values = [data.draw(texts) for _ in names]
        args = [word for name, value in zip(names, values, strict=True) for word in (name, value)]
        size = sum(map(len, args if own else values))
        write_entry(out, own, word_of(ms), word_of(seq), word_of(before[0]), seq_word(before[1]), args, 0, size)
        entries.append(args)
        before = (ms, seq)
    blob = out.getvalue()
    assert has_names(blob, 0, first, 0)
    assert not has_names(blob, 0, [*first, b"more", b"v"], 0)
    picked = Picked()
    picked.add_block(blob, 0)
    walk = Walk(blob, names_end(blob, 0), len(blob), word_of(order[0][0]), seq_word(order[0][1] - 1))
    while walk.step():
        picked.add_walked(walk)
    assert [(number_of(picked.ms[k]), number_of(picked.seq[k])) for k in range(picked.count())] == order
    assert [picked.items(k) for k in range(picked.count())] == entries


def seq_word(seq: int) -> int:
    """The word before 0 is -1: the imagined entry before a block's first."""
    return word_of(seq) if seq >= 0 else -1


def test_an_entry_moves_behind_another_one() -> None:
    out = BytesWriter()
    write_names(out, [b"f", b"v"], 0)
    start = len(out)
    write_entry(out, False, 7, 3, 7, 2, [b"f", b"value"], 0, 5)
    blob = out.getvalue()
    walk = Walk(blob, start, len(blob), 7, 2)
    assert walk.step()
    moved = rewritten(blob, walk, 5, 9)
    again = Walk(moved, 0, len(moved), 5, 9)
    assert again.step()
    assert (again.ms, again.seq, again.next) == (7, 3, len(moved))
    assert item_at(moved, again.items) == b"value"
