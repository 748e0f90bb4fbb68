"""Rows of a sorted set's entries against a sorted list, inside other bytes as in a bucket."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import vec

from redpoll.structures import ranked
from redpoll.structures.ranked import Span

Entry = tuple[float, bytes]

scores = st.sampled_from([0.0, -0.0, 1.0, 31.0, 32.0, 8192.0, -5.0, 1.5, 1e300, float("inf"), float("-inf")]) | (
    st.floats(allow_nan=False) | st.integers(0, 3_000_000).map(float)
)
# Of equal lengths and different in one place, prefixes of each other, and on both sides of a word.
CLOSE = [
    b"a" * 7, b"a" * 8, b"a" * 9, b"b" + b"a" * 8, b"a" * 8 + b"b", b"a" * 15 + b"\x7f", b"a" * 15 + b"\x80", b"a" * 16,
]  # fmt: skip
members = (
    st.sampled_from(CLOSE)
    | st.binary(max_size=3)
    | st.integers(0, 30).map(lambda n: b"member:%06d" % n)
    | st.builds(
        lambda size, end: b"l" * size + end, st.sampled_from([126, 127, 128, 200, 16384]), st.binary(max_size=1)
    )
)
contents = st.dictionaries(members, scores, max_size=20)
BEFORE = b"\x05before"
BEHIND = b"\x03behind"


def ordered(content: dict[bytes, float]) -> list[Entry]:
    return sorted((score, member) for member, score in content.items())


def row_of(entries: list[Entry]) -> bytes:
    return b"".join(ranked.record(*entry) for entry in entries)


def framed(entries: list[Entry]) -> tuple[bytes, int, int]:
    """A blob with the row inside, where the row begins, and where it ends."""
    row = row_of(entries)
    return BEFORE + row + BEHIND, len(BEFORE), len(BEFORE) + len(row)


def start_of(entries: list[Entry], rank: int) -> int:
    return len(BEFORE) + len(row_of(entries[:rank]))


@given(contents, st.lists(members, max_size=5))
def test_members_are_found(content: dict[bytes, float], others: list[bytes]) -> None:
    entries = ordered(content)
    blob, start, stop = framed(entries)
    for rank, (score, member) in enumerate(entries):
        at = ranked.find(blob, start, stop, member)
        assert at == start_of(entries, rank)
        assert (repr(ranked.score_of(blob, at)), ranked.member_at(blob, at)) == (repr(score), member)
        assert ranked.record_end(blob, at) == start_of(entries, rank + 1)
    for member in others:
        if member not in content:
            assert ranked.find(blob, start, stop, member) == -1 - len(content)


@given(contents, st.lists(st.tuples(scores, members), max_size=8))
def test_places_and_ranks_are_those_of_the_list(content: dict[bytes, float], others: list[Entry]) -> None:
    entries = ordered(content)
    blob, start, stop = framed(entries)
    assert ranked.count(blob, start, stop) == len(entries)
    for entry in [*entries, *others]:
        rank = sum(each < entry for each in entries)
        at = start_of(entries, rank)
        assert ranked.seek(blob, start, stop, *entry) == (at if entry in entries else -1 - at, rank)
        below = sum(score < entry[0] for score, _ in entries)
        equal = sum(score == entry[0] for score, _ in entries)
        assert ranked.rank_of_score(blob, start, stop, entry[0], False) == below
        assert ranked.rank_of_score(blob, start, stop, entry[0], True) == below + equal


@given(st.sets(members, max_size=20), members)
def test_ranks_of_members_of_one_score(names: set[bytes], other: bytes) -> None:
    entries = sorted((7.0, member) for member in names)
    blob, start, stop = framed(entries)
    for member in {*names, other}:
        before = sum(name < member for name in names)
        assert ranked.rank_of_member(blob, start, stop, member, False) == before
        assert ranked.rank_of_member(blob, start, stop, member, True) == before + (member in names)


@given(contents, st.data())
def test_records_are_walked_over(content: dict[bytes, float], data: st.DataObject) -> None:
    entries = ordered(content)
    blob, start, stop = framed(entries)
    rank = data.draw(st.integers(0, len(entries)))
    assert ranked.skip(blob, start, rank) == start_of(entries, rank)
    assert list(ranked.offsets(blob, start, stop)) == [start_of(entries, n) for n in range(len(entries))]
    assert ranked.in_order(row_of(entries))
    if entries:
        assert ranked.last_record(blob, start, stop) == start_of(entries, len(entries) - 1)
    if len(entries) > 1:
        row = row_of(entries)
        cuts = [len(row_of(entries[:n])) for n in range(1, len(entries))]
        assert abs(2 * ranked.middle(row) - len(row)) == min(abs(2 * at - len(row)) for at in cuts)
        assert not ranked.in_order(row_of(entries[::-1]))


@given(contents.filter(bool), scores, st.data())
def test_a_score_changes_and_the_record_moves(content: dict[bytes, float], score: float, data: st.DataObject) -> None:
    entries = ordered(content)
    rank = data.draw(st.integers(0, len(entries) - 1))
    member = entries[rank][1]
    row = row_of(entries)
    changed = ranked.with_score(row, len(row_of(entries[:rank])), score, member)
    content[member] = score
    assert changed == row_of(ordered(content))


@given(contents.filter(lambda content: len(content) > 1), st.data())
def test_a_boundary_parts_two_leaves_and_is_short(content: dict[bytes, float], data: st.DataObject) -> None:
    entries = ordered(content)
    at = data.draw(st.integers(1, len(entries) - 1))
    bound = ranked.boundary(row_of(entries[:at]), row_of(entries[at:]))
    assert entries[at - 1] < (entries[at][0], bound) <= entries[at]
    if entries[at - 1][0] < entries[at][0]:
        assert bound == b""
    else:
        assert entries[at - 1] >= (entries[at][0], bound[:-1])


@given(members, members)
def test_members_compare_as_bytes_do(one: bytes, other: bytes) -> None:
    order = ranked.compare(b"x" + one + b"x", 1, 1 + len(one), other)
    assert (order > 0) - (order < 0) == (one > other) - (one < other)
    assert ranked.is_before(one, other) == (one < other)


@given(st.binary(min_size=1, max_size=20), st.data())
def test_members_that_differ_in_one_byte_compare_as_bytes_do(one: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(one) - 1))
    other = one[:at] + bytes([data.draw(st.integers(0, 255))]) + one[at + 1 :]
    assert ranked.is_before(one, other) == (one < other)


@given(contents, st.lists(st.integers(1, 6), max_size=8), st.data())
def test_a_span_goes_over_several_rows(content: dict[bytes, float], sizes: list[int], data: st.DataObject) -> None:
    entries = ordered(content)
    start = data.draw(st.integers(0, len(entries)))
    stop = data.draw(st.integers(start, len(entries)))
    span = Span()
    at = 0
    for size in [*sizes, len(entries)]:
        piece = entries[at : at + size]
        first, last = max(start - at, 0), min(stop - at, len(piece))
        if first < last:
            if not span.blobs:
                span.start = len(row_of(piece[:first]))
            span.blobs.append(row_of(piece))
            span.stop = len(row_of(piece[:last]))
        at += size
    found: list[bytes] = []
    span.members(found)
    assert found == [member for _, member in entries[start:stop]]
    assert [repr(score) for score in span.scores(vec[float]())] == [repr(score) for score, _ in entries[start:stop]]


def test_scratch_writers_do_not_grow_with_long_members() -> None:
    ranked.record(1.0, b"m" * 100_000)
    assert len(ranked._scratch) < 200


def test_order_is_by_score_and_then_by_member() -> None:
    for found, sound in (
        ([], True), ([(1.0, b"a")], True), ([(1.0, b"b"), (2.0, b"a")], True), ([(1.0, b"a"), (1.0, b"b")], True),
        ([(2.0, b"a"), (1.0, b"b")], False), ([(1.0, b"b"), (1.0, b"a")], False), ([(1.0, b"a"), (1.0, b"a")], False),
    ):  # fmt: skip
        assert ranked.in_order(row_of(found)) == sound
