"""A run of entries beside a list: walking, seeking, picking, and names that entries share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from redpoll.structures.entries import ENDLESS, has_names, names_end, write_names
from redpoll.types.kinds import EncodingLimits
from redpoll.types.stream import Stream

ids = st.lists(st.tuples(st.integers(1, 1 << 40), st.integers(0, 1 << 33)), unique=True, min_size=1, max_size=12)
fields = st.lists(st.sampled_from([b"f", b"g", b"12", b"v" * 30]), min_size=2, max_size=4).map(
    lambda words: words[: len(words) // 2 * 2]
)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5))
def test_names_are_told_from_others(names: list[bytes]) -> None:
    args = [word for name in names for word in (name, b"value")]
    out = BytesWriter()
    write_names(out, args, 0)
    blob = out.getvalue()
    assert has_names(blob, 0, args, 0)
    assert not has_names(blob, 0, [*args, b"more", b"value"], 0)
    assert not has_names(blob, 0, [names[0] + b"x", *args[1:]], 0)
    assert names_end(blob, 0) == len(blob)


@given(ids, st.data())
def test_a_walk_tells_what_was_written(drawn: list[tuple[int, int]], data: st.DataObject) -> None:
    stream = Stream()
    limits = EncodingLimits()
    written = []
    for ms, seq in sorted(drawn):
        pairs = data.draw(fields)
        stream.append(ms, seq, [b"XADD", *pairs], 1, limits)
        written.append(((ms, seq), pairs))
    found = stream.all_entries()
    told = [((int(found.ms[k]), int(found.seq[k])), found.items(k)) for k in range(found.count())]
    assert told == written
    assert stream.pick(found, 0, 0, -1, -1, ENDLESS) == len(written)
