"""A queue without end and a hundred blocked workers that crash and come back: each item is done exactly once."""

from __future__ import annotations

import random
import selectors
import socket
import struct

import pytest
from tests.differential.servers import Server, ours
from tests.differential.wire import Reply, Wire, encode

ITEMS = 200_000
WORKERS = 100
MOST_WAITING = 3_000
"""Producers wait while so many items are in the queue."""


class Work:
    """What is to be done, and what is done."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.dice = random.Random(12)
        self.selector = selectors.DefaultSelector()
        self.done = bytearray(ITEMS)
        self.finished = 0
        self.crashes = 0

    def finish(self, item: bytes) -> None:
        n = int(item.partition(b":")[2])
        assert not self.done[n], f"{n} is done twice"
        self.done[n] = 1
        self.finished += 1


class Worker:
    """A client that waits for an item, works, and waits again.

    A `safe` one moves each item to a list of its own with BLMOVE, and removes it there when it is done; after a crash it
    does first what it finds there.  It may crash at any time.  One that pops crashes only between items.
    """

    def __init__(self, work: Work, name: str, safe: bool) -> None:
        self.work = work
        self.own = f"work:{name}"
        self.safe = safe
        self.connect()

    def connect(self) -> None:
        self.wire = Wire(self.work.server.port, timeout=60)
        self.work.selector.register(self.wire.socket, selectors.EVENT_READ, self)
        if self.safe:
            for left in self.do("LRANGE", self.own, 0, -1).items:
                assert left.text is not None
                self.finish(left.text)
        self.wait()

    def do(self, *words: str | int | bytes) -> Reply:
        self.wire.send(encode(words))
        return self.wire.read()

    def wait(self) -> None:
        if self.safe:
            self.wire.send(encode(("BLMOVE", "queue", self.own, "RIGHT", "LEFT", 0)))
        else:
            self.wire.send(encode(("BRPOP", "nothing", "queue", 0)))

    def serve(self) -> None:
        """A reply is there: do the item, or crash with it."""
        reply = self.wire.read()
        item = reply.text if self.safe else reply.items[1].text
        assert item is not None
        chance = self.work.dice.random()
        if self.safe and chance < 0.01:
            self.crash()
            return
        self.finish(item)
        if chance > 0.99:
            self.crash()
        else:
            self.wait()

    def finish(self, item: bytes) -> None:
        self.work.finish(item)
        if self.safe:
            assert self.do("LREM", self.own, 1, item).integer == 1

    def crash(self) -> None:
        """Break the connection as a killed process's is broken by a machine that has restarted, and come back."""
        self.work.crashes += 1
        self.work.selector.unregister(self.wire.socket)
        self.wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.wire.close()
        self.connect()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_each_item_of_a_queue_is_done_exactly_once() -> None:
    server = ours()
    server.start()
    try:
        producers = [Wire(server.port, timeout=60) for _ in range(3)]
        work = Work(server)
        workers = [Worker(work, str(n), n % 2 == 0) for n in range(WORKERS)]
        run(work, producers, workers)
        for wire in [*producers, *(worker.wire for worker in workers)]:
            wire.close()
    finally:
        server.close()


def run(work: Work, producers: list[Wire], workers: list[Worker]) -> None:
    """Produce and work until all is done."""
    made = 0
    longest = 0
    while work.finished < ITEMS:
        if made < ITEMS:
            producer = work.dice.choice(producers)
            count = min(work.dice.choice([1, 1, 7, 300]), ITEMS - made)
            producer.send(encode(("LPUSH", "queue", *(f"item:{n}" for n in range(made, made + count)))))
            longest = max(longest, producer.read().integer)
            made += count
        most = 0.0 if made < ITEMS else 0.2
        ready = work.selector.select(most)
        for key, _ in ready:
            # A worker may have crashed and come back since.
            if key.data.wire.socket is key.fileobj:
                key.data.serve()
        if work.dice.random() < 0.05:
            # Some crash while they wait.
            victim = work.dice.choice(workers)
            if victim.safe:
                victim.crash()
        while made < ITEMS and waiting(producers[0]) > MOST_WAITING and (ready := work.selector.select(5)):
            for key, _ in ready:
                key.data.serve()
        if made == ITEMS and not ready:
            # What was moved for a connection that was dead already is found by who comes back.
            for worker in workers:
                if worker.safe:
                    worker.crash()
    assert work.crashes > 500
    assert longest > 100
    assert sum(work.done) == ITEMS
    assert waiting(producers[0]) == 0
    producers[0].send(encode(("KEYS", "*")))
    assert producers[0].read().items == (), "no worker has anything left"


def waiting(wire: Wire) -> int:
    wire.send(encode(("LLEN", "queue")))
    return wire.read().integer
