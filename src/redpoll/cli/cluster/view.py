"""The cluster as a node reports it in CLUSTER NODES."""

from __future__ import annotations

from dataclasses import dataclass, field

from redpoll.cli.cluster.words import Address, Refusal
from redpoll.cluster.slot_sets import ranges, span

NODE_WORDS = 8
BUS_OFFSET = 10000


@dataclass
class Line:
    """One node, as some node sees it.  `slots` is a set as in cluster/slot_sets.py.

    `migrating` and `importing` map open slots to the id of the other node; only a node's line of itself has them.
    """

    id: str
    address: Address
    bus_port: int = 0
    flags: frozenset[str] = frozenset()
    primary: str = ""
    epoch: int = 0
    connected: bool = True
    slots: int = 0
    migrating: dict[int, str] = field(default_factory=dict)
    importing: dict[int, str] = field(default_factory=dict)

    @property
    def is_primary(self) -> bool:
        return "master" in self.flags

    @property
    def is_replica(self) -> bool:
        return "slave" in self.flags

    @property
    def can_be_called(self) -> bool:
        """Whether the node has an address, and has been met."""
        return not self.flags & {"noaddr", "handshake"}


@dataclass
class View:
    """The cluster as one node sees it."""

    me: Line
    lines: dict[str, Line]

    def signature(self) -> frozenset[tuple[str, tuple[tuple[int, int], ...]]]:
        """Who owns which slots: equal in all nodes once they agree."""
        return frozenset((line.id, tuple(ranges(line.slots))) for line in self.lines.values() if line.slots)


def read_view(text: str) -> View:
    """Read a reply of CLUSTER NODES.  Raises Refusal."""
    lines = {}
    me = None
    for row in text.splitlines():
        if not row.strip():
            continue
        try:
            line = read_line(row.split())
        except (ValueError, IndexError) as wrong:
            raise Refusal(f"a node's reply to CLUSTER NODES cannot be read: {row!r}") from wrong
        lines[line.id] = line
        if "myself" in line.flags:
            me = line
    if me is None:
        raise Refusal("a node's reply to CLUSTER NODES does not have the node itself")
    return View(me, lines)


def read_line(words: list[str]) -> Line:
    """Read the words of a line.  Raises ValueError and IndexError."""
    place, _, rest = words[1].partition("@")
    host, _, port = place.rpartition(":")
    bus = rest.partition(",")[0]
    line = Line(
        id=words[0],
        address=Address(host, int(port)),
        bus_port=int(bus) if bus else int(port) + BUS_OFFSET,
        flags=frozenset(words[2].split(",")),
        primary="" if words[3] == "-" else words[3],
        epoch=int(words[6]),
        connected=words[7] == "connected",
    )
    for word in words[NODE_WORDS:]:
        read_slots(line, word)
    return line


def read_slots(line: Line, word: str) -> None:
    """Add `7`, `0-99`, `[7->-ID]` or `[7-<-ID]` to a line."""
    if word.startswith("["):
        open_slot = word.strip("[]")
        if "->-" in open_slot:
            slot, _, other = open_slot.partition("->-")
            line.migrating[int(slot)] = other
        else:
            slot, _, other = open_slot.partition("-<-")
            line.importing[int(slot)] = other
        return
    first, _, last = word.partition("-")
    line.slots |= span(int(first), int(last or first))
