"""A migration between two engines in memory, step by step."""

from __future__ import annotations

from tests.unit.cluster.seats import Seated

from redpoll.cluster.claims import claim
from redpoll.cluster.slot_sets import ALL_SLOTS
from redpoll.engine.engine import Engine
from redpoll.engine.session import Peer
from redpoll.observe.digest import key_digest
from redpoll.protocol.requests import Limits, RequestParser
from redpoll.replication.network import Errand, Network, Receiver, Wire
from redpoll.replication.replication import take_part

TAG = b"{bar}"
SLOT = 5061


class Pipe(Wire):
    """The source's end of the connection."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False
        self.waiting = 0
        """What `backlog` returns."""
        self.asked = 0
        """How often `ask_writable` was called."""

    def backlog(self) -> int:
        return self.waiting

    def ask_writable(self) -> None:
        self.asked += 1

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.closed = True


class Wires(Network):
    """Keeps the last connection, and runs errands when the test says so."""

    def __init__(self) -> None:
        self.wire = Pipe()
        self.receiver: Receiver | None = None
        self.errands: list[Errand] = []

    def dial(self, host: bytes, port: int, receiver: Receiver) -> Wire | None:
        self.receiver = receiver
        return self.wire

    def soon(self, errand: Errand) -> None:
        self.errands.append(errand)

    def run(self) -> None:
        while self.errands:
            self.errands.pop(0).run_errand()


class End(Peer):
    """The target's end of the connection."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.ended = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close_after_reply(self) -> None:
        self.ended = True


class World:
    """A source that owns all slots, and a target."""

    def __init__(self) -> None:
        self.source, self.target = Seated(), Seated()
        # Both are seeded alike.
        view = self.target.machine.view
        view.rename(view.myself, b"b" * 40)
        self.wires = Wires()
        take_part(self.source.engine, self.wires)
        take_part(self.target.engine, Network())
        there = self.source.neighbour(name=b"b" * 40)
        here = self.target.neighbour(name=self.source.machine.view.myself.name)
        self.source.machine.view.assign(ALL_SLOTS, self.source.machine.view.myself)
        view.assign(ALL_SLOTS, here)
        for one in (self.source, self.target):
            one.be_ok(True)
        self.end = End()
        self.link = self.target.engine.open_session(self.end)
        self.parser = RequestParser(Limits(1 << 30))
        self.received = 0
        self.job = self.source.machine.migrations.export([(SLOT, SLOT)], there)

    def do(self, *words: bytes) -> object:
        """A command of a client of the source."""
        self.source.engine.start_unit()
        return self.source.engine.execute(self.source.session, list(words))

    def tick(self) -> None:
        for one in (self.source, self.target):
            one.clock.advance_ms(100)
            one.engine.start_unit()
            one.seat.update_time()
            one.machine.migrations.tick()
            one.machine.finish()

    def connect(self) -> None:
        self.tick()
        assert self.wires.receiver is not None
        self.wires.receiver.connected()

    def step(self) -> None:
        """A slice of the snapshot."""
        running = self.source.engine.durability.running
        if running is not None:
            self.source.engine.start_unit()
            running.step(0)

    def carry(self) -> None:
        """Bring the bytes that are under way to both ends."""
        self.wires.run()
        sent, self.wires.wire.sent = self.wires.wire.sent, []
        for data in sent:
            self.received += len(data)
            self.parser.feed(data)
        commands: list[list[bytes]] = []
        assert self.parser.parse(commands, 1 << 30) is None
        self.target.engine.start_unit()
        while commands:
            taker = self.link.taker
            if taker is None:
                if self.end.ended:
                    break
                self.target.engine.execute(self.link, commands.pop(0))
            else:
                taker.take(commands, self.received)
                commands = []
        written, self.end.written = self.end.written, []
        receiver = self.wires.receiver
        for data in written:
            if receiver is not None and not self.wires.wire.closed:
                receiver.received(data)

    def finish(self) -> None:
        """Go on until the target owns the slots; then the bus tells the source."""
        for _ in range(10_000):
            if self.target.machine.view.myself.slots:
                break
            self.step()
            self.carry()
            if self.source.engine.durability.running is None:
                self.tick()
        view = self.source.machine.view
        there = view.nodes[b"b" * 40]
        self.digests = digests(self.source.engine)
        claim(self.source.machine, there, 10, there.slots | 1 << SLOT)
        self.source.machine.finish()
        self.wires.run()


def digests(engine: Engine) -> dict[bytes, bytes]:
    """The digest of each key, hidden or not."""
    found = {}
    for db in engine.databases:
        for name in NAMES:
            if db.find(name):
                found[name] = key_digest(db, name)
    return found


NAMES = [TAG + b"%d" % n for n in range(6)]


def begun() -> World:
    world = World()
    for name in NAMES:
        world.do(b"SET", name, b"v")
    world.connect()
    world.carry()
    world.tick()
    while world.source.engine.durability.running is not None:
        world.step()
    return world
