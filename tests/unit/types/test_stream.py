"""A stream, packed and large, against a list of entries."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from redpoll.structures.entries import ENDLESS, Picked
from redpoll.types.kinds import STREAM, EncodingLimits
from redpoll.types.stream import Stream, id_text

values = st.sampled_from([b"", b"v", b"12345", b"x" * 40, b"y" * 300])


class StreamMachine(RuleBasedStateMachine):
    """Drives a stream and a dict side by side; after every step the stream is packed and opened anew, if it can be."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = EncodingLimits()
        self.stream = Stream()
        self.model: dict[tuple[int, int], list[bytes]] = {}
        self.last = (0, 0)
        self.added = 0
        self.gone = (0, 0)

    @rule(leap=st.integers(0, 3), value=values, name=st.sampled_from([b"f", b"f", b"other"]))
    def appends(self, leap: int, value: bytes, name: bytes) -> None:
        ms = self.last[0] + leap
        id = (ms, self.last[1] + 1) if leap == 0 else (ms, 0)
        self.stream.append(*id, [name, value], 0, self.limits)
        self.model[id] = [name, value]
        self.last = id
        self.added += 1

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def deletes(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.model)))
        assert self.stream.delete(*id)
        self.stream.end_deletes()
        del self.model[id]
        self.gone = max(self.gone, id)

    @rule(ms=st.integers(0, 20))
    def deletes_what_is_not_there(self, ms: int) -> None:
        if (ms, 7777) not in self.model:
            assert not self.stream.delete(ms, 7777)

    @rule(keeps=st.integers(0, 12))
    def trims(self, keeps: int) -> None:
        gone = sorted(self.model)[: max(0, len(self.model) - keeps)]
        assert self.stream.trim_to_length(keeps, False, 0) == len(gone)
        for id in gone:
            del self.model[id]

    @rule(ms=st.integers(0, 30))
    def trims_below(self, ms: int) -> None:
        gone = [id for id in self.model if id < (ms, 0)]
        assert self.stream.trim_below(ms, 0, False, 0) == len(gone)
        for id in gone:
            del self.model[id]

    @rule()
    def is_packed_and_opened(self) -> None:
        if not self.stream.is_large():
            packed = self.stream.packed()
            self.stream = Stream()
            self.stream.stand_beside(STREAM, packed)

    @rule()
    def goes_on_with_a_copy(self) -> None:
        made = self.stream.copy()
        assert isinstance(made, Stream)
        self.stream = made

    @invariant()
    def agrees(self) -> None:
        stream = self.stream
        assert stream.length() == len(self.model)
        assert (stream.last_ms, stream.last_seq) == self.last
        assert (stream.gone_ms, stream.gone_seq) == self.gone
        assert stream.added == self.added
        for reverse in (False, True):
            picked = Picked()
            stream.pick(picked, 0, 0, -1, -1, ENDLESS, reverse)
            found = [((picked.ms[k], picked.seq[k]), picked.items(k)) for k in range(picked.count())]
            assert found == sorted(self.model.items(), reverse=reverse)
        first, end = stream.first_id(), stream.end_id()
        assert (first is None) == (end is None) == (not self.model)
        if first is not None and end is not None:
            assert ((first.ms, first.seq), (end.ms, end.seq)) == (min(self.model), max(self.model))


TestStreamMachine = StreamMachine.TestCase


def test_three_entries_are_packed_in_a_hundred_bytes() -> None:
    stream = Stream()
    for k in range(3):
        stream.append(1_700_000_000_000 + k, 0, [b"field", b"v%06d" % k, b"other", b"w%06d" % k], 0, EncodingLimits())
    assert not stream.is_large()
    assert len(stream.packed()) < 100
    assert stream.rows()[:3] == [b"1700000000000-0", b"field", b"v000000"]


def test_a_stream_becomes_large_and_packed_again() -> None:
    stream = Stream()
    for k in range(1, 200):
        stream.append(k, 0, [b"field", b"value %d" % k], 0, EncodingLimits())
    assert stream.is_large()
    assert stream.node_count() == 2
    stream.trim_to_length(3, False, 0)
    assert not stream.is_large()
    assert stream.rows()[::3] == [b"197-0", b"198-0", b"199-0"]


def test_ids_of_the_highest_numbers() -> None:
    stream = Stream()
    stream.append(-2, -1, [b"f", b"v"], 0, EncodingLimits())
    stream.append(-1, -1, [b"f", b"w"], 0, EncodingLimits())
    assert stream.rows()[::3] == [b"18446744073709551614-18446744073709551615", id_text(-1, -1)]


def test_the_memory_of_groups_is_counted_and_given_back() -> None:
    stream = Stream()
    empty = stream.size_bytes()
    group = stream.add_group(b"g", 0, 0, -1)
    consumer = group.add_consumer(b"c", 1)
    for k in range(1, 1000):
        group.deliver(k, 0, consumer, 5, 1)
    stream.account(group)
    assert stream.size_bytes() - empty > 999 * 28
    assert stream.size_bytes() - empty < 999 * 40 + 4000
    stream.remove_group(b"g")
    assert stream.group_bytes == 0
    assert stream.groups is None
