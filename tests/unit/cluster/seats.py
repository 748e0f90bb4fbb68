"""A node in an engine on virtual time: its commands run, and other nodes are only entries of its view."""

from __future__ import annotations

from tests.unit.engine.machine import Told

from redpoll import commands
from redpoll.cluster.flags import MASTER
from redpoll.cluster.node import Node
from redpoll.cluster.seat import Seat
from redpoll.cluster.slot_sets import ALL_SLOTS, one
from redpoll.config.file import load
from redpoll.engine.engine import Engine
from redpoll.engine.host import Host
from redpoll.engine.session import Peer
from redpoll.engine.unit import Journal
from redpoll.env.clock import VirtualClock
from redpoll.env.files import MemoryFiles
from redpoll.env.random import Random
from redpoll.protocol.reply import BLOCKED, Error, Map, Status, Verbatim, View

FAMILIES = commands.FAMILIES
FOLDER = b"/data"
HOME = b"a" * 40
"""The id of the other node in `Seated.neighbour`."""


class Noting(Host):
    """A host that keeps the notices of the log."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


class Recorder(Journal):
    """Keeps the effects in their order, with MULTI and EXEC."""

    def __init__(self) -> None:
        self.effects: list[list[bytes]] = []

    def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
        self.effects += effects


class Seated:
    """A node alone, with the ports 27609 and 27659.  `files`: what an earlier run has left."""

    def __init__(self, *options: bytes, files: MemoryFiles | None = None) -> None:
        self.files = files if files is not None else MemoryFiles()
        self.clock = VirtualClock()
        words = [b"--cluster-enabled", b"yes", b"--port", b"27609", b"--cluster-port", b"27659", *options]
        self.host = Noting()
        self.notes = self.host.notes
        self.engine = Engine(self.clock, Random(1), host=self.host, config=load(words, b"", self.files))
        self.seat = Seat(self.engine)
        self.machine = self.seat.machine
        self.seat.activate()
        self.session = self.engine.open_session(Peer())

    def play(self, line: str) -> object:
        """Run a line's command; its reply as the captured replies write it."""
        self.engine.start_unit()
        return plain(self.engine.execute(self.session, [word.encode() for word in line.split()]))

    def blocked(self, line: str) -> Told:
        """The connection of a client that waits in a command."""
        told = Told()
        self.engine.start_unit()
        reply = self.engine.execute(self.engine.open_session(told), [word.encode() for word in line.split()])
        assert reply is BLOCKED
        return told

    def serve(self) -> None:
        """Own all slots, with the cluster ok."""
        self.machine.view.assign(ALL_SLOTS, self.machine.view.myself)
        self.be_ok(True)

    def be_ok(self, is_ok: bool) -> None:
        """Set the state of the cluster, as `state.update` would after its waits."""
        self.machine.state_ok = is_ok
        self.machine.recompute = False
        self.machine.routing_changed = True
        self.machine.finish()

    def neighbour(self, *slots: int, name: bytes = HOME, epoch: int = 0) -> Node:
        """Add another primary with these slots, at 10.0.0.2:7002.  Its shard has the name of the node."""
        node = Node(name, MASTER, self.machine.now)
        node.shard = name
        node.config_epoch = epoch
        node.ip = b"10.0.0.2"
        node.port = 7002
        node.bus_port = 17002
        view = self.machine.view
        view.add(node)
        for slot in slots:
            view.assign(one(slot), node)
        self.be_ok(self.machine.state_ok)
        return node


def plain(reply: object) -> object:
    """A reply in the notation of the captured ones: a map is a flat list, an error starts with `-`."""
    if isinstance(reply, Error):
        return f"-{reply.text.decode()}"
    if isinstance(reply, Status):
        return reply.text.decode()
    if isinstance(reply, Verbatim):
        return reply.text
    if isinstance(reply, Map):
        return [plain(item) for item in reply.items]
    if isinstance(reply, View):
        return reply.to_list()
    if isinstance(reply, list):
        return [plain(item) for item in reply]
    return reply
