"""A consumer group beside dicts: every entry pending is one consumer's, whoever delivers, claims, acknowledges."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from redpoll.types.stream_group import Group

NAMES = st.sampled_from([b"ada", b"bob", b"eve"])
IDS = st.tuples(st.integers(0, 3), st.integers(0, 40))


class GroupMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.group = Group(0, 0, 0)
        self.model: dict[tuple[int, int], tuple[bytes, int, int]] = {}
        self.names: set[bytes] = set()

    def consumer(self, name: bytes) -> None:
        if name not in self.names:
            self.group.add_consumer(name, 1)
            self.names.add(name)

    @rule(name=NAMES, ids=st.lists(IDS, min_size=1, max_size=30), at_ms=st.integers(1, 99), count=st.integers(1, 5))
    def deliver(self, name: bytes, ids: list[tuple[int, int]], at_ms: int, count: int) -> None:
        self.consumer(name)
        for each in ids:
            self.group.deliver(*each, self.group.consumers[name], at_ms, count)
            self.model[each] = (name, at_ms, count)

    @rule(name=NAMES, each=IDS)
    def claim(self, name: bytes, each: tuple[int, int]) -> None:
        self.consumer(name)
        found = self.group.pending.find(*each)
        assert found == (each in self.model)
        if found:
            self.group.own(self.group.consumers[name])
            self.model[each] = (name, *self.model[each][1:])

    @rule(each=IDS)
    def acknowledge(self, each: tuple[int, int]) -> None:
        found = self.group.pending.find(*each)
        assert found == (each in self.model)
        if found:
            self.group.forget()
            del self.model[each]

    @rule(name=NAMES)
    def delete_a_consumer(self, name: bytes) -> None:
        if name in self.names:
            gone = [each for each, (owner, _, _) in self.model.items() if owner == name]
            assert self.group.delete_consumer(self.group.consumers[name]) == len(gone)
            self.names.remove(name)
            for each in gone:
                del self.model[each]

    @rule()
    def go_on_with_a_copy(self) -> None:
        twin = self.group.copy()
        assert isinstance(twin, Group)
        self.group = twin

    @invariant()
    def agrees(self) -> None:
        self.group.check()
        assert self.group.pending.count == len(self.model)
        assert [found.name for found in self.group.sorted_consumers()] == sorted(self.names)
        for each, (name, _, _) in self.model.items():
            assert self.group.pending.find(*each)
            assert self.group.owner().name == name


TestGroup = GroupMachine.TestCase
