"""A whole cluster in one process: virtual time, an in-memory network, and one seed.

The nodes are the real state machines with the real nodes.conf on disks that forget what was not synced.  Replication is
a stub: a replica that reaches its primary has its offset.  Every step checks what must always hold:

* no two nodes own one slot with the same config epoch, epochs that were taken without asking anybody apart,
* what a node has announced (its epochs) never goes back, across crashes too,
* a node votes for one candidate in an epoch, and a candidate wins an epoch alone.

After `heal`, all nodes must come to one view within a bounded number of timeouts.
"""

from __future__ import annotations

import heapq
import random
from typing import Final

from tests.unit.cluster.agreement import disagreements

from redpoll.cluster import messages, operations
from redpoll.cluster.machine import TICK_MS, Machine, new_view
from redpoll.cluster.messages import decode
from redpoll.cluster.node import Link, Node
from redpoll.cluster.nodes_conf import conf_text, read_conf
from redpoll.cluster.outside import Outside, Settings
from redpoll.cluster.slot_sets import members, one, ranges
from redpoll.cluster.view import View
from redpoll.env.files import MemoryFiles
from redpoll.env.random import Random
from redpoll.errors import CommandError

CONF: Final = b"/nodes.conf"
EMPTY: Final = sum(one(slot) for slot in range(0, 16384, 97))
"""The slots that hold no keys.  The others hold some on every node."""
WALL: Final = 1_700_000_000_000
START: Final = 1000
"""Time begins here: 0 means never."""


class Crashed(Exception):
    """The node dies in the middle of a turn."""


class Violation(AssertionError):
    """Something that must never happen has happened."""


class Wire:
    """One connection.  Each direction keeps its order; what is on its way when it breaks is lost."""

    def __init__(self, ends: tuple[SimNode, SimNode], links: list[Link | None]) -> None:
        self.ends = ends
        self.links = links
        self.lives = [ends[0].life, ends[1].life]
        self.open = True
        self.last = [0, 0]
        """When the last message of each direction arrives."""


class SimOutside(Outside):
    def __init__(self, node: SimNode) -> None:
        self.node: Final = node

    def connect(self, link: Link, ip: bytes, port: int) -> None:
        self.node.world.connect(self.node, link, ip, port)

    def send(self, link: Link, data: bytes) -> None:
        self.node.operation()
        self.node.world.send(self.node, link, data)

    def close(self, link: Link) -> None:
        self.node.world.close(self.node, link)

    def save(self) -> bool:
        node = self.node
        node.operation()
        if node.world.chance.random() < node.world.failing_saves:
            return False
        machine = node.machine
        assert machine is not None
        node.files.replace(CONF, conf_text(machine.view, False, machine.wall_offset))
        node.operation()
        return True

    def offset(self) -> int:
        return self.node.offset

    def data_age_ms(self) -> int:
        return self.node.now() - self.node.contact

    def follows(self) -> bool:
        return self.node.followed is not None

    def follow(self, primary: Node, full: bool) -> None:
        self.node.followed = (primary.ip, primary.port)
        if full:
            self.node.offset = 0

    def promote(self) -> None:
        self.node.followed = None

    def flush(self) -> None:
        self.node.offset = 0

    def keys_in(self, slots: int) -> int:
        return slots & ~EMPTY

    def pause_writes(self, span_ms: int) -> None:
        self.node.paused_writes = self.node.now() + span_ms

    def resume_writes(self) -> None:
        self.node.paused_writes = 0

    def log(self, text: str) -> None:
        self.node.world.trace(f"{self.node.name}: {text}")


class SimNode:
    """A process that may crash, pause, and have a wrong clock."""

    def __init__(self, world: World, index: int) -> None:
        self.world: Final = world
        self.index: Final = index
        self.name: Final = f"n{index}"
        self.ip: Final = b"10.0.0.%d" % index
        self.port: Final = 7000 + index
        self.files: Final = MemoryFiles()
        self.machine: Machine | None = None
        self.id = b""
        self.life = 0
        """Counts its starts: a connection belongs to one life."""
        self.frozen_until = 0
        self.waiting: list[tuple[str, object, bytes]] = []
        self.clock_shift = 0
        self.operations_left = -1
        self.offset = 0
        self.contact = START
        self.followed: tuple[bytes, int] | None = None
        self.paused_writes = 0
        self.wires: dict[int, tuple[Wire, int]] = {}
        """The wire and its end, by the id of the link."""
        # What was announced, over all lives.
        self.announced_epoch = 0
        self.announced_config = 0
        self.votes: dict[int, bytes] = {}
        self.was_replica = False
        self.epoch = 10**9

    def now(self) -> int:
        return self.world.now

    def operation(self) -> None:
        """One of the steps at which a crash may happen."""
        if self.operations_left >= 0:
            if self.operations_left == 0:
                raise Crashed
            self.operations_left -= 1

    def start(self, view: View | None = None) -> None:
        """Start with the file on the disk, or with `view` if there is none."""
        world = self.world
        assert self.machine is None
        self.life += 1
        now = world.now
        if view is None:
            if self.files.exists(CONF):
                view = read_conf(self.files.read(CONF), now, False)
            else:
                view = new_view(world.random, now)
        self.id = view.myself.name
        view.myself.ip = self.ip
        view.myself.port = self.port
        view.myself.bus_port = self.port + 10000
        self.epoch = view.myself.config_epoch
        self.machine = Machine(view, world.settings, world.random, SimOutside(self), now, self.wall())
        self.offset = 0
        self.contact = now
        self.followed = None
        self.paused_writes = 0
        self.wires = {}
        self.waiting = []
        self.turn(("finish", None, b""))
        world.at(now + world.chance.randrange(TICK_MS), "tick", self, self.life, None)

    def wall(self) -> int:
        return WALL + self.world.now + self.clock_shift

    def turn(self, event: tuple[str, object, bytes]) -> None:
        """One turn of its loop: an event, then `finish`.  It may crash in the middle."""
        machine = self.machine
        if machine is None:
            return
        if self.frozen_until > self.world.now:
            if event[0] != "tick":
                self.waiting.append(event)
            return
        try:
            machine.set_time(self.world.now, self.wall())
            if self.waiting:
                earlier = self.waiting
                self.waiting = []
                for before in earlier:
                    self.handle(machine, before)
            self.handle(machine, event)
            machine.finish()
        except Crashed:
            self.world.crash(self)
            return
        self.world.check(self)

    def handle(self, machine: Machine, event: tuple[str, object, bytes]) -> None:
        kind, subject, data = event
        if kind == "tick":
            self.replicate(machine)
            machine.tick()
        elif kind == "received":
            assert isinstance(subject, Link)
            machine.received(subject, data)
        elif kind == "connected":
            assert isinstance(subject, Link)
            machine.connected(subject, data, self.ip)
        elif kind == "lost":
            assert isinstance(subject, Link)
            self.wires.pop(subject.id, None)
            machine.lost(subject)
        elif kind == "accepted":
            assert isinstance(subject, Wire)
            self.world.accept(self, machine, subject)

    def replicate(self, machine: Machine) -> None:
        """The stub of replication: writes on a primary, copies on a replica that reaches its primary."""
        world = self.world
        if machine.view.myself.is_primary():
            if machine.state_ok and machine.view.myself.slots and self.paused_writes <= world.now:
                self.offset += world.chance.randrange(3)
            return
        if self.followed is None:
            return
        for other in world.nodes:
            if (other.ip, other.port) == self.followed and other.machine is not None:
                if other.frozen_until <= world.now and not world.is_cut(self, other) and not world.is_cut(other, self):
                    self.offset = max(other.offset, 1)
                    self.contact = world.now


class World:
    """See the module's docstring."""

    def __init__(self, seed: int, count: int, timeout: int = 2000) -> None:
        self.seed: Final = seed
        self.chance: Final = random.Random(seed)
        self.random: Final = Random(seed)
        self.now = START
        self.heap: list[tuple[int, int, str, object, int, object]] = []
        self.sequence = 0
        self.settings: Final = Settings()
        self.settings.timeout = timeout
        self.failing_saves = 0.0
        self.cut: set[tuple[int, int]] = set()
        self.held: list[tuple[Wire, int, bytes]] = []
        self.log: list[str] = []
        self.steps = 0
        self.messages = 0
        self.moved = 0
        """The slots that an operator has moved, or tried to."""
        self.winners: dict[int, bytes] = {}
        self.bumped: set[int] = set()
        """Epochs that a node took without asking anybody: two may take the same one."""
        self.nodes: Final = [SimNode(self, index) for index in range(1, count + 1)]

    def trace(self, text: str) -> None:
        self.log.append(f"{self.now - START:>7} {text}")

    # Events.

    def at(self, when: int, kind: str, subject: object, life: int, extra: object) -> None:
        self.sequence += 1
        heapq.heappush(self.heap, (when, self.sequence, kind, subject, life, extra))

    def run(self, span_ms: int) -> None:
        """Let time pass."""
        until = self.now + span_ms
        while self.heap and self.heap[0][0] <= until:
            self.step()
        self.now = until

    def step(self) -> None:
        when, _sequence, kind, subject, life, extra = heapq.heappop(self.heap)
        self.now = max(self.now, when)
        self.steps += 1
        if isinstance(subject, Wire):
            assert isinstance(extra, bytes)
            self.arrive(subject, life, kind, extra)
            return
        assert isinstance(subject, SimNode)
        if subject.life != life or subject.machine is None:
            return
        if kind == "tick":
            self.at(self.now + TICK_MS, "tick", subject, life, None)
            subject.turn(("tick", None, b""))
        else:
            assert isinstance(extra, Link)
            subject.turn((kind, extra, b""))

    # The network.

    def is_cut(self, one: SimNode, other: SimNode) -> bool:
        """Whether nothing gets from one to the other."""
        return (one.index, other.index) in self.cut

    def delay(self) -> int:
        return self.chance.choice((0, 1, 1, 2, 5, 20, 60))

    def connect(self, node: SimNode, link: Link, ip: bytes, port: int) -> None:
        for other in self.nodes:
            if other.ip == ip and other.port + 10000 == port and other.machine is not None:
                if other is node or self.is_cut(node, other) or self.is_cut(other, node):
                    break
                wire = Wire((node, other), [link, None])
                node.wires[link.id] = (wire, 0)
                self.at(self.now + self.delay(), "connect", wire, 1, b"")
                return
        else:
            self.at(self.now + self.delay(), "lost", node, node.life, link)

    def accept(self, node: SimNode, machine: Machine, wire: Wire) -> None:
        link = machine.accepted(wire.ends[0].ip, node.ip)
        wire.links[1] = link
        node.wires[link.id] = (wire, 1)

    def arrive(self, wire: Wire, end: int, kind: str, data: bytes) -> None:
        """Something comes out of a wire at one end."""
        node = wire.ends[end]
        if node.life != wire.lives[end] or node.machine is None:
            return
        if kind == "connect":
            node.turn(("accepted", wire, b""))
            self.at(self.now + self.delay(), "connected", wire, 0, b"")
            return
        link = wire.links[end]
        if link is None:
            return
        if kind == "connected":
            node.turn(("connected", link, wire.ends[1].ip))
        elif kind == "received":
            if not wire.open:
                return
            if self.is_cut(wire.ends[1 - end], node):
                self.held.append((wire, end, data))
                return
            node.turn(("received", link, data))
        elif kind == "lost":
            node.turn(("lost", link, b""))

    def send(self, node: SimNode, link: Link, data: bytes) -> None:
        self.announce(node, link, data)
        found = node.wires.get(link.id)
        if found is None or not found[0].open:
            return
        wire, end = found
        self.messages += 1
        when = max(self.now + self.delay(), wire.last[1 - end])
        wire.last[1 - end] = when
        self.at(when, "received", wire, 1 - end, data)

    def close(self, node: SimNode, link: Link) -> None:
        found = node.wires.pop(link.id, None)
        if found is not None and found[0].open:
            wire, end = found
            wire.open = False
            self.at(self.now + self.delay(), "lost", wire, 1 - end, b"")

    def break_wire(self, wire: Wire) -> None:
        wire.open = False
        for end in (0, 1):
            self.at(self.now + self.delay(), "lost", wire, end, b"")

    # Faults.

    def crash(self, node: SimNode) -> None:
        """The power of a node fails: its memory, and what its disk has not synced, are gone."""
        if node.machine is None:
            return
        self.trace(f"{node.name} crashes")
        wires = [wire for wire, _end in node.wires.values()]
        node.machine = None
        node.wires = {}
        node.operations_left = -1
        node.frozen_until = 0
        node.files.crash()
        for wire in wires:
            if wire.open:
                self.break_wire(wire)

    def uncut(self) -> None:
        """End all partitions; what was held is delivered."""
        self.cut.clear()
        held = self.held
        self.held = []
        for wire, end, data in held:
            wire.last[end] = max(wire.last[end], self.now)
            self.at(wire.last[end], "received", wire, end, data)

    def partition(self) -> None:
        """Cut some nodes off from the rest, perhaps in one direction only."""
        inside = {node.index for node in self.nodes if self.chance.random() < 0.4}
        way = self.chance.randrange(3)
        for within in self.nodes:
            for other in self.nodes:
                if within.index in inside and other.index not in inside:
                    if way != 0:
                        self.cut.add((within.index, other.index))
                    if way != 1:
                        self.cut.add((other.index, within.index))
        self.trace(f"partition of {sorted(inside)}, way {way}")

    def fault(self) -> None:
        """One fault, or an order of the operator."""
        chance = self.chance
        node = chance.choice(self.nodes)
        kind = chance.randrange(13)
        if kind == 0:
            self.crash(node)
        elif kind == 1:
            node.operations_left = chance.randrange(12)
        elif kind in (2, 3):
            if node.machine is None:
                self.trace(f"{node.name} starts")
                node.start()
        elif kind == 4:
            self.partition()
        elif kind == 5:
            self.trace("all partitions end")
            self.uncut()
        elif kind == 6:
            node.frozen_until = self.now + chance.randrange(3 * self.settings.timeout)
            self.trace(f"{node.name} freezes until {node.frozen_until - START}")
        elif kind == 7:
            node.clock_shift += chance.choice((-3600_000, -5000, -700, 700, 5000, 3600_000))
        elif kind == 8:
            for wire, _end in list(node.wires.values()):
                if wire.open and chance.random() < 0.5:
                    self.break_wire(wire)
        elif kind == 9:
            self.failing_saves = chance.choice((0.0, 0.0, 0.1))
        elif kind == 10:
            self.order(node)
        elif kind == 11:
            # Several at once: their elections may draw the same epoch.
            for several in chance.sample(self.nodes, min(3, len(self.nodes))):
                self.order(several)
        else:
            for several in chance.sample(self.nodes, min(2, len(self.nodes))):
                several.frozen_until = self.now + 3 * self.settings.timeout
                self.trace(f"{several.name} freezes for three timeouts")

    def order(self, node: SimNode) -> None:
        """CLUSTER FAILOVER on a replica, or a step of moving a slot on a primary."""
        machine = node.machine
        if machine is None or node.frozen_until > self.now:
            return
        machine.set_time(self.now, node.wall())
        try:
            if machine.view.myself.is_replica():
                force = self.chance.random() < 0.5
                self.trace(f"{node.name}: CLUSTER FAILOVER {'FORCE' if force else ''}")
                operations.failover(machine, force, False)
            else:
                self.move_slot(node, machine)
            machine.finish()
        except CommandError:
            pass
        except Crashed:
            self.crash(node)
            return
        self.check(node)

    def move_slot(self, node: SimNode, machine: Machine) -> None:
        """Open a slot, and perhaps close it on the target at once."""
        view = machine.view
        others = [other for other in view.nodes.values() if other.slots and other is not view.myself]
        if not others:
            return
        source = self.chance.choice(others)
        found = members(source.slots & EMPTY)
        if not found:
            return
        slot = self.chance.choice(found)
        operations.set_importing(machine, slot, operations.import_source(machine, slot, source.name))
        self.moved |= one(slot)
        self.trace(f"{node.name}: imports slot {slot}")
        arrived = self.chance.random() < 0.7
        if arrived:
            operations.set_owner(machine, slot, operations.new_owner(machine, slot, view.myself.name))
            self.trace(f"{node.name}: owns slot {slot} with epoch {view.myself.config_epoch}")
            self.bumped.add(view.myself.config_epoch)
        for other in self.nodes:
            peer = other.machine
            if peer is None or other.frozen_until > self.now or peer.view.myself.name != source.name:
                continue
            peer.set_time(self.now, other.wall())
            try:
                if self.chance.random() < 0.5:
                    target = operations.migration_target(peer, slot, view.myself.name)
                    operations.set_migrating(peer, slot, target)
                # Only after the target has it: the other order may leave it without an owner.
                if arrived and self.chance.random() < 0.5:
                    operations.set_owner(peer, slot, operations.new_owner(peer, slot, view.myself.name))
                peer.finish()
            except CommandError:
                pass
            except Crashed:
                self.crash(other)

    def heal(self) -> None:
        """End all faults, and start all nodes."""
        self.trace("healed")
        self.failing_saves = 0.0
        self.uncut()
        for node in self.nodes:
            node.operations_left = -1
            node.frozen_until = min(node.frozen_until, self.now)
            if node.machine is None:
                node.start()

    # What must hold.

    def announce(self, node: SimNode, link: Link, data: bytes) -> None:
        """A message leaves a node: remember what it promises."""
        message = decode(data)
        if message.light:
            return
        if message.current_epoch < node.announced_epoch:
            self.violated(f"{node.name} announces epoch {message.current_epoch} after {node.announced_epoch}")
        node.announced_epoch = message.current_epoch
        if not message.primary:
            if message.config_epoch < node.announced_config:
                self.violated(f"{node.name} announces config epoch {message.config_epoch}")
            node.announced_config = message.config_epoch
        if message.kind == messages.AUTH_ACK:
            found = node.wires.get(link.id)
            if found is not None:
                candidate = found[0].ends[1 - found[1]].ip
                before = node.votes.setdefault(message.current_epoch, candidate)
                if before != candidate:
                    self.violated(f"{node.name} votes for {before!r} and {candidate!r} in {message.current_epoch}")

    def check(self, node: SimNode) -> None:
        """The invariants that a turn of `node` may have broken."""
        machine = node.machine
        if machine is None:
            return
        view = machine.view
        if view.current_epoch < node.announced_epoch:
            self.violated(f"the epoch of {node.name} went back to {view.current_epoch}")
        if view.last_vote_epoch > view.current_epoch:
            self.violated(f"{node.name} has voted in the future")
        myself = view.myself
        won = node.was_replica and myself.is_primary()
        if myself.config_epoch > node.epoch and not won and myself.is_primary():
            # It took an epoch without asking anybody: a slot has arrived, or two had the same epoch.
            self.bumped.add(myself.config_epoch)
        node.epoch = myself.config_epoch
        node.was_replica = myself.is_replica()
        if not myself.is_primary() or not myself.slots:
            return
        if won and self.winners.setdefault(myself.config_epoch, myself.name) != myself.name:
            self.violated(f"{node.name} wins epoch {myself.config_epoch} after {self.winners[myself.config_epoch]!r}")
        for other in self.nodes:
            if other is node or other.machine is None:
                continue
            them = other.machine.view.myself
            if myself.config_epoch in self.bumped:
                continue
            if them.is_primary() and them.config_epoch == myself.config_epoch and them.slots & myself.slots:
                both = ranges(them.slots & myself.slots)[:3]
                self.violated(f"{node.name} and {other.name} own {both} with epoch {myself.config_epoch}")

    def violated(self, what: str) -> None:
        raise Violation(f"seed {self.seed}, {len(self.nodes)} nodes, at {self.now - START} ms: {what}")

    def disagreements(self) -> list[str]:
        """What keeps the views from being one and healthy."""
        machines: list[tuple[str, Machine]] = []
        for node in self.nodes:
            assert node.machine is not None
            machines.append((node.name, node.machine))
        return disagreements(machines, self.moved)
