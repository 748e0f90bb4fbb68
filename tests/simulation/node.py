"""A server of the simulated cluster: the engine, its seat in the cluster and its part in replication, on a disk that
forgets what was not synced.  Only sockets, clock and disk are simulated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tests.simulation.disk import Crashed, Disk
from tests.simulation.network import End, Place

from redpoll import commands
from redpoll.cluster.machine import Machine
from redpoll.cluster.node import Link
from redpoll.cluster.seat import Seat
from redpoll.config.file import load as load_config
from redpoll.engine.engine import Engine
from redpoll.engine.gates import GATE_LOADING
from redpoll.engine.host import Host
from redpoll.engine.remotes import Remote, RemoteError
from redpoll.engine.session import SILENT, Peer, Session
from redpoll.env.clock import VirtualClock
from redpoll.env.random import Random
from redpoll.errors import ServerError
from redpoll.persistence import background
from redpoll.persistence.append_control import AppendFile, AppendSettings
from redpoll.persistence.append_loading import LoadError
from redpoll.persistence.loading import load, open_snapshot
from redpoll.persistence.points import SaveSettings, due_point
from redpoll.persistence.saving import snapshot_path
from redpoll.persistence.snapshot_reader import Progress
from redpoll.protocol.encode import encode
from redpoll.protocol.output import Output
from redpoll.protocol.reply import BLOCKED, NO_REPLY
from redpoll.protocol.requests import Limits, RequestParser
from redpoll.replication.network import Errand, Network, Receiver, Wire
from redpoll.replication.replication import Replication, take_part

if TYPE_CHECKING:
    from tests.simulation.world import World

FAMILIES = commands.FAMILIES
TICK_MS: Final = 100
SHORT_TICK_MS: Final = 10
WALL_US: Final = 1_700_000_000_000_000


class SimHost(Host):
    def __init__(self, node: SimNode) -> None:
        self.node = node

    def log(self, message: str) -> None:
        self.node.trace(message)

    def note(self, message: str) -> None:
        self.node.trace(message)

    def give_up(self, last_words: str) -> None:
        self.node.trace(last_words)
        raise Crashed

    def end_by_fault(self, signal: int, last_words: str) -> bool:
        raise Crashed

    def connect(self, host: bytes, port: bytes, timeout_ms: int) -> Remote | None:
        return SimRemote(self.node, int(port) - 7000)


class BusEnd(End):
    """One end of a connection of the bus."""

    def __init__(self, node: SimNode, link: Link) -> None:
        super().__init__(node)
        self.node = node
        self.link = link
        node.bus_ends[link.id] = self

    def connected(self) -> None:
        assert self.pipe is not None
        peer = self.pipe.places[1]
        assert isinstance(peer, SimNode)
        self.node.machine.connected(self.link, peer.ip, self.node.ip)
        self.node.machine.finish()

    def received(self, data: bytes) -> None:
        self.node.machine.received(self.link, data)
        self.node.machine.finish()

    def lost(self, reason: str) -> None:
        self.node.bus_ends.pop(self.link.id, None)
        self.node.machine.lost(self.link)
        self.node.machine.finish()


class SimSeat(Seat):
    """The seat of the server, with connections in memory."""

    def __init__(self, node: SimNode, engine: Engine) -> None:
        self.node = node
        super().__init__(engine)

    def connect(self, link: Link, ip: bytes, port: int) -> None:
        node = self.node
        far = node.world.node_at(port - 10000)
        end = BusEnd(node, link)

        def accept() -> End:
            return BusEnd(far, far.machine.accepted(node.ip, far.ip))

        node.world.net.dial(end, far, far.is_running, accept)

    def send(self, link: Link, data: bytes) -> None:
        self.node.disk.operation()
        end = self.node.bus_ends.get(link.id)
        if end is not None:
            self.node.world.rules.announced(self.node, end, data)
            end.send(data)

    def close(self, link: Link) -> None:
        end = self.node.bus_ends.pop(link.id, None)
        if end is not None:
            end.shut()


class SimWire(Wire):
    """The connection that a replica has opened to its primary."""

    def __init__(self, end: LinkEnd, port: int) -> None:
        self.end = end
        self.port = port

    def send(self, data: bytes) -> None:
        self.end.send(data)

    def pause(self, paused: bool) -> None:
        self.end.paused = paused
        if not paused:
            waiting, self.end.waiting = self.end.waiting, []
            for data in waiting:
                self.end.received(data)

    def close(self) -> None:
        self.end.shut()

    def backlog(self) -> int:
        return 0

    def ask_writable(self) -> None:
        """The network takes everything, so there is room at once."""
        receiver = self.end.receiver
        if not self.end.is_shut:
            self.end.node.errands.append(receiver.drained)

    def address(self) -> bytes:
        return b"10.0.0.%d:%d" % (self.port - 7000, self.port)


class LinkEnd(End):
    """The near end of the connection to a primary."""

    def __init__(self, node: SimNode, receiver: Receiver) -> None:
        super().__init__(node)
        self.node = node
        self.receiver = receiver
        self.paused = False
        self.waiting: list[bytes] = []

    def connected(self) -> None:
        self.receiver.connected()

    def received(self, data: bytes) -> None:
        if self.paused:
            self.waiting.append(data)
        else:
            self.receiver.received(data)

    def lost(self, reason: str) -> None:
        self.receiver.lost(reason)


class SimNetwork(Network):
    def __init__(self, node: SimNode) -> None:
        self.node = node

    def can_dial(self) -> bool:
        return True

    def dial(self, host: bytes, port: int, receiver: Receiver) -> Wire | None:
        node = self.node
        far = node.world.node_at(port)
        end = LinkEnd(node, receiver)
        node.world.net.dial(end, far, far.is_running, lambda: ServedEnd(far, node.ip))
        return SimWire(end, port)

    def soon(self, errand: Errand) -> None:
        self.node.errands.append(errand.run_errand)

    def pump(self, wait: bool) -> bool:
        if wait:
            self.node.world.step_inside(self.node)
        return True

    def own_port(self) -> int:
        return self.node.port


class ServedPeer(Peer):
    """What a session knows of its connection."""

    def __init__(self, end: ServedEnd) -> None:
        self.end = end

    def address(self) -> bytes:
        return b"%s:%d" % (self.end.ip, 40000 + self.end.number)

    def descriptor(self) -> int:
        return 100 + self.end.number

    def deliver(self, session: Session, reply: object) -> None:
        self.end.put(reply)

    def requeue(self, args: list[bytes]) -> None:
        self.end.queue.insert(0, args)

    def resume(self, session: Session) -> None:
        self.end.node.errands.append(self.end.process)

    def close(self) -> None:
        self.end.close()

    def close_after_reply(self) -> None:
        self.end.ending = True
        self.wake()

    def wake(self) -> None:
        self.end.node.dirty[self.end] = None

    def write(self, data: bytes) -> None:
        self.end.out.write(data)
        self.wake()


class ServedEnd(End):
    """The accepting end of a connection of a client or a replica: commands in, replies out."""

    def __init__(self, node: SimNode, ip: bytes) -> None:
        super().__init__(node)
        self.node = node
        self.ip = ip
        self.number = node.world.next_number()
        self.size = 0
        """Bytes that have come."""
        self.out = Output()
        self.queue: list[list[bytes]] = []
        self.closed = False
        self.ending = False
        self.parser = RequestParser(Limits())
        self.running = False
        self.current: list[bytes] = []
        self.client: Place | None = None
        self.peer = ServedPeer(self)
        assert node.engine is not None
        self.engine: Engine = node.engine
        self.session: Session = self.engine.open_session(self.peer)
        self.session.authenticated = True
        self.session.gates = 0
        node.served[self] = None

    def received(self, data: bytes) -> None:
        if self.closed:
            return
        self.size += len(data)
        self.parser.feed(data)
        failed = self.parser.parse(self.queue, 1 << 30)
        assert failed is None, failed
        self.process()

    def process(self) -> None:
        session = self.session
        self.engine.start_unit()
        while self.queue and not session.waits() and not self.closed and not self.ending:
            taker = session.taker
            if taker is not None:
                commands, self.queue = self.queue, []
                taker.take(commands, self.size)
                continue
            args = self.queue.pop(0)
            self.current = args
            self.running = True
            reply = self.engine.execute(session, args)
            self.running = False
            if session.is_postponed():
                self.queue.insert(0, args)
            elif reply is not BLOCKED and reply is not NO_REPLY:
                self.put(reply)
        self.peer.wake()

    def put(self, reply: object) -> None:
        if self.session.quiet == SILENT or self.closed:
            return
        if self.current and self.current[0] == b"WAIT" and isinstance(reply, int):
            self.node.world.rules.waited(self, reply)
        encode(self.out, reply, 2)
        self.peer.wake()

    def flush(self) -> None:
        """Send what there is."""
        self.node.disk.operation()
        self.send(b"".join(self.out.take()))
        follower = self.session.follower
        while follower is not None and not self.closed:
            piece = follower.next_piece()
            if not piece:
                break
            self.send(piece)
        if follower is not None and follower.ends():
            self.ending = True
        if self.ending:
            self.close()

    def lost(self, reason: str) -> None:
        self.close()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.node.served.pop(self, None)
            self.engine.close_session(self.session)
            self.shut()


class SimRemote(Remote):
    """The connection of MIGRATE: the whole program waits for it, so it takes no time."""

    def __init__(self, node: SimNode, index: int) -> None:
        super().__init__()
        self.node = node
        self.target = node.world.nodes[index - 1]
        self.life = self.target.life
        self.session: Session | None = None
        self.replies: list[bytes] = []
        self.database = 0

    def send(self, data: bytes) -> None:
        node, target = self.node, self.target
        world = node.world
        reached = target.is_running() and target.frozen_until <= world.now and self.life == target.life
        if not reached or world.net.is_cut(node, target) or world.net.is_cut(target, node):
            raise RemoteError(b"IOERR error or timeout writing to target instance", True)
        parser = RequestParser(Limits())
        parser.feed(data)
        found: list[list[bytes]] = []
        parser.parse(found, 1 << 30)
        out = Output()

        def serve() -> None:
            assert target.engine is not None
            if self.session is None:
                self.session = target.engine.open_session(Peer())
                self.session.authenticated = True
                self.session.gates = 0
                self.session.may_block = False
            target.engine.start_unit()
            for args in found:
                encode(out, target.engine.execute(self.session, args), 2)

        target.run(target.life, serve)
        if world.chance.random() < 0.1 and world.troubled:
            raise RemoteError(b"IOERR error or timeout reading from target instance", True)
        self.replies = b"".join(out.take()).split(b"\r\n")[:-1]

    def line(self) -> bytes:
        if not self.replies:
            raise RemoteError(b"IOERR error or timeout reading from target instance", True)
        return self.replies.pop(0)


class SimNode(Place):
    """A process that may crash, pause, and have a wrong clock."""

    def __init__(self, world: World, index: int, options: list[bytes]) -> None:
        super().__init__(index, f"n{index}")
        self.world: Final = world
        self.options: Final = options
        self.ip: Final = b"10.0.0.%d" % index
        self.port: Final = 7000 + index
        self.disk: Final = Disk(world.chance)
        self.engine: Engine | None = None
        self.reachable = True
        """Whether its machine answers: refuses connections if no server runs."""
        self.frozen_until = 0
        self.inbox: list[tuple[int, Callable[[], None]]] = []
        self.busy = False
        self.set_by_us = 0
        self.ticked = 0
        self.clear()

    def clear(self) -> None:
        self.bus_ends: dict[int, BusEnd] = {}
        self.served: dict[ServedEnd, None] = {}
        self.dirty: dict[ServedEnd, None] = {}
        self.errands: list[Callable[[], None]] = []

    # What others ask.

    def is_there(self) -> bool:
        return self.reachable

    def is_running(self) -> bool:
        return self.engine is not None

    def syncs_always(self) -> bool:
        """Whether its replies promise that the disk has the data."""
        return b"always" in self.options

    def peek(self, *words: bytes) -> object:
        """The reply to a command that reads, whoever owns the slot."""
        engine = self.engine
        assert engine is not None
        command = engine.meant(list(words))
        assert command is not None
        session = engine.open_session(Peer())
        reply = engine.run(session, command, list(words))
        engine.close_session(session)
        return reply

    def trace(self, text: str) -> None:
        self.world.trace(f"{self.name}: {text}")

    # Life.

    def start(self) -> None:
        """Start with what is on the disk."""
        world = self.world
        assert self.engine is None
        self.life += 1
        self.reachable = True
        self.frozen_until = 0
        self.inbox = []
        self.clear()
        self.trace("starts")
        words = [b"--cluster-enabled", b"yes", b"--port", b"%d" % self.port, *self.options]
        self.clock = VirtualClock(WALL_US)
        self.set_clock()
        config = load_config(words, b"", self.disk)
        seed = world.seed * 1_000_000 + self.index * 10_000 + self.life
        self.engine = Engine(self.clock, Random(seed), host=SimHost(self), config=config)
        self.engine.saves_itself = False
        try:
            self.build(self.engine)
        except Crashed:
            world.crash(self, True)
            return
        except (LoadError, ServerError) as refused:
            if self.disk.failing == 0.0:
                raise
            self.trace(f"does not start: {refused}")
            world.crash(self, False)
            return
        life = self.life
        phase = world.chance.randrange(TICK_MS)
        world.at(world.now + phase, lambda: self.tick(life))
        self.run(life, lambda: None)

    def build(self, engine: Engine) -> None:
        """What the server does at its start."""
        seat = SimSeat(self, engine)
        self.seat: SimSeat = seat
        self.machine: Machine = seat.machine
        SaveSettings(engine).connect()
        self.replication: Replication = take_part(engine, SimNetwork(self))
        self.log = AppendFile(engine)
        engine.durability.append_only = self.log
        self.load(engine)
        AppendSettings(self.log)
        seat.activate()

    def load(self, engine: Engine) -> None:
        durability = engine.durability
        engine.start_unit()
        durability.loading = True
        engine.gates |= GATE_LOADING
        if engine.config.flag(b"appendonly"):
            self.log.open(Progress())
        else:
            reader = open_snapshot(engine, snapshot_path(engine))
            if reader is not None:
                complaint = load(engine, reader, Progress())
                assert not complaint, complaint
                place = durability.place
                if place.offset >= 0 and len(place.history) == 40:
                    self.replication.loaded(place, self.seat.is_replica())
        engine.gates &= ~GATE_LOADING
        durability.loading = False

    def set_clock(self) -> None:
        self.clock.at_us = WALL_US + self.world.now * 1000
        self.clock.set_by_us = self.set_by_us

    # Turns.

    def run(self, life: int, action: Callable[[], None]) -> None:
        """One turn of its loop: something happens, then what waits is written and sent.  It may crash in the middle."""
        if self.life != life or self.engine is None:
            return
        if self.frozen_until > self.world.now:
            self.inbox.append((life, action))
            return
        if self.inbox:
            earlier, self.inbox = self.inbox, []
            for _life, before in earlier:
                self.turn(life, before)
        self.turn(life, action)

    def turn(self, life: int, action: Callable[[], None]) -> None:
        if self.life != life or self.engine is None:
            return
        self.set_clock()
        nested = self.busy
        self.busy = True
        try:
            self.seat.wake()
            action()
            self.finish_turn(self.engine, nested)
        except Crashed:
            self.world.crash(self, True)
        finally:
            self.busy = nested
        if self.engine is not None and self.life == life:
            self.world.rules.check(self)

    def finish_turn(self, engine: Engine, nested: bool) -> None:
        while self.errands and not nested:
            errand = self.errands.pop(0)
            engine.start_unit()
            errand()
        if engine.unwritten:
            engine.commit()
        dirty, self.dirty = self.dirty, {}
        for end in dirty:
            if not end.closed:
                end.flush()

    def tick(self, life: int) -> None:
        if self.life != life or self.engine is None:
            return
        span = TICK_MS
        if self.engine.durability.running is not None or self.engine.next_deadline_ms() > 0:
            span = SHORT_TICK_MS
        self.world.at(self.world.now + span, lambda: self.tick(life))
        self.ticked += span
        full = self.ticked >= TICK_MS
        if full:
            self.ticked = 0
        if self.frozen_until > self.world.now:
            return
        self.run(life, lambda: self.timers(full))

    def timers(self, full: bool) -> None:
        engine = self.engine
        assert engine is not None
        engine.tick()
        running = engine.durability.running
        if running is not None:
            engine.start_unit()
            running.step(0)
        if not full:
            return
        if running is None and engine.frozen == 0:
            engine.start_unit()
            if due_point(engine) or engine.durability.scheduled:
                background.start(engine)
        engine.start_unit()
        self.replication.tick()
        self.log.tick()
        self.seat.wake()
        self.machine.tick()
        self.machine.finish()
        if self.machine.ticks % 10 == 0:
            self.seat.look_at_waiting()

    # Orders.

    def order(self, *words: bytes) -> object:
        """Run a command as an operator at the machine; None if the node does not answer."""
        if self.engine is None or self.frozen_until > self.world.now or self.busy:
            return None
        replies: list[object] = []

        def act() -> None:
            assert self.engine is not None
            session = self.engine.open_session(Peer())
            session.gates = 0
            session.may_block = False
            self.engine.start_unit()
            replies.append(self.engine.execute(session, list(words)))
            self.engine.close_session(session)

        self.run(self.life, act)
        return replies[0] if replies else None
