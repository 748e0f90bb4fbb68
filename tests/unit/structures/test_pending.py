"""Pending entries in columns, against a dict."""

from __future__ import annotations

import random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from redpoll.structures.ids import number_of, word_of
from redpoll.structures.pending import BLOCK_LIMIT, COUNT_MASK, LATEST, Pending

LAST = 2**64 - 1
Id = tuple[int, int]

numbers = st.integers(0, 30) | st.sampled_from([255, 2**31, 2**40, 2**63 - 1, 2**63, LAST]) | st.integers(0, LAST)
ids = st.tuples(st.integers(0, 40), st.integers(0, 4)) | st.tuples(numbers, numbers)
counts = st.integers(1, 5) | st.sampled_from([COUNT_MASK - 1, COUNT_MASK, 2**40, 2**63 - 1])


def words(id: Id) -> tuple[int, int]:
    return word_of(id[0]), word_of(id[1])


def id_at(pending: Pending) -> Id:
    return number_of(pending.ms()), number_of(pending.seq())


def entries_of(pending: Pending) -> dict[Id, tuple[int, int, int]]:
    found = {}
    there = pending.to_first()
    while there:
        found[id_at(pending)] = (pending.owner(), pending.delivered_ms(), pending.deliveries())
        there = pending.step()
    return found


class PendingMachine(RuleBasedStateMachine):
    """Drives pending entries and a dict of them side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.pending = Pending()
        self.twin = Pending()
        self.twin_has: dict[Id, tuple[int, int, int]] = {}
        self.model: dict[Id, tuple[int, int, int]] = {}

    def add(self, id: Id, owner: int, at_ms: int, deliveries: int) -> None:
        if self.pending.find(*words(id)):
            self.pending.set_owner(owner)
            self.pending.set_delivered(at_ms, deliveries)
        else:
            self.pending.add(*words(id), owner, at_ms, deliveries)
        assert id_at(self.pending) == id
        assert (self.pending.owner(), self.pending.delivered_ms(), self.pending.deliveries()) == (
            owner,
            at_ms,
            deliveries,
        )
        self.model[id] = (owner, at_ms, deliveries)

    def drop(self, id: Id) -> None:
        assert self.pending.find(*words(id)) == (id in self.model)
        if id in self.model:
            self.pending.remove()
            del self.model[id]

    @rule(id=ids, owner=st.integers(0, 3), at_ms=st.integers(0, LATEST), deliveries=counts)
    def adds_or_changes(self, id: Id, owner: int, at_ms: int, deliveries: int) -> None:
        self.add(id, owner, at_ms, deliveries)

    @rule(start=st.integers(0, 10**6), count=st.integers(1, 200), owner=st.integers(0, 3))
    def adds_a_run(self, start: int, count: int, owner: int) -> None:
        for k in range(count):
            self.add((start + k // 3, k % 3), owner, 1000 + k, 1)

    @rule(id=ids)
    def removes_any(self, id: Id) -> None:
        self.drop(id)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), count=st.integers(1, 100))
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

    @rule(with_the_copy=st.booleans())
    def is_copied(self, with_the_copy: bool) -> None:
        """Go on with either; the other one, which shares blocks, must not notice."""
        made = self.pending.copy()
        self.twin, self.pending = (self.pending, made) if with_the_copy else (made, self.pending)
        self.twin_has = dict(self.model)

    @rule()
    def the_other_one_changes(self) -> None:
        if self.twin.to_last():
            del self.twin_has[id_at(self.twin)]
            self.twin.remove()

    @rule(id=ids)
    def seeks(self, id: Id) -> None:
        behind = sorted(held for held in self.model if held >= id)
        assert self.pending.seek(*words(id)) == bool(behind)
        if behind:
            assert id_at(self.pending) == behind[0]

    @invariant()
    def agrees(self) -> None:
        self.pending.check()
        self.twin.check()
        assert entries_of(self.twin) == self.twin_has
        assert self.pending.count == len(self.model)
        assert entries_of(self.pending) == self.model
        assert list(entries_of(self.pending)) == sorted(self.model)
        assert self.pending.to_last() == bool(self.model)
        if self.model:
            assert id_at(self.pending) == max(self.model)


TestPendingMachine = PendingMachine.TestCase


@pytest.mark.parametrize("order", ["first", "last", "random"])
def test_a_long_run_is_given_back(order: str) -> None:
    pending = Pending()
    held = [(1000 + k // 4, k % 4) for k in range(20 * BLOCK_LIMIT)]
    for k, id in enumerate(held):
        pending.add(*id, k % 3, k, 1)
    assert len(pending.blocks) == 20
    source = random.Random(5)
    while held:
        at = {"first": 0, "last": len(held) - 1, "random": source.randrange(len(held))}[order]
        assert pending.find(*held.pop(at))
        pending.remove()
        if len(held) % 50 == 0:
            pending.check()
    assert pending.count == 0
    assert not pending.to_first()
    assert not pending.seek(0, 0)


def test_a_count_beyond_63_bits_is_negative() -> None:
    """As in the reference, whose counts are unsigned and whose replies are not."""
    pending = Pending()
    pending.add(1, 1, 0, 5, 2**64 - 3)
    assert (pending.deliveries(), pending.delivered_ms()) == (-3, 5)
    pending.set_delivered(6, 2**63)
    assert pending.find(1, 1)
    assert pending.deliveries() == -(2**63)
    pending.set_delivered(7, 1)
    assert pending.deliveries() == 1 and pending.many == {}


def test_forgetting_the_oldest_closes_the_gap() -> None:
    pending = Pending()
    for k in range(5000):
        pending.add(k, 0, 1, 1, 1)
        if k >= 200:
            assert pending.to_first()
            pending.remove()
    pending.check()
    assert len(pending.blocks) < 100


def test_few_entries_per_block_are_joined() -> None:
    pending = Pending()
    for k in range(100 * BLOCK_LIMIT):
        pending.add(k, 0, 1, 1, 1)
    for k in range(100 * BLOCK_LIMIT):
        if k % 20:
            assert pending.find(k, 0)
            pending.remove()
    pending.check()
    assert pending.index.stop - pending.index.head < 40
