"""Nodes of a simulated cluster in directed scenes: forming, failing over, moving slots and replicas, forgetting."""

from __future__ import annotations

import pytest
from tests.unit.cluster.scene import Scene
from tests.unit.cluster.simulation import CONF, SimNode, World
from tests.unit.cluster.worlds import formed

from redpoll.cluster import operations, outgoing
from redpoll.cluster.flags import FAIL, LIGHT_PUBLISH, NOADDR
from redpoll.cluster.machine import Machine, new_view
from redpoll.cluster.messages import AUTH_ACK, MODULE, PING, PUBLISH, Message, encode
from redpoll.cluster.nodes_conf import read_conf
from redpoll.cluster.slot_sets import one, range_words, span
from redpoll.errors import CommandError

TIMEOUT = 2000


def machine_of(node: SimNode) -> Machine:
    assert node.machine is not None
    node.machine.set_time(node.now(), node.wall())
    return node.machine


def view_of(world: World, seen: int, by: int) -> str:
    """Role, failure and slots of node `seen` as node `by` sees it; both count from 1."""
    node = machine_of(world.nodes[by - 1]).view.nodes[world.nodes[seen - 1].id]
    role = "primary" if node.is_primary() else "replica"
    return f"{role}{' fail' if node.has_failed() else ''} {b' '.join(range_words(node.slots)).decode()}".strip()


def settle(world: World) -> None:
    """Wait until all agree."""
    for _ in range(20):
        world.run(TIMEOUT)
        if not world.disagreements():
            return
    pytest.fail(f"{world.disagreements()}")


def strangers(count: int) -> World:
    """Nodes that know nobody; together they own all slots."""
    world = World(7, count, TIMEOUT)
    for n, sim in enumerate(world.nodes):
        sim.start(new_view(world.random, world.now))
        machine = machine_of(sim)
        operations.set_config_epoch(machine, n + 1)
        operations.add_slots(machine, span(16384 * n // count, 16384 * (n + 1) // count - 1))
        machine.finish()
    return world


def test_nodes_find_each_other_by_meet_and_gossip() -> None:
    world = strangers(5)
    first = machine_of(world.nodes[0])
    for sim in world.nodes[1:]:
        operations.meet(first, sim.ip, sim.port, sim.port + 10000)
        operations.meet(first, sim.ip, sim.port, sim.port + 10000)
    assert len(first.view.nodes) == 5
    settle(world)
    assert {len(machine_of(sim).view.nodes) for sim in world.nodes} == {5}
    shards = {tuple(sorted((n.name, n.shard) for n in machine_of(sim).view.nodes.values())) for sim in world.nodes}
    assert len(shards) == 1


def test_a_handshake_with_nobody_ends() -> None:
    world = strangers(1)
    machine = machine_of(world.nodes[0])
    operations.meet(machine, b"10.9.9.9", 7, 10007)
    assert len(machine.view.nodes) == 2
    world.run(TIMEOUT + 500)
    assert len(machine.view.nodes) == 1


def test_equal_epochs_are_told_apart() -> None:
    world = World(3, 3, TIMEOUT)
    for sim in world.nodes:
        sim.start(new_view(world.random, world.now))
    first = machine_of(world.nodes[0])
    operations.add_slots(first, span(0, 16383))
    for sim in world.nodes[1:]:
        operations.meet(first, sim.ip, sim.port, sim.port + 10000)
    world.run(10 * TIMEOUT)
    epochs = [machine_of(sim).view.myself.config_epoch for sim in world.nodes]
    assert len(set(epochs)) == 3


def test_a_replica_takes_over_and_the_old_primary_follows() -> None:
    world = formed(1, 3, 1)
    world.run(3000)
    world.crash(world.nodes[1])
    world.run(4 * TIMEOUT)
    assert view_of(world, 5, 1) == "primary 5461-10921"
    assert view_of(world, 2, 1) == "primary fail"
    assert machine_of(world.nodes[0]).state_ok
    world.nodes[1].start()
    settle(world)
    assert view_of(world, 2, 3) == "replica"
    assert world.nodes[1].followed == (world.nodes[4].ip, world.nodes[4].port)


def test_the_better_replica_is_elected() -> None:
    for better, offsets in ((5, {5: 100, 8: 50}), (8, {5: 50, 8: 100})):
        world = formed(11, 3, 2)
        world.run(3000)
        world.crash(world.nodes[1])
        for index, offset in offsets.items():
            world.nodes[index - 1].offset = offset
        world.run(4 * TIMEOUT)
        assert view_of(world, better, 1) == "primary 5461-10921"
        settled = next(n for n in offsets if n != better)
        assert world.nodes[settled - 1].followed == (world.nodes[better - 1].ip, world.nodes[better - 1].port)


def test_a_replica_that_must_not_fail_over_does_not() -> None:
    world = formed(2, 3, 1)
    world.settings.replica_no_failover = True
    world.run(3000)
    world.crash(world.nodes[1])
    world.run(6 * TIMEOUT)
    assert view_of(world, 2, 1) == "primary fail 5461-10921"
    assert not machine_of(world.nodes[0]).state_ok


def test_old_data_is_not_elected_but_by_force() -> None:
    world = formed(2, 3, 1)
    world.settings.replica_validity_factor = 1
    world.settings.repl_ping_period_s = 0
    world.run(3000)
    world.crash(world.nodes[1])
    world.nodes[4].contact -= 100 * TIMEOUT
    world.run(6 * TIMEOUT)
    assert view_of(world, 5, 1) == "replica"
    machine = machine_of(world.nodes[4])
    with pytest.raises(CommandError, match="FAILOVER FORCE"):
        operations.failover(machine, False, False)
    operations.failover(machine, True, False)
    machine.finish()
    world.run(TIMEOUT)
    assert view_of(world, 5, 1) == "primary 5461-10921"


@pytest.mark.parametrize(("force", "takeover"), [(False, False), (True, False), (False, True)])
def test_a_failover_by_hand(force: bool, takeover: bool) -> None:
    world = formed(4, 3, 1)
    world.run(3000)
    with pytest.raises(CommandError, match="should send CLUSTER FAILOVER to a replica"):
        operations.failover(machine_of(world.nodes[0]), force, takeover)
    machine = machine_of(world.nodes[3])
    operations.failover(machine, force, takeover)
    machine.finish()
    world.run(TIMEOUT)
    assert view_of(world, 4, 2) == "primary 0-5460"
    assert view_of(world, 1, 2) == "replica"
    assert world.nodes[0].paused_writes <= world.now
    settle(world)


def test_a_takeover_needs_no_majority() -> None:
    world = formed(4, 3, 1)
    world.run(3000)
    for sim in world.nodes[:3]:
        world.crash(sim)
    world.run(3 * TIMEOUT)
    machine = machine_of(world.nodes[3])
    operations.failover(machine, False, True)
    assert machine.view.myself.is_primary() and machine.view.myself.config_epoch == machine.view.current_epoch


def test_a_failover_by_hand_that_cannot_end_is_given_up() -> None:
    world = formed(4, 3, 1)
    world.run(3000)
    machine = machine_of(world.nodes[3])
    for other in (1, 2, 3, 5, 6):
        world.cut.add((other, 4))
    operations.failover(machine, False, False)
    machine.finish()
    world.run(500)
    assert world.nodes[0].paused_writes > world.now
    world.run(world.settings.manual_failover_timeout + 500)
    assert world.nodes[0].paused_writes == 0
    assert machine.manual.until == 0
    world.uncut()
    settle(world)


def test_a_replica_moves_to_a_primary_without_one() -> None:
    world = formed(5, 3, 2)
    world.run(3000)
    for index in (6, 9):
        world.crash(world.nodes[index - 1])
    world.run(12 * TIMEOUT)
    third = machine_of(world.nodes[2]).view
    found = [node for node in third.replicas_of(third.myself) if not node.has_failed()]
    assert len(found) == 1
    world.heal()
    settle(world)


def test_a_replica_stays_if_it_may_not_move() -> None:
    world = formed(5, 3, 2)
    world.settings.allow_replica_migration = False
    world.run(3000)
    for index in (6, 9):
        world.crash(world.nodes[index - 1])
    world.run(12 * TIMEOUT)
    third = machine_of(world.nodes[2]).view
    assert all(node.has_failed() for node in third.replicas_of(third.myself))


def test_a_minority_stops_and_waits_before_it_serves_again() -> None:
    world = formed(6, 3, 0)
    world.run(3000)
    first = machine_of(world.nodes[0])
    world.cut |= {(1, 2), (2, 1), (1, 3), (3, 1)}
    world.run(2 * TIMEOUT)
    assert not first.state_ok
    world.uncut()
    world.run(1000)
    assert not first.state_ok
    settle(world)
    assert first.state_ok


def test_without_full_coverage_the_rest_is_served() -> None:
    world = formed(6, 3, 0)
    world.settings.require_full_coverage = False
    world.run(3000)
    world.crash(world.nodes[2])
    world.run(3 * TIMEOUT)
    assert machine_of(world.nodes[0]).state_ok
    assert view_of(world, 3, 1).startswith("primary fail")


def test_a_forgotten_node_is_forgotten_by_all_and_not_met_again_soon() -> None:
    world = formed(8, 4, 0)
    world.run(3000)
    name = machine_of(world.nodes[3]).view.myself.name
    first = machine_of(world.nodes[0])
    operations.forget(first, name)
    operations.forget(first, name)
    first.finish()
    world.crash(world.nodes[3])
    world.run(3 * TIMEOUT)
    assert not any(name in machine_of(sim).view.nodes for sim in world.nodes[:3])
    with pytest.raises(CommandError, match="Unknown node"):
        operations.forget(first, b"f" * 40)
    with pytest.raises(CommandError, match="forget myself"):
        operations.forget(first, first.view.myself.name)


def test_a_node_of_another_name_at_an_address_is_noticed() -> None:
    world = formed(9, 3, 0)
    world.run(3000)
    old = machine_of(world.nodes[2]).view.myself.name
    world.crash(world.nodes[2])
    world.nodes[2].files.remove(CONF)
    world.nodes[2].announced_epoch = world.nodes[2].announced_config = 0
    world.nodes[2].start()
    world.run(2 * TIMEOUT)
    seen = machine_of(world.nodes[0]).view.nodes[old]
    assert seen.flags & NOADDR and seen.flags & FAIL and seen.ip == b""


def test_a_slot_moves_with_a_new_epoch() -> None:
    world = formed(10, 3, 0)
    world.run(3000)
    target, source = machine_of(world.nodes[0]), machine_of(world.nodes[1])
    slot = 5529
    operations.set_importing(target, slot, operations.import_source(target, slot, source.view.myself.name))
    operations.set_migrating(source, slot, operations.migration_target(source, slot, target.view.myself.name))
    operations.set_owner(target, slot, operations.new_owner(target, slot, target.view.myself.name))
    target.finish()
    source.finish()
    assert target.view.myself.config_epoch == 4 and not target.view.importing
    settle(world)
    assert view_of(world, 1, 3) == "primary 0-5460 5529"
    assert not source.view.migrating


def test_a_primary_that_loses_its_last_slot_follows_the_winner() -> None:
    world = strangers(2)
    first, second = (machine_of(sim) for sim in world.nodes)
    operations.meet(first, world.nodes[1].ip, world.nodes[1].port, world.nodes[1].port + 10000)
    settle(world)
    machine_of(world.nodes[0])
    first.view.assign(second.view.myself.slots, first.view.myself)
    first.view.current_epoch = first.view.myself.config_epoch = 9
    outgoing.broadcast_pong(first)
    first.finish()
    settle(world)
    assert view_of(world, 2, 1) == "replica"
    assert world.nodes[1].followed == (world.nodes[0].ip, world.nodes[0].port)


def test_addresses_and_names_are_learned() -> None:
    world = formed(12, 3, 0)
    world.run(3000)
    myself = machine_of(world.nodes[0]).view.myself
    myself.hostname, myself.human_name, myself.zone, myself.client_port = b"one.example", b"alpha", b"az-1", 99
    myself.client_ipv4 = b"10.1.1.1"
    world.run(2 * TIMEOUT)
    seen = machine_of(world.nodes[1]).view.nodes[myself.name]
    assert (seen.hostname, seen.human_name, seen.zone) == (b"one.example", b"alpha", b"az-1")
    assert (seen.client_port, seen.client_ipv4) == (99, b"10.1.1.1")
    again = read_conf(world.nodes[1].files.read(CONF), 1, False).nodes[myself.name]
    assert (again.hostname, again.zone) == (b"one.example", b"az-1")
    myself.hostname = b""
    world.run(2 * TIMEOUT)
    assert seen.hostname == b""


# One machine by itself.


def test_a_vote_is_given_once_an_epoch() -> None:
    scene = Scene()
    assert scene.send(scene.request(6)) == []
    scene.primary.flags |= FAIL
    assert scene.send(scene.request(4)) == []
    assert scene.send(scene.request(6)) == [AUTH_ACK]
    assert scene.machine.view.last_vote_epoch == 6
    assert scene.send(scene.request(6)) == []
    assert scene.send(scene.request(7)) == [AUTH_ACK]


def test_a_vote_by_hand_needs_no_failed_primary() -> None:
    scene = Scene()
    assert scene.send(scene.request(6, force=True)) == [AUTH_ACK]


def test_an_old_claim_gets_an_update_instead_of_a_vote() -> None:
    scene = Scene()
    scene.primary.flags |= FAIL
    assert scene.send(scene.request(6, config_epoch=1)) == [7]
    assert scene.outside.sent[0].about == scene.primary.name


def test_nobody_votes_without_slots_or_just_after_the_start() -> None:
    scene = Scene()
    scene.primary.flags |= FAIL
    scene.machine.started = scene.machine.now - 1000
    assert scene.send(scene.request(6)) == []
    scene.machine.started = 0
    scene.machine.view.unassign(scene.machine.view.myself.slots)
    assert scene.send(scene.request(7)) == []


def test_nothing_is_sent_while_the_disk_is_full() -> None:
    scene = Scene()
    scene.primary.flags |= FAIL
    scene.outside.full = True
    assert scene.send(scene.request(6)) == []
    scene.outside.full = False
    assert scene.send(scene.request(6)) == []
    assert scene.machine.view.last_vote_epoch == 6


def test_light_messages_need_a_known_sender() -> None:
    scene = Scene()
    light = Message(PUBLISH)
    light.light, light.channel, light.text = True, b"news", b"hi"
    stranger = scene.machine.accepted(b"10.0.0.5", b"10.0.0.1")
    scene.send(light, stranger)
    assert stranger.is_closed() and scene.outside.published == []
    scene.send(light)
    module = Message(MODULE)
    module.light, module.module_id = True, b"12345678"
    scene.send(module)
    assert scene.outside.published == [(b"news", b"hi", False)]


def test_messages_are_published_light_to_those_who_read_that() -> None:
    scene = Scene()
    assert scene.primary.link is not None
    scene.primary.link.takes_light = LIGHT_PUBLISH
    outgoing.publish(scene.machine, b"news", b"hi", False)
    scene.machine.finish()
    assert [message.light for message in scene.outside.sent] == [True, False]
    assert {message.text for message in scene.outside.sent} == {b"hi"}


def test_gossip_of_strangers_is_not_believed_and_answered_politely() -> None:
    scene = Scene()
    stranger = scene.machine.accepted(b"10.0.0.5", b"10.0.0.1")
    ping = Message(PING)
    ping.sender = b"5" * 40
    ping.current_epoch = 99
    ping.slots = one(0)
    assert scene.send(ping, stranger) == [1]
    view = scene.machine.view
    assert len(view.nodes) == 3 and view.current_epoch == 5 and view.owner(0) is view.myself


def test_bad_bytes_close_the_link_and_bad_messages_do_not() -> None:
    scene = Scene()
    link = scene.replica.inbound
    assert link is not None
    ping = Message(PING)
    ping.sender = scene.replica.name
    raw = bytearray(encode(ping))
    raw[9] = 7
    scene.machine.received(link, bytes(raw))
    assert not link.is_closed()
    scene.machine.received(link, b"GET / HTTP/1.1\r\n\r\n")
    assert link.is_closed() and scene.outside.closed == 1


def test_gossip_has_three_entries_or_a_tenth_and_all_suspects() -> None:
    scene = Scene()
    machine = scene.machine
    for n in range(60):
        node = machine.new_node(1, b"%040d" % n)
        node.link = scene.primary.link
    assert len(outgoing.gossip(machine, scene.primary)) == 6
    for n in range(10):
        machine.view.nodes[b"%040d" % n].flags |= 4
    assert len(outgoing.gossip(machine, scene.primary)) == 16


def test_a_candidate_counts_as_having_voted_in_its_epoch() -> None:
    world = formed(4, 3, 1)
    world.run(3000)
    machine = machine_of(world.nodes[3])
    operations.failover(machine, True, False)
    machine.finish()
    assert machine.view.last_vote_epoch == machine.election.epoch == machine.view.current_epoch
