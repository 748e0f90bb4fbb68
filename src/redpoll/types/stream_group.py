"""Consumer group of a stream: how far it has read, its consumers, and their pending entries.

`pending` has the entries of all consumers in order of their IDs.  Each consumer has a set of its own IDs.  Only
`deliver`, `own`, `forget` and `delete_consumer` change either, and they change both together.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.structures.id_set import IdSet
from redpoll.structures.ids import StreamId
from redpoll.structures.pending import Pending
from redpoll.structures.segment import Outside

UNKNOWN: Final[i64] = -1
"""The number of entries that a group has read, if it is unknown."""
NEVER_ACTIVE: Final[i64] = -1

GROUP_BYTES: Final[i64] = 500
CONSUMER_BYTES: Final[i64] = 400


@mypyc_attr(acyclic=True)
class Consumer:
    """A consumer of a group.  `number` identifies it in the group's pending entries.  Times are in ms since 1970."""

    def __init__(self, name: bytes, number: i64, now_ms: i64) -> None:
        self.name: Final = name
        self.number: i64 = number
        self.seen_ms: i64 = now_ms
        """When it called last ..."""
        self.active_ms: i64 = NEVER_ACTIVE
        """... and when it got an entry then."""
        self.ids: IdSet = IdSet()
        """Of the entries that are pending for it."""


@mypyc_attr(acyclic=True)
class Group(Outside):
    """See the module's docstring.  `last_ms`-`last_seq` is the last ID delivered, `read` the entries up to it."""

    def __init__(self, last_ms: i64, last_seq: i64, read: i64) -> None:
        super().__init__()
        self.last_ms: i64 = last_ms
        self.last_seq: i64 = last_seq
        self.read: i64 = read
        self.pending: Pending = Pending()
        self.consumers: dict[bytes, Consumer] = {}
        self.by_number: list[Consumer] = []
        self.free_numbers: list[int] = []

    def last_id(self) -> StreamId:
        return StreamId(self.last_ms, self.last_seq)

    def sorted_consumers(self) -> list[Consumer]:
        """The consumers in the order of their names, for reports."""
        return [self.consumers[name] for name in sorted(self.consumers)]

    def add_consumer(self, name: bytes, now_ms: i64) -> Consumer:
        """Add a consumer.  It must not exist."""
        if len(self.free_numbers) > 0:
            number: i64 = self.free_numbers.pop()
            made = Consumer(name, number, now_ms)
            self.by_number[number] = made
        else:
            made = Consumer(name, len(self.by_number), now_ms)
            self.by_number.append(made)
        self.consumers[name] = made
        return made

    def delete_consumer(self, consumer: Consumer) -> i64:
        """Remove a consumer and its pending entries; return how many entries that were.  O(entries * log n)."""
        count = consumer.ids.count
        pending = self.pending
        if consumer.ids.remove(0, 0) and pending.find(0, 0):
            pending.remove()
        cursor = consumer.ids.cursor(0, 0)
        while cursor.step():
            if pending.find(cursor.ms, cursor.seq):
                pending.remove()
        del self.consumers[consumer.name]
        self.free_numbers.append(int(consumer.number))
        return count

    def owner(self) -> Consumer:
        """The consumer of the pending entry at the position."""
        return self.by_number[self.pending.owner()]

    def deliver(self, ms: i64, seq: i64, consumer: Consumer, at_ms: i64, deliveries: int) -> None:
        """Make an entry pending for `consumer`, even if another consumer had it.  The position is then at it."""
        pending = self.pending
        if pending.find(ms, seq):
            self.own(consumer)
            pending.set_delivered(at_ms, deliveries)
            return
        pending.add(ms, seq, consumer.number, at_ms, deliveries)
        consumer.ids.add(ms, seq)

    def own(self, consumer: Consumer) -> None:
        """Give the pending entry at the position to another consumer."""
        pending = self.pending
        before = self.owner()
        if before is not consumer:
            ms = pending.ms()
            seq = pending.seq()
            before.ids.remove(ms, seq)
            consumer.ids.add(ms, seq)
            pending.set_owner(consumer.number)

    def forget(self) -> None:
        """Remove the entry at the position from the pending entries.  Afterwards the position is at no entry."""
        pending = self.pending
        self.owner().ids.remove(pending.ms(), pending.seq())
        pending.remove()

    def size_bytes(self) -> i64:
        """Approximate memory.  The IDs of consumers are estimated from the number of pending entries.  O(1)."""
        consumers: i64 = len(self.consumers)
        return GROUP_BYTES + self.pending.size_bytes() + self.pending.count * 3 + consumers * CONSUMER_BYTES

    def copy(self) -> Outside:
        made = Group(self.last_ms, self.last_seq, self.read)
        made.pending = self.pending.copy()
        made.by_number = []
        for consumer in self.by_number:
            twin = Consumer(consumer.name, consumer.number, consumer.seen_ms)
            twin.active_ms = consumer.active_ms
            twin.ids = consumer.ids.copy()
            made.by_number.append(twin)
        for name, consumer in self.consumers.items():
            made.consumers[name] = made.by_number[consumer.number]
        made.free_numbers = list(self.free_numbers)
        return made

    def in_pieces(self) -> bool:
        return True

    def release(self, budget: i64) -> i64:
        return self.pending.release(budget)

    def check(self) -> None:
        """Assert all that must always hold.  O(n * log n)."""
        self.pending.check()
        total: i64 = 0
        for name, consumer in self.consumers.items():
            assert consumer.name == name and self.by_number[consumer.number] is consumer
            consumer.ids.check()
            total += consumer.ids.count
            cursor = consumer.ids.cursor(0, 0)
            while cursor.step():
                assert self.pending.find(cursor.ms, cursor.seq) and self.owner() is consumer
        assert total == self.pending.count
        assert len(self.consumers) + len(self.free_numbers) == len(self.by_number)
