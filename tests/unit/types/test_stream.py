"""A stream beside a list of entries, packed and large: adding, deleting, trimming, counters, copies."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from redpoll.structures.entries import ENDLESS, Picked
from redpoll.types.kinds import EncodingLimits
from redpoll.types.stream import Stream, id_text

fields = st.lists(st.sampled_from([b"f", b"17", b"v" * 40, b"w" * 300]), min_size=2, max_size=6).map(
    lambda words: words[: len(words) // 2 * 2]
)


class StreamMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stream = Stream()
        self.limits = EncodingLimits()
        self.limits.stream_node_entries = 10
        self.model: list[tuple[tuple[int, int], list[bytes]]] = []
        self.last = (0, 0)
        self.added = 0
        self.gone = (0, 0)

    @rule(leap=st.sampled_from([0, 0, 1, 1000, 1 << 34]), pairs=fields, count=st.integers(1, 15))
    def append(self, leap: int, pairs: list[bytes], count: int) -> None:
        for n in range(count):
            ms, seq = self.last
            self.last = (ms + leap, 0) if leap and n == 0 else (ms, seq + 1)
            self.stream.append(*self.last, [b"XADD", *pairs], 1, self.limits)
            self.model.append((self.last, pairs))
            self.added += 1

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        for each in data.draw(st.lists(st.sampled_from([id for id, _ in self.model]), max_size=6, unique=True)):
            assert self.stream.delete(*each)
            assert not self.stream.delete(*each)
            self.model = [entry for entry in self.model if entry[0] != each]
            self.gone = max(self.gone, each)
        self.stream.end_deletes()

    @rule(most=st.integers(0, 30))
    def trim_to_length(self, most: int) -> None:
        gone = max(len(self.model) - most, 0)
        assert self.stream.trim_to_length(most, False, ENDLESS) == gone
        self.model = self.model[gone:]

    @rule(ms=st.integers(0, 2000), seq=st.integers(0, 30))
    def trim_below(self, ms: int, seq: int) -> None:
        kept = [entry for entry in self.model if entry[0] >= (ms, seq)]
        assert self.stream.trim_below(ms, seq, False, ENDLESS) == len(self.model) - len(kept)
        self.model = kept

    @rule()
    def go_on_with_a_copy(self) -> None:
        twin = self.stream.copy()
        assert isinstance(twin, Stream)
        self.stream = twin

    @rule(low=st.integers(0, 40), high=st.integers(0, 40), most=st.integers(1, 20), reverse=st.booleans())
    def pick(self, low: int, high: int, most: int, reverse: bool) -> None:
        wanted = [id for id, _ in self.model if (0, low) <= id <= (1 << 40, high)]
        if reverse:
            wanted.reverse()
        into = Picked()
        self.stream.pick(into, 0, low, 1 << 40, high, most, reverse)
        assert [(int(into.ms[k]), int(into.seq[k])) for k in range(into.count())] == wanted[:most]

    @invariant()
    def agrees(self) -> None:
        stream = self.stream
        found = stream.all_entries()
        told = [((int(found.ms[k]), int(found.seq[k])), found.items(k)) for k in range(found.count())]
        assert told == self.model
        assert stream.length() == len(self.model)
        assert (stream.last_id().ms, stream.last_id().seq) == self.last
        assert stream.added == self.added
        assert (stream.gone_ms, stream.gone_seq) == self.gone
        first, end = stream.first_id(), stream.end_id()
        assert (first and (first.ms, first.seq)) == (self.model[0][0] if self.model else None)
        assert (end and (end.ms, end.seq)) == (self.model[-1][0] if self.model else None)


TestStream = StreamMachine.TestCase


def test_ids_are_spelled_without_a_sign() -> None:
    assert id_text(1, 2) == b"1-2"
    assert id_text(-1, -1) == b"18446744073709551615-18446744073709551615"
