"""No write that WAIT has found on the replica is lost when primaries die by kill -9, redpoll and Valkey mixed.

One node dies at a time, so one of the two copies is always there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from threading import Event, Thread

import pytest
from tests.differential.cluster_nodes import Member, all_of, follows, is_primary, joined_pairs, restart, steady, until
from tests.differential.wire import ConnectionClosedError, Wire, encode

ROUNDS = 6 if os.environ.get("REDPOLL_PROFILE") == "full" else 2
"""In six rounds, each node of each kind is a primary that dies, and a replica that takes over."""
LEAST_WRITES = 100


class Writer(Thread):
    """A client that writes keys, and waits for the replica after each of them."""

    def __init__(self, members: list[Member]) -> None:
        super().__init__(daemon=True)
        self.members = members
        self.wires: dict[int, Wire] = {}
        self.ended = Event()
        self.kept: list[tuple[str, int]] = []
        """The writes that two nodes have had, each with the port of the primary."""
        self.refused: dict[bytes, int] = {}

    def run(self) -> None:
        n = 0
        port = self.members[0].server.port
        while not self.ended.is_set():
            n += 1
            port = self.write(f"key:{n}", port)

    def write(self, key: str, port: int) -> int:
        """Write to a node, or where it redirects to; return the port to begin with next."""
        for _ in range(4):
            try:
                wire = self.wires.get(port)
                if wire is None:
                    wire = self.wires[port] = Wire(port, 2.0)
                wire.send(encode(("SET", key, key)) + encode(("WAIT", 1, 500)))
                reply, count = wire.next_frame(), wire.next_frame()
            except (OSError, ConnectionClosedError):
                dead = self.wires.pop(port, None)
                if dead is not None:
                    dead.close()
                self.ended.wait(0.02)
                port = self.members[len(self.kept) % len(self.members)].server.port
                continue
            words = (reply.text or b"").split()
            if words[0] == b"MOVED":
                port = int(words[2].rpartition(b":")[2])
                continue
            if reply.is_error or count.is_error:
                self.refused[words[0]] = self.refused.get(words[0], 0) + 1
                self.ended.wait(0.02)
            elif count.integer > 0:
                self.kept.append((key, port))
            return port
        return self.members[len(self.kept) % len(self.members)].server.port

    def end(self) -> None:
        self.ended.set()
        self.join()
        for wire in self.wires.values():
            wire.close()


@pytest.fixture
def shards() -> Iterator[list[list[Member]]]:
    pairs = joined_pairs("rvr", "vrv")
    try:
        yield pairs
    finally:
        for member in all_of(pairs):
            member.close()


def kill_primary(pair: list[Member], members: list[Member], writer: Writer) -> None:
    """The primary of a shard dies; its replica takes over; the dead one comes back as its replica."""
    dying = next(member for member in pair if is_primary(member))
    heir = next(member for member in pair if member is not dying)
    until("writes are acknowledged", lambda: len(writer.kept) >= LEAST_WRITES)
    port = dying.server.port
    until("the dying one has some", lambda: sum(at == port for _key, at in writer.kept) > 10)
    process = dying.server.process
    assert process is not None
    process.kill()
    process.wait()
    until("the replica is elected", lambda: is_primary(heir))
    restart(dying)
    until("the dead one follows", lambda: follows(dying))
    until("all is steady", lambda: steady(members))


def missing(pairs: list[list[Member]], writer: Writer) -> list[tuple[str, int]]:
    """The writes that were acknowledged and are nowhere."""
    kept = list(writer.kept)
    found: set[bytes] = set()
    for member in all_of(pairs):
        if is_primary(member):
            found.update(item.text or b"" for item in member.do("KEYS", "key:*").items)
    return [(key, port) for key, port in kept if key.encode() not in found]


@pytest.mark.timeout(600)
def test_no_acknowledged_write_is_lost(shards: list[list[Member]]) -> None:
    members = all_of(shards)
    writer = Writer(members)
    writer.start()
    try:
        for n in range(ROUNDS):
            kill_primary(shards[n % len(shards)], members, writer)
            assert missing(shards, writer) == []
    finally:
        writer.end()
    assert missing(shards, writer) == []
    # All writes of a shard went to its two nodes in turn, so both kinds have been asked.
    assert len({port for _key, port in writer.kept}) > len(shards)
