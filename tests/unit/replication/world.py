"""Servers with replication in memory: one virtual clock, wires that deliver when they are told to.

The same machines run in a real server; here, bytes go from hand to hand.
"""

from __future__ import annotations

from collections.abc import Callable

from redpoll import commands
from redpoll.config.schema import BY_NAME
from redpoll.config.settings import Config
from redpoll.engine.engine import Engine
from redpoll.engine.gates import GATE_NOAUTH
from redpoll.engine.host import Host
from redpoll.engine.session import SILENT, Buffers, Peer, Session
from redpoll.env.clock import VirtualClock
from redpoll.env.files import MemoryFiles
from redpoll.env.random import Random
from redpoll.observe.digest import data_digest
from redpoll.protocol.encode import encode
from redpoll.protocol.output import Output
from redpoll.protocol.reply import BLOCKED, NO_REPLY
from redpoll.protocol.requests import Limits, RequestParser
from redpoll.replication.network import Errand, Network, Receiver, Wire
from redpoll.replication.replication import Replication, take_part

FAMILIES = commands.FAMILIES
CHUNK = 1000
"""Bytes of one delivery."""


class Notes(Host):
    """A host that keeps its log."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, message: str) -> None:
        self.lines.append(message)

    def note(self, message: str) -> None:
        self.lines.append(message)


class MemoryWire(Wire):
    """The dialling end of a connection in memory."""

    def __init__(self, world: World, receiver: Receiver, far: ServerEnd) -> None:
        self.world = world
        self.receiver = receiver
        self.far = far
        self.to_near = b""
        self.to_far = b""
        self.is_connected = False
        self.closed = False
        self.paused = False

    def send(self, data: bytes) -> None:
        self.to_far += data

    def pause(self, paused: bool) -> None:
        self.paused = paused

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.world.wires.remove(self)
            self.far.close()

    def address(self) -> bytes:
        return b"127.0.0.1:%d" % self.far.server.port

    def descriptor(self) -> int:
        return 77

    def cut(self) -> None:
        """Break the connection: both ends learn of it."""
        if not self.closed:
            self.closed = True
            self.world.wires.remove(self)
            self.far.close()
            self.receiver.lost("cut")


class ServerEnd(Peer):
    """The accepting end: parses commands, runs them, and collects the replies."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.wire: MemoryWire | None = None
        self.out = Output()
        self.closed = False
        self.filled = 0
        """How often `fill_packets` was called."""
        self.session: Session = server.engine.open_session(self)
        self.session.gates &= ~GATE_NOAUTH
        self.parser = RequestParser(Limits())

    def address(self) -> bytes:
        return b"127.0.0.1:5"

    def descriptor(self) -> int:
        return 5

    def take(self, data: bytes) -> None:
        self.parser.feed(data)
        found: list[list[bytes]] = []
        broken = self.parser.parse(found, 1 << 30)
        self.server.engine.start_unit()
        for args in found:
            if self.closed:
                # The socket of a client that was disconnected brings nothing more.
                return
            reply = self.server.engine.execute(self.session, args)
            if reply is not BLOCKED and reply is not NO_REPLY and self.session.quiet != SILENT:
                encode(self.out, reply, 2)
        if broken is not None:
            self.close()

    def given(self) -> bytes:
        """What there is to send."""
        data = b"".join(self.out.take())
        follower = self.session.follower
        while follower is not None and len(data) < CHUNK:
            piece = follower.next_piece()
            if not piece:
                break
            data += piece
        return data

    def deliver(self, session: Session, reply: object) -> None:
        encode(self.out, reply, 2)

    def write(self, data: bytes) -> None:
        self.out.write(data)

    def fill_packets(self) -> None:
        self.filled += 1

    def buffers(self) -> Buffers:
        found = Buffers()
        found.reply = self.out.size()
        return found

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self.server.engine.close_session(self.session)
        wire = self.wire
        if wire is not None and not wire.closed:
            wire.closed = True
            self.server.world.wires.remove(wire)
            self.server.world.lost.append(wire)


class MemoryNetwork(Network):
    def __init__(self, server: Server) -> None:
        self.server = server

    def can_dial(self) -> bool:
        return True

    def dial(self, host: bytes, port: int, receiver: Receiver) -> Wire | None:
        world = self.server.world
        far = world.servers.get(port)
        if far is None or (self.server.port, port) in world.cut_off:
            return None
        end = ServerEnd(far)
        wire = MemoryWire(world, receiver, end)
        end.wire = wire
        world.wires.append(wire)
        return wire

    def soon(self, errand: Errand) -> None:
        self.server.world.errands.append((self.server, errand))

    def pump(self, wait: bool) -> bool:
        if wait:
            self.server.world.pumps += 1
            self.server.world.watch()
            assert self.server.world.pumps < 100_000, "a load waits for ever"
            self.server.world.step()
        return True

    def own_port(self) -> int:
        return self.server.port


class Server:
    """One server of the world."""

    def __init__(self, world: World, port: int, **settings: str) -> None:
        self.world = world
        self.port = port
        self.host = Notes()
        self.files = MemoryFiles()
        config = Config(self.files)
        config.assign(BY_NAME[b"databases"], [b"4"])
        config.assign(BY_NAME[b"repl-diskless-sync-delay"], [b"0"])
        for name, value in settings.items():
            config.assign(BY_NAME[name.replace("_", "-").encode()], value.encode().split())
        self.engine = Engine(world.clock, Random(port), 4, self.host, config=config)
        self.engine.saves_itself = False
        self.replication: Replication = take_part(self.engine, MemoryNetwork(self))
        self.client = ServerEnd(self)
        world.servers[port] = self

    def do(self, *words: object) -> object:
        self.engine.start_unit()
        args = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        return self.engine.execute(self.client.session, args)

    def play(self, *lines: str) -> object:
        reply: object = None
        for line in lines:
            reply = self.do(*line.split())
        return reply

    def digest(self) -> bytes:
        return data_digest(self.engine)


class World:
    """Servers by port, and the wires between them."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.servers: dict[int, Server] = {}
        self.wires: list[MemoryWire] = []
        self.lost: list[MemoryWire] = []
        self.errands: list[tuple[Server, Errand]] = []
        self.cut_off: set[tuple[int, int]] = set()
        self.pumps = 0
        self.watch: Callable[[], object] = lambda: None
        """Called while a load waits for data."""

    def step(self) -> bool:
        """Deliver what is on its way, a chunk on each wire; return whether something has happened."""
        moved = False
        lost, self.lost = self.lost, []
        for wire in lost:
            moved = True
            wire.receiver.lost("closed by the other end")
        for wire in list(self.wires):
            if wire.closed:
                continue
            if not wire.is_connected:
                wire.is_connected = True
                wire.receiver.connected()
                moved = True
                continue
            data, wire.to_far = wire.to_far[:CHUNK], wire.to_far[CHUNK:]
            if data:
                moved = True
                wire.far.take(data)
            if wire.closed or wire.paused:
                continue
            wire.to_near += wire.far.given()
            data, wire.to_near = wire.to_near[:CHUNK], wire.to_near[CHUNK:]
            if data:
                moved = True
                wire.receiver.received(data)
            follower = wire.far.session.follower
            if not wire.closed and follower is not None and follower.ends() and not wire.to_near:
                wire.far.close()
        for server in list(self.servers.values()):
            running = server.engine.durability.running
            if running is not None:
                server.engine.start_unit()
                running.step(1000)
                moved = True
        return moved

    def run(self, most: int = 100_000) -> None:
        """Deliver until all is quiet."""
        while most > 0:
            most -= 1
            moved = self.step()
            if self.errands:
                server, errand = self.errands.pop(0)
                server.engine.start_unit()
                errand.run_errand()
            elif not moved:
                return
        raise AssertionError("the world does not come to rest")

    def pass_time(self, seconds: float = 1.0) -> None:
        """Let time pass, in tenths of a second."""
        for _ in range(round(seconds * 10)):
            self.clock.advance_ms(100)
            for server in list(self.servers.values()):
                server.engine.start_unit()
                server.replication.tick()
            self.run()

    def pair(self, **settings: str) -> tuple[Server, Server]:
        """A primary and a replica that is up."""
        one, other = Server(self, 1), Server(self, 2, **settings)
        other.do("REPLICAOF", "h", 1)
        self.settle_down()
        assert other.replication.link.is_up()
        return one, other

    def settle_down(self) -> None:
        self.run()
        self.pass_time(2.5)
