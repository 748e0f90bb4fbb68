"""A set of IDs beside a plain set, in every order of adding and removing."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from redpoll.structures.id_set import IdSet

IDS = st.tuples(st.integers(0, 5) | st.sampled_from([1 << 41, (1 << 41) + 1, 1 << 62]), st.integers(0, 300))


def ids_of(found: IdSet, after: tuple[int, int]) -> list[tuple[int, int]]:
    cursor = found.cursor(*after)
    told = []
    while cursor.step():
        told.append((int(cursor.ms), int(cursor.seq)))
    return told


class IdSetMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.ids = IdSet()
        self.model: set[tuple[int, int]] = set()

    @rule(ids=st.lists(IDS, min_size=1, max_size=40))
    def add(self, ids: list[tuple[int, int]]) -> None:
        for each in ids:
            if each not in self.model:
                self.ids.add(*each)
                self.model.add(each)

    @rule(start=IDS, count=st.integers(1, 200))
    def add_a_run(self, start: tuple[int, int], count: int) -> None:
        for n in range(count):
            each = (start[0], start[1] + n)
            if each not in self.model:
                self.ids.add(*each)
                self.model.add(each)

    @rule(each=IDS)
    def remove_any(self, each: tuple[int, int]) -> None:
        assert self.ids.remove(*each) == (each in self.model)
        self.model.discard(each)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove_one_that_is_there(self, data: st.DataObject) -> None:
        each = data.draw(st.sampled_from(sorted(self.model)))
        assert self.ids.remove(*each)
        self.model.remove(each)

    @rule()
    def go_on_with_a_copy(self) -> None:
        before = self.ids
        self.ids = before.copy()
        before.add(1 << 62, 1 << 40)
        self.ids.check()

    @rule(after=IDS)
    def a_cursor_begins_behind_an_id(self, after: tuple[int, int]) -> None:
        assert ids_of(self.ids, after) == sorted(each for each in self.model if each > after)

    @invariant()
    def agrees(self) -> None:
        self.ids.check()
        assert self.ids.count == len(self.model)


TestIdSet = IdSetMachine.TestCase
