"""How old the data of a replica is, as an election asks."""

from __future__ import annotations

from tests.unit.replication.world import Server, World

from redpoll.cluster import copying
from redpoll.cluster.node import Node

YEAR_MS = 365 * 86400 * 1000


def node_at(port: int) -> Node:
    node = Node(b"n" * 40, 1, 0)
    node.ip = b"h"
    node.port = port
    return node


def test_the_data_ages_from_the_end_of_the_link() -> None:
    world = World()
    one, other = world.pair()
    assert copying.data_age_ms(other.engine) < 5000
    world.cut_off.add((2, 1))
    world.wires[0].cut()
    world.pass_time(5)
    assert 4900 <= copying.data_age_ms(other.engine) <= 5100
    # To follow another node of the shard changes nothing: the data is that of the shard.
    copying.follow(other.engine, node_at(3), False)
    world.pass_time(5)
    assert 9900 <= copying.data_age_ms(other.engine) <= 10100
    assert one.replication.primary.replicas == []


def test_following_another_node_ends_the_link() -> None:
    world = World()
    _one, other = world.pair()
    copying.follow(other.engine, node_at(3), False)
    world.pass_time(3)
    assert 2900 <= copying.data_age_ms(other.engine) <= 3100


def test_data_that_had_no_link_to_the_shard_is_never_young() -> None:
    world = World()
    # Since the start: what the file had may be much older than what other replicas have.
    lone = Server(world, 5)
    copying.follow(lone.engine, node_at(1), False)
    assert copying.data_age_ms(lone.engine) > YEAR_MS
    # Data of another shard.
    _one, other = world.pair()
    copying.follow(other.engine, node_at(3), True)
    assert copying.data_age_ms(other.engine) > YEAR_MS
    # A primary that was replaced: its last writes are not those of the new one.
    _one, third = world.pair()
    copying.promote(third.engine)
    copying.follow(third.engine, node_at(3), False)
    assert copying.data_age_ms(third.engine) > YEAR_MS
