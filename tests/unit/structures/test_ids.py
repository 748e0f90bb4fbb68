"""Stream IDs as words, beside plain unsigned numbers; an index of them beside a sorted list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from redpoll.structures.ids import IdIndex, StreamId, below, lowered, number_of, precedes, raised, word_of

LAST = (1 << 64) - 1
numbers = st.one_of(st.integers(0, LAST), st.sampled_from([0, 1, (1 << 63) - 1, 1 << 63, LAST]))


@given(numbers, numbers, numbers, numbers)
def test_words_compare_as_the_numbers_do(ms: int, seq: int, other_ms: int, other_seq: int) -> None:
    words = [word_of(number) for number in (ms, seq, other_ms, other_seq)]
    assert [number_of(word) for word in words] == [ms, seq, other_ms, other_seq]
    assert below(words[0], words[2]) == (ms < other_ms)
    assert precedes(*words) == ((ms, seq) < (other_ms, other_seq))


@given(numbers)
def test_neighbours_go_around_at_the_ends(number: int) -> None:
    assert number_of(raised(word_of(number))) == (number + 1) & LAST
    assert number_of(lowered(word_of(number))) == (number - 1) & LAST


@given(numbers, numbers)
def test_the_next_id_and_the_one_before_it(ms: int, seq: int) -> None:
    found = StreamId(word_of(ms), word_of(seq))
    following = found.following()
    assert (number_of(following.ms) << 64 | number_of(following.seq)) == ((ms << 64 | seq) + 1) % (1 << 128)
    back = following.preceding()
    assert (back.ms, back.seq) == (found.ms, found.seq)
    assert found.is_zero() == (ms == seq == 0)
    assert found.is_last() == (ms == seq == LAST)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), unique=True, max_size=40), st.integers(0, 40))
def test_an_index_finds_the_last_id_that_is_not_later(ids: list[tuple[int, int]], removed: int) -> None:
    index = IdIndex()
    ordered: list[tuple[int, int]] = []
    for ms, seq in ids:
        at = sum(each < (ms, seq) for each in ordered)
        if index.is_full():
            index.grow()
        index.insert(at, ms, seq)
        ordered.insert(at, (ms, seq))
    if removed < len(ordered):
        index.remove(removed)
        del ordered[removed]
    twin = index.copy()
    for ms in range(10):
        for seq in range(10):
            wanted = sum(each <= (ms, seq) for each in ordered) - 1
            assert index.find(ms, seq) - index.head == wanted
            assert twin.find(ms, seq) - twin.head == wanted
