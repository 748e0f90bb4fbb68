"""Consumer groups against a dict of who has what."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from redpoll.types.stream_group import Group

names = st.sampled_from([b"ada", b"bob", b"c"])
places = st.integers(1, 40)


class GroupMachine(RuleBasedStateMachine):
    """Drives a group and a dict from entries to owner, time and count side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.group = Group(0, 0, -1)
        self.model: dict[int, tuple[bytes, int, int]] = {}

    @rule(first=places, count=st.integers(1, 90), name=names, at_ms=st.integers(0, 99))
    def delivers(self, first: int, count: int, name: bytes, at_ms: int) -> None:
        consumer = self.group.consumers.get(name) or self.group.add_consumer(name, at_ms)
        for ms in range(first, first + count):
            self.group.deliver(ms, 0, consumer, at_ms, 1)
            self.model[ms] = (name, at_ms, 1)

    @rule(ms=places, name=names)
    def changes_hands(self, ms: int, name: bytes) -> None:
        consumer = self.group.consumers.get(name)
        if consumer is not None and self.group.pending.find(ms, 0):
            self.group.own(consumer)
            self.model[ms] = (name, *self.model[ms][1:])

    @rule(first=places, count=st.integers(1, 60))
    def forgets(self, first: int, count: int) -> None:
        for ms in range(first, first + count):
            there = self.group.pending.find(ms, 0)
            assert there == (ms in self.model)
            if there:
                self.group.forget()
                del self.model[ms]

    @rule(name=names)
    def deletes_a_consumer(self, name: bytes) -> None:
        consumer = self.group.consumers.get(name)
        if consumer is not None:
            owned = [ms for ms, entry in self.model.items() if entry[0] == name]
            assert self.group.delete_consumer(consumer) == len(owned)
            for ms in owned:
                del self.model[ms]

    @rule()
    def goes_on_with_a_copy(self) -> None:
        made = self.group.copy()
        assert isinstance(made, Group)
        self.group = made

    @invariant()
    def agrees(self) -> None:
        self.group.check()
        found = {}
        pending = self.group.pending
        there = pending.to_first()
        while there:
            found[pending.ms()] = (self.group.owner().name, pending.delivered_ms(), pending.deliveries())
            there = pending.step()
        assert found == self.model
        assert list(found) == sorted(found)


TestGroupMachine = GroupMachine.TestCase


def test_numbers_of_deleted_consumers_are_used_again() -> None:
    group = Group(0, 0, -1)
    for turn in range(5):
        consumer = group.add_consumer(b"c%d" % turn, 1)
        group.deliver(turn + 1, 0, consumer, 1, 1)
        group.delete_consumer(consumer)
    assert len(group.by_number) == 1
    assert group.pending.count == 0
    assert [consumer.name for consumer in group.sorted_consumers()] == []
