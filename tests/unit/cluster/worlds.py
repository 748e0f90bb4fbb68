"""Simulated clusters to begin with."""

from __future__ import annotations

from tests.unit.cluster.simulation import World

from redpoll.cluster.node import Node
from redpoll.cluster.slot_sets import span
from redpoll.cluster.view import View


def formed(seed: int, primaries: int, replicas: int, timeout: int = 2000) -> World:
    """A cluster that knows itself: all nodes have the same nodes.conf.  `replicas`: of each primary."""
    world = World(seed, primaries * (1 + replicas), timeout)
    names = [world.random.hex_digits(40) for _ in world.nodes]
    for me, sim in enumerate(world.nodes):
        view = View(made_node(world, me, names[me]))
        for n in range(len(world.nodes)):
            if n != me:
                view.add(made_node(world, n, names[n]))
        for n in range(primaries):
            node = view.nodes[names[n]]
            node.shard = b"%040x" % n
            node.config_epoch = n + 1
            view.assign(span(16384 * n // primaries, 16384 * (n + 1) // primaries - 1), node)
        for n in range(primaries, len(world.nodes)):
            view.set_replica(view.nodes[names[n]], view.nodes[names[n % primaries]])
        view.current_epoch = primaries
        sim.start(view)
    return world


def made_node(world: World, n: int, name: bytes) -> Node:
    node = Node(name, 1, world.now)
    node.ip = world.nodes[n].ip
    node.port = world.nodes[n].port
    node.bus_port = node.port + 10000
    node.shard = name
    return node
