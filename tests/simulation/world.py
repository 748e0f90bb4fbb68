"""A whole cluster in one process: servers with replication and bus, an in-memory network, one virtual clock, one seed."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import Final

from tests.simulation.clients import Client
from tests.simulation.disk import Crashed
from tests.simulation.network import Net, Place
from tests.simulation.node import SimNode
from tests.simulation.rules import Rules
from tests.unit.cluster.agreement import disagreements

from redpoll.cluster.node import Node
from redpoll.cluster.nodes_conf import conf_text
from redpoll.cluster.slot_sets import has, members, one, span
from redpoll.cluster.view import View
from redpoll.env.random import Random

START: Final = 1000
MOST_LINES: Final = 200_000
MOST_TOLD: Final = 5


class Violation(AssertionError):
    """Something that must never happen has happened."""


class World:
    """See the module's docstring.  `primaries` shards of one primary and `replicas` replicas, which know each other."""

    def __init__(self, seed: int, primaries: int, replicas: int, clients: int = 4, keep_log: bool = False) -> None:
        self.seed: Final = seed
        self.chance: Final = random.Random(seed)
        self.random: Final = Random(seed)
        self.now = START
        self.heap: list[tuple[int, int, Callable[[], None]]] = []
        self.moving: set[int] = set()
        """The slots that an operator is moving key by key."""
        self.sequence = 0
        self.numbers = 0
        self.keep_log: Final = keep_log
        self.log: list[str] = []
        self.troubled = True
        """Whether there are faults.  Without them, everything must work."""
        self.steps = 0
        self.written = 0
        self.faults: dict[str, int] = {}
        self.net: Final = Net(self, self.chance)
        self.rules: Final = Rules(self)
        chance = self.chance
        self.timeout: Final = chance.choice((1000, 2000, 2000, 5000))
        common = self.options()
        self.nodes: Final = [SimNode(self, n, common) for n in range(1, primaries * (1 + replicas) + 1)]
        self.form(primaries)
        for node in self.nodes:
            node.start()
        self.clients: Final = [Client(self, n) for n in range(1, clients + 1)]
        for client in self.clients:
            client.begin_soon()

    def options(self) -> list[bytes]:
        """Settings of all nodes, which differ from world to world."""
        chance = self.chance
        words: list[tuple[str, str]] = [
            ("cluster-node-timeout", str(self.timeout)),
            ("cluster-manual-failover-timeout", chance.choice(("1000", "5000"))),
            ("repl-diskless-sync-delay", chance.choice(("0", "0", "1"))),
            ("repl-diskless-sync", chance.choice(("yes", "yes", "no"))),
            ("repl-diskless-load", chance.choice(("disabled", "disabled", "swapdb", "on-empty-db"))),
            ("repl-ping-replica-period", chance.choice(("1", "3", "10"))),
            ("repl-timeout", chance.choice(("4", "12"))),
            ("repl-backlog-size", chance.choice(("16384", "1048576"))),
            ("repl-backlog-ttl", chance.choice(("3", "3600"))),
            ("cluster-replica-validity-factor", chance.choice(("10", "10", "3", "0"))),
            ("cluster-migration-barrier", chance.choice(("1", "1", "0"))),
            ("cluster-require-full-coverage", chance.choice(("yes", "no"))),
            ("cluster-allow-replica-migration", chance.choice(("yes", "yes", "no"))),
        ]  # fmt: skip
        kind = chance.randrange(4)
        if kind == 0:
            words.append(("save", ""))
        elif kind == 1:
            words.append(("save", "3 1"))
        else:
            words.append(("save", ""))
            words.append(("appendonly", "yes"))
            words.append(("appendfsync", "always" if kind == 2 else "everysec"))
        self.elects_old_data = ("cluster-replica-validity-factor", "0") in words
        """Whether replicas with data of any age may be elected."""
        found: list[bytes] = []
        for name, value in words:
            found += [b"--" + name.encode(), value.encode()]
        self.trace(" ".join(f"{name} {value}" for name, value in words))
        return found

    def form(self, primaries: int) -> None:
        """Write a nodes.conf for every node."""
        count = len(self.nodes)
        names = [self.random.hex_digits(40) for _ in range(count)]
        for me in range(count):
            view = View(self.entry(me, names[me]))
            for n in range(count):
                if n != me:
                    view.add(self.entry(n, names[n]))
            for n in range(primaries):
                node = view.nodes[names[n]]
                node.shard = b"%040x" % n
                node.config_epoch = n + 1
                view.assign(span(16384 * n // primaries, 16384 * (n + 1) // primaries - 1), node)
            for n in range(primaries, count):
                view.set_replica(view.nodes[names[n]], view.nodes[names[n % primaries]])
            view.current_epoch = primaries
            self.nodes[me].disk.replace(b"/nodes.conf", conf_text(view, False, 0))

    def entry(self, n: int, name: bytes) -> Node:
        node = Node(name, 1, self.now)
        node.ip = self.nodes[n].ip
        node.port = self.nodes[n].port
        node.bus_port = node.port + 10000
        node.shard = name
        return node

    # For the nodes.

    def node_at(self, port: int) -> SimNode:
        return self.nodes[port - 7001]

    def next_number(self) -> int:
        self.numbers += 1
        return self.numbers

    def trace(self, text: str) -> None:
        if self.keep_log:
            self.log.append(f"{self.now - START:>7} {text}")
            if len(self.log) > MOST_LINES:
                del self.log[: MOST_LINES // 2]

    # Events.

    def at(self, when: int, action: Callable[[], None]) -> None:
        self.sequence += 1
        heapq.heappush(self.heap, (when, self.sequence, action))

    def step(self) -> None:
        when, _sequence, action = heapq.heappop(self.heap)
        self.now = max(self.now, when)
        self.steps += 1
        action()

    def step_inside(self, node: SimNode) -> None:
        """Let others go on while a node loads data that arrives."""
        life = node.life
        self.step()
        if node.life != life or node.engine is None:
            raise Crashed
        node.set_clock()

    def run(self, span_ms: int) -> None:
        """Let time pass.  Raises Violation."""
        until = self.now + span_ms
        while self.heap and self.heap[0][0] <= until:
            self.step()
            if self.rules.broken:
                self.complain()
        self.now = max(self.now, until)

    def complain(self) -> None:
        """Raise Violation if a rule was broken."""
        if self.rules.broken:
            raise Violation("\n".join(self.rules.broken[:MOST_TOLD]))

    # Faults.

    def crash(self, node: SimNode, power: bool) -> None:
        """A node dies; if its power fails, its disk forgets what was not synced."""
        if node.engine is None:
            return
        node.trace("its power fails" if power else "is killed")
        forgets = power or not node.syncs_always()
        for pipe in self.net.of(node):
            side = 0 if pipe.places[0] is node else 1
            silence = self.chance.choice((0, 0, 3000, 20000)) if power else 0
            pipe.snap(silence, side)
        self.rules.crashed(node, forgets)
        node.engine = None
        node.reachable = not power or self.chance.random() < 0.5
        node.disk.operations_left = -1
        node.inbox = []
        if power:
            node.disk.crash()
        else:
            node.disk.kill()
        node.clear()

    def restart(self, node: SimNode) -> None:
        if node.engine is None:
            node.start()
            if node.engine is not None:
                self.rules.started(node)

    def fault(self) -> None:
        """One fault, or an order of an operator."""
        chance = self.chance
        node = chance.choice(self.nodes)
        names = (
            "power", "kill", "crash soon", "restart", "restart", "partition", "join", "freeze", "freeze two",
            "set a clock", "break connections", "full disk", "slow network", "failover", "failovers", "takeover",
            "bump epoch", "move a slot", "move a slot", "migrate slots", "migrate slots", "save", "clients rest", "replicate", "reset",
            "kill a primary", "kill a primary", "isolate a primary", "isolate a primary",
        )  # fmt: skip
        kind = chance.choice(names)
        self.faults[kind] = self.faults.get(kind, 0) + 1
        if kind in ("power", "kill"):
            self.crash(node, kind == "power")
        elif kind == "crash soon":
            node.disk.operations_left = chance.randrange(30)
        elif kind == "restart":
            dead = [one for one in self.nodes if one.engine is None]
            for one in dead if chance.random() < 0.5 else dead[:1]:
                self.restart(one)
        elif kind == "partition":
            places: list[Place] = [*self.nodes, *self.clients]
            inside = {place.index for place in places if chance.random() < 0.4}
            self.net.partition(inside, places, chance.randrange(3))
            self.trace(f"partition of {sorted(inside)}")
        elif kind in ("kill a primary", "isolate a primary"):
            self.lose_a_primary(kind == "kill a primary")
        elif kind == "join":
            self.trace("all partitions end")
            self.net.uncut()
        elif kind == "freeze":
            self.freeze(node, chance.randrange(3 * self.timeout))
        elif kind == "freeze two":
            for several in chance.sample(self.nodes, min(2, len(self.nodes))):
                self.freeze(several, 3 * self.timeout)
        elif kind == "set a clock":
            node.set_by_us += chance.choice((-3600_000, -5000, -700, 700, 5000, 3600_000)) * 1000
            node.trace(f"its clock is set by {node.set_by_us // 1000} ms")
        elif kind == "break connections":
            for pipe in self.net.of(node):
                if chance.random() < 0.5:
                    pipe.snap()
        elif kind == "full disk":
            node.disk.failing = chance.choice((0.0, 0.0, 0.1))
        elif kind == "slow network":
            self.net.slow = not self.net.slow
        elif kind == "clients rest":
            for client in self.clients:
                client.resting = not client.resting
        else:
            self.operate(kind, node)

    def lose_a_primary(self, dies: bool) -> None:
        """Take a primary from the others, perhaps together with some of its replicas, and let them notice."""
        chance = self.chance
        primaries = [one for one in self.nodes if one.engine is not None and one.machine.view.myself.slots]
        if not primaries:
            return
        primary = chance.choice(primaries)
        shard = primary.machine.view.myself.shard
        with_it = [
            one
            for one in self.nodes
            if one is primary or (self.rules.shards.get(one.index) == shard and chance.random() < 0.3)
        ]
        if dies:
            for one in with_it:
                self.crash(one, chance.random() < 0.5)
        else:
            places: list[Place] = [*self.nodes, *self.clients]
            inside = {one.index for one in with_it} | {-chance.randrange(1, 1 + len(self.clients))}
            self.net.partition(inside, places, chance.choice((0, 1, 2, 2)))
            self.trace(f"partition of {sorted(inside)}")
        self.run(chance.choice((1, 2, 4)) * self.timeout)

    def freeze(self, node: SimNode, span_ms: int) -> None:
        if node.engine is not None:
            node.frozen_until = self.now + span_ms
            node.trace(f"freezes for {span_ms} ms")
            life = node.life
            self.at(node.frozen_until, lambda: node.run(life, lambda: None))

    # Orders of operators.

    def operate(self, kind: str, node: SimNode) -> None:
        chance = self.chance
        if kind == "failovers":
            # Several at once: their elections may draw the same epoch.
            for several in chance.sample(self.nodes, min(3, len(self.nodes))):
                self.operate("failover", several)
        elif kind == "failover":
            how = chance.choice((b"", b"", b"FORCE"))
            if how:
                self.rules.forced[node.index] = self.now
            node.trace(f"CLUSTER FAILOVER {how.decode()}")
            node.order(b"CLUSTER", b"FAILOVER", *([how] if how else []))
        elif kind == "takeover":
            if node.engine is not None and node.machine.view.myself.is_replica():
                self.rules.forced[node.index] = self.now
                node.trace("CLUSTER FAILOVER TAKEOVER")
                greatest = node.machine.view.greatest_epoch() + 1
                self.rules.bumped.add(greatest)
                self.rules.taken_over = True
                node.order(b"CLUSTER", b"FAILOVER", b"TAKEOVER")
        elif kind == "bump epoch":
            node.order(b"CLUSTER", b"BUMPEPOCH")
        elif kind == "replicate":
            view = node.machine.view if node.engine is not None else None
            if view is not None and view.myself.is_replica():
                primaries = [other for other in view.nodes.values() if other.slots]
                if primaries:
                    chosen = chance.choice(primaries)
                    node.trace(f"CLUSTER REPLICATE {chosen.shown()}")
                    node.order(b"CLUSTER", b"REPLICATE", chosen.name)
        elif kind == "reset":
            if node.engine is not None and node.machine.view.myself.is_replica():
                self.reset(node)
        elif kind == "save":
            node.order(chance.choice((b"BGSAVE", b"BGREWRITEAOF")))
        elif kind == "move a slot":
            Move(self).begin()
        elif kind == "migrate slots":
            self.migrate(node)

    def migrate(self, node: SimNode) -> None:
        """Let a primary move a range of its slots at once."""
        view = node.machine.view if node.engine is not None else None
        if view is None or not view.myself.slots:
            return
        targets = [other for other in view.nodes.values() if other.slots and other is not view.myself]
        written = [slot for client in self.clients for slot in client.guesses if has(view.myself.slots, slot)]
        if not targets:
            return
        first = self.chance.choice(written or members(view.myself.slots))
        last = first
        while last < first + 50 and has(view.myself.slots, last + 1):
            last += 1
        target = self.chance.choice(targets)
        place = [b"SLOTSRANGE", b"%d" % first, b"%d" % last, b"NODE", target.name]
        reply = node.order(b"CLUSTER", b"MIGRATESLOTS", *place)
        node.trace(f"slots {first}-{last} migrate to {target.shown()}: {getattr(reply, 'text', b'').decode()}")
        self.rules.moved.update(range(first, last + 1))

    def reset(self, node: SimNode) -> None:
        """Make a replica forget the cluster.  `mend_members` brings it back."""
        hard = self.chance.random() < 0.5
        node.trace(f"CLUSTER RESET {'HARD' if hard else 'SOFT'}")
        if node.frozen_until <= self.now:
            self.rules.reset(node, hard)
            node.order(b"CLUSTER", b"RESET", b"HARD" if hard else b"SOFT")

    def mend_members(self) -> None:
        """Forget the ids that are no more, and let nodes that were reset join again."""
        names = {node.machine.view.myself.name for node in self.nodes}
        for node in self.nodes:
            view = node.machine.view
            for other in list(view.nodes.values()):
                if other.name not in names and not other.in_handshake():
                    node.order(b"CLUSTER", b"FORGET", other.name)
            if view.myself.is_primary() and not view.myself.slots:
                first = next(other for other in self.nodes if other.machine.view.myself.slots)
                if len(view.nodes) < len(self.nodes):
                    node.order(b"CLUSTER", b"MEET", first.ip, b"%d" % first.port)
                if first.machine.view.myself.name in view.nodes:
                    node.order(b"CLUSTER", b"REPLICATE", first.machine.view.myself.name)

    # Peace.

    def heal(self) -> None:
        """End all faults, and start all nodes."""
        self.trace("healed")
        self.troubled = False
        self.net.slow = False
        self.net.uncut()
        for node in self.nodes:
            node.disk.failing = 0.0
            node.disk.operations_left = -1
            if node.frozen_until > self.now:
                node.frozen_until = self.now
                node.run(node.life, lambda: None)
            self.restart(node)
            # After a failed save, a node refuses PING until a save has worked, also the PING of its replica.
            node.order(b"BGSAVE")
        for client in self.clients:
            client.resting = False

    def agree(self) -> None:
        """Wait until all nodes agree, and replicas have the data of their primaries.  Raises Violation."""
        self.heal()
        left = ["not waited yet"]
        for _ in range(30):
            self.run(self.timeout)
            self.mend_members()
            left = self.disagreements()
            if not left:
                break
        if left:
            self.rules.violated(f"no agreement after 30 timeouts: {left[:10]}")
            self.complain()
        for node in self.chance.sample(self.nodes, 2):
            node.machine.view.check()
        self.rules.check_promises()
        for client in self.clients:
            client.resting = True
        left = ["not waited yet"]
        for _ in range(60):
            # Not at the moment at which a primary adds a PING each time.
            self.run(self.chance.randrange(500, 1500))
            left = self.rules.check_replicas()
            if not left:
                break
        if left:
            self.rules.violated(f"no replication after a minute: {left[:10]}")
        self.close_slots()
        for client in self.clients:
            client.resting = False
        self.complain()
        self.rules.digests.clear()
        self.troubled = True

    def close_slots(self) -> None:
        """Close the slots that moves have left open, and give a slot that nobody claims to the owner that others see."""
        for slot in sorted(self.rules.moved):
            for node in self.nodes:
                node.order(b"CLUSTER", b"SETSLOT", b"%d" % slot, b"STABLE")
            if not any(node.machine.view.myself.slots & one(slot) for node in self.nodes):
                owner = self.nodes[0].machine.view.owner(slot)
                if owner is not None:
                    chosen = self.node_at(owner.port)
                    chosen.order(b"CLUSTER", b"ADDSLOTS", b"%d" % slot)
                    chosen.order(b"CLUSTER", b"SETSLOT", b"%d" % slot, b"NODE", owner.name)
        self.run(2000)
        self.rules.ever_moved |= self.rules.moved
        self.rules.moved.clear()
        self.rules.taken_over = False

    def disagreements(self) -> list[str]:
        """What keeps the views from being one and healthy."""
        moved = 0
        for slot in self.rules.moved:
            moved |= one(slot)
        return disagreements([(node.name, node.machine) for node in self.nodes], moved)


class Move:
    """An operator moves a slot with its keys, step by step."""

    def __init__(self, world: World) -> None:
        self.world: Final = world
        writes = [client.write for client in world.clients if client.write is not None]
        random_slot = world.chance.randrange(16384)
        self.slot: Final = world.chance.choice(writes).slot if writes and world.chance.random() < 0.8 else random_slot
        self.source = 0
        self.target = 0

    def begin(self) -> None:
        world = self.world
        owners = [node for node in world.nodes if node.engine is not None and node.machine.view.myself.slots]
        sources = [node for node in owners if node.machine.view.myself.slots & one(self.slot)]
        others = [node for node in owners if node not in sources]
        if not sources or not others or self.slot in world.moving or (world.moving and not world.troubled):
            # Two operators may lose keys, here and in the reference: if one slot goes to two nodes, or if the source of
            # a slot gets another slot, with a newer epoch, before it hears that it has lost this one.
            return
        world.moving.add(self.slot)
        world.rules.moved.add(self.slot)
        source, target = world.chance.choice(sources), world.chance.choice(others)
        self.source, self.target = source.index, target.index
        world.trace(f"slot {self.slot} moves from {source.name} to {target.name}")
        self.source_name = source.machine.view.myself.name
        self.target_name = target.machine.view.myself.name
        if self.order(target, b"IMPORTING", self.source_name):
            self.later(self.open_source)

    def later(self, action: Callable[[], None]) -> None:
        self.world.at(self.world.now + self.world.chance.choice((0, 10, 100, 1000)), action)

    def order(self, node: SimNode, *words: bytes) -> bool:
        """Whether it has worked; otherwise this move has ended."""
        reply = node.order(b"CLUSTER", b"SETSLOT", b"%d" % self.slot, *words)
        done = getattr(reply, "text", b"").startswith(b"OK")
        if not done:
            self.world.moving.discard(self.slot)
        return done

    def open_source(self) -> None:
        if self.order(self.world.nodes[self.source - 1], b"MIGRATING", self.target_name):
            self.later(self.move_keys)

    def move_keys(self) -> None:
        source, target = self.world.nodes[self.source - 1], self.world.nodes[self.target - 1]
        keys = source.order(b"CLUSTER", b"GETKEYSINSLOT", b"%d" % self.slot, b"2")
        if not isinstance(keys, list):
            self.world.moving.discard(self.slot)
            return
        if keys:
            place = [target.ip, b"%d" % target.port, b"", b"0", b"500"]
            reply = source.order(b"MIGRATE", *place, b"REPLACE", b"KEYS", *keys)
            if getattr(reply, "text", b"") not in (b"OK", b"NOKEY"):
                self.world.moving.discard(self.slot)
                return
            self.later(self.move_keys)
        else:
            self.later(self.give_to_target)

    def give_to_target(self) -> None:
        world = self.world
        if not self.order(world.nodes[self.target - 1], b"NODE", self.target_name):
            return
        world.rules.bumped.add(world.nodes[self.target - 1].machine.view.myself.config_epoch)
        world.trace(f"slot {self.slot} is of n{self.target}")
        self.later(self.take_from_source)

    def take_from_source(self) -> None:
        for node in (self.world.nodes[self.source - 1], *self.world.nodes):
            if node.engine is not None and node.machine.view.myself.is_primary():
                self.order(node, b"NODE", self.target_name)
        self.world.moving.discard(self.slot)
