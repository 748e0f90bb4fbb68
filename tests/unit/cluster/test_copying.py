"""The data of a node: how old it is, as an election asks, and how it is dropped."""

from __future__ import annotations

import pytest
from tests.unit.cluster.seats import Seated
from tests.unit.replication.world import Server, World

from redpoll.cluster import copying
from redpoll.cluster.node import Node
from redpoll.persistence.append_control import AppendFile
from redpoll.persistence.loading import load, open_snapshot
from redpoll.persistence.saving import save, snapshot_path
from redpoll.persistence.snapshot_reader import Progress

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
    # Somebody sets the clock.
    world.clock.set_by_us = YEAR_MS * 1000
    assert copying.data_age_ms(other.engine) <= 10100


def test_following_another_node_ends_the_link() -> None:
    world = World()
    _one, other = world.pair()
    copying.follow(other.engine, node_at(3), False)
    world.pass_time(3)
    assert 2900 <= copying.data_age_ms(other.engine) <= 3100


def test_data_that_had_no_link_to_the_shard_is_never_young() -> None:
    """The difference `cluster-moved-replica`."""
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


@pytest.mark.parametrize(
    "words", [[b"--save", b"100 1"], [b"--save", b"", b"--appendonly", b"yes"]], ids=["RDB", "AOF"]
)
def test_dropped_data_does_not_come_back_after_a_crash(words: list[bytes]) -> None:
    """CLUSTER RESET of a replica drops its data; a restart must not bring it into the next cluster."""
    first = Seated(*words)
    log = AppendFile(first.engine)
    if b"--appendonly" in words:
        first.engine.durability.append_only = log
        log.open(Progress())
    first.serve()
    assert first.play("SET foo 1") == "OK"
    save(first.engine)
    first.engine.start_unit()
    copying.flush(first.engine)
    first.engine.commit()
    for _ in range(3):
        first.clock.advance_ms(1000)
        first.engine.start_unit()
        log.tick()
    first.files.crash()
    second = Seated(*words, files=first.files)
    if b"--appendonly" in words:
        AppendFile(second.engine).open(Progress())
    else:
        reader = open_snapshot(second.engine, snapshot_path(second.engine))
        assert reader is not None
        assert load(second.engine, reader, Progress()) == ""
    assert second.play("DBSIZE") == 0
