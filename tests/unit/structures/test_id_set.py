"""The IDs of one consumer in packed chunks, against a set."""

from __future__ import annotations

import random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from redpoll.structures.id_set import IdSet
from redpoll.structures.ids import number_of, word_of

LAST = 2**64 - 1
Id = tuple[int, int]

numbers = st.integers(0, 30) | st.sampled_from([255, 2**31, 2**40, 2**63 - 1, 2**63, LAST]) | st.integers(0, LAST)
ids = st.tuples(st.integers(0, 40), st.integers(0, 4)) | st.tuples(numbers, numbers)


def words(id: Id) -> tuple[int, int]:
    return word_of(id[0]), word_of(id[1])


def ids_after(held: IdSet, id: Id) -> list[Id]:
    cursor = held.cursor(*words(id))
    found = []
    while cursor.step():
        found.append((number_of(cursor.ms), number_of(cursor.seq)))
    return found


class IdSetMachine(RuleBasedStateMachine):
    """Drives a set of IDs and a Python set side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.held = IdSet()
        self.model: set[Id] = set()

    def add(self, id: Id) -> None:
        if id not in self.model:
            self.held.add(*words(id))
            self.model.add(id)

    def drop(self, id: Id) -> None:
        assert self.held.remove(*words(id)) == (id in self.model)
        self.model.discard(id)

    @rule(id=ids)
    def adds(self, id: Id) -> None:
        self.add(id)

    @rule(start=st.integers(0, 10**6), count=st.integers(1, 300), step=st.sampled_from([0, 1, 70, 2**41]))
    def adds_a_run(self, start: int, count: int, step: int) -> None:
        for k in range(count):
            self.add((start + k * step, k if step == 0 else k % 2))

    @rule(start=st.integers(0, 1000), count=st.integers(1, 300))
    def adds_a_run_backwards(self, start: int, count: int) -> None:
        for k in range(count):
            self.add((start + count - k, 0))

    @rule(id=ids)
    def removes_any(self, id: Id) -> None:
        self.drop(id)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), count=st.integers(1, 200))
    def removes_a_run(self, data: st.DataObject, count: int) -> None:
        held = sorted(self.model)
        at = data.draw(st.integers(0, len(held) - 1))
        for id in held[at : at + count]:
            self.drop(id)

    @precondition(lambda self: self.model)
    @rule(count=st.integers(1, 100), seed=st.integers(0, 2**32))
    def removes_scattered(self, count: int, seed: int) -> None:
        source = random.Random(seed)
        for id in source.sample(sorted(self.model), min(count, len(self.model))):
            self.drop(id)

    @rule()
    def goes_on_with_a_copy(self) -> None:
        before = self.held
        self.held = before.copy()
        before.remove(before.end_ms, before.end_seq)

    @rule(id=ids)
    def goes_through(self, id: Id) -> None:
        assert ids_after(self.held, id) == sorted(held for held in self.model if held > id)

    @invariant()
    def agrees(self) -> None:
        self.held.check()
        assert self.held.count == len(self.model)
        behind = ids_after(self.held, (0, 0))
        assert behind == sorted(self.model - {(0, 0)})


TestIdSetMachine = IdSetMachine.TestCase


def test_an_id_set_of_one_consumer_takes_one_or_two_bytes_each() -> None:
    held = IdSet()
    for k in range(10_000):
        held.add(1_700_000_000_000 + k * 3, 0)
    held.check()
    assert held.size_bytes() < 10_000 * 2
