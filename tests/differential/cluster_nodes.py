"""Nodes of clusters for differential tests: real Valkey nodes and redpoll nodes, alone, side by side and mixed."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.differential.servers import Redpoll, Server, Valkey, free_port
from tests.differential.wire import Reply, Wire, Word, encode

TIMEOUT_MS = 2000
PATIENCE_SECONDS = 30.0


def until(what: str, holds: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"in vain waited for: {what}"
        time.sleep(0.05)


class Member:
    """A running node with one connection to it."""

    def __init__(self, of_redpoll: bool, *options: str, protocol: int = 2) -> None:
        self.bus_port = free_port()
        kind: type[Server] = Redpoll if of_redpoll else Valkey
        self.server = kind(
            "redpoll" if of_redpoll else "valkey", "--cluster-enabled", "yes", "--cluster-node-timeout", str(TIMEOUT_MS),
            "--cluster-port", str(self.bus_port), "--save", "", *options,
        )  # fmt: skip
        try:
            self.server.start()
        except RuntimeError:
            self.server.close()
            raise
        self.protocol = protocol
        self.wire = self.connect()
        self.id = (self.do("CLUSTER", "MYID").text or b"").decode()

    def connect(self) -> Wire:
        wire = Wire(self.server.port)
        if self.protocol == 3:
            wire.send(encode(("HELLO", "3")))
            wire.read()
        return wire

    def do(self, *words: Word) -> Reply:
        self.wire.send(encode(words))
        return self.wire.next_frame()

    def play(self, line: str) -> Reply:
        return self.do(*line.split())

    def text(self, *words: Word) -> str:
        return (self.do(*words).text or b"").decode()

    def meet(self, other: Member) -> None:
        reply = self.do("CLUSTER", "MEET", "127.0.0.1", other.server.port, other.bus_port)
        assert reply.raw == b"+OK\r\n", reply

    def is_ok(self) -> bool:
        return "cluster_state:ok" in self.text("CLUSTER", "INFO")

    def knows(self, count: int) -> bool:
        lines = self.text("CLUSTER", "NODES").splitlines()
        return len(lines) == count and not any("handshake" in line or "disconnected" in line for line in lines)

    def owners(self) -> dict[str, tuple[str, ...]]:
        """The slots of each node, as this one sees it."""
        found = {}
        for line in self.text("CLUSTER", "NODES").splitlines():
            words = line.split()
            found[words[0]] = tuple(word for word in words[8:] if not word.startswith("["))
        return found

    def close(self) -> None:
        self.wire.close()
        self.server.close()


def joined(kinds: str, *options: str) -> list[Member]:
    """A cluster of primaries that share the slots evenly: `r` is a node of redpoll, `v` one of Valkey."""
    members = [Member(kind == "r", *options) for kind in kinds]
    count = len(members)
    for n, member in enumerate(members):
        first, last = 16384 * n // count, 16384 * (n + 1) // count - 1
        assert member.do("CLUSTER", "ADDSLOTSRANGE", first, last).raw == b"+OK\r\n"
        assert member.do("CLUSTER", "SET-CONFIG-EPOCH", n + 1).raw == b"+OK\r\n"
    for member in members[1:]:
        members[0].meet(member)
    until("all know all", lambda: all(member.knows(count) for member in members))
    until("all are ok", lambda: all(member.is_ok() for member in members))
    return members


def is_primary(member: Member) -> bool:
    return "myself,master" in member.text("CLUSTER", "NODES")


def follows(member: Member) -> bool:
    return "myself,slave" in member.text("CLUSTER", "NODES") and "master_link_status:up" in member.text(
        "INFO", "replication"
    )


def steady(members: list[Member]) -> bool:
    """Whether all nodes are ok, know each other, and see no failure."""
    return all(m.is_ok() and m.knows(len(members)) and "fail" not in m.text("CLUSTER", "NODES") for m in members)


def all_of(shards: list[list[Member]]) -> list[Member]:
    return [member for pair in shards for member in pair]


def joined_pairs(primary_kinds: str, replica_kinds: str) -> list[list[Member]]:
    """A cluster whose shards have a primary and a replica each, of the kinds `r` and `v`."""
    primaries = joined(primary_kinds)
    replicas = [Member(kind == "r") for kind in replica_kinds]
    members = primaries + replicas
    try:
        for replica in replicas:
            primaries[0].meet(replica)
        until("all know all", lambda: all(member.knows(len(members)) for member in members))
        for primary, replica in zip(primaries, replicas, strict=True):
            assert replica.do("CLUSTER", "REPLICATE", primary.id).raw == b"+OK\r\n"
        until("all replicas follow", lambda: all(follows(replica) for replica in replicas))
        until("all is steady", lambda: steady(members))
    except BaseException:
        for member in members:
            member.close()
        raise
    return [list(pair) for pair in zip(primaries, replicas, strict=True)]


def restart(member: Member) -> None:
    """Start a dead node again, with its files.  Its port changes."""
    member.wire.close()
    member.server.start()
    member.wire = member.connect()


def picture(reply: Reply, masks: dict[str, str]) -> object:
    """A reply without what is drawn at random: each key of `masks` stands as its value."""
    if reply.items:
        return (reply.kind, tuple(picture(item, masks) for item in reply.items))
    text = None if reply.text is None else reply.text.decode("latin-1")
    if text is not None:
        for secret, shown in masks.items():
            text = text.replace(secret, shown)
    return (reply.kind, text)
