"""Claims to slots: who wins, and what becomes of open slots and keys.  `bar` has the slot 5061."""

from __future__ import annotations

from tests.unit.cluster.seats import Seated

from redpoll.cluster import claims, elections
from redpoll.cluster.flags import NOFAILOVER
from redpoll.cluster.node import Node
from redpoll.cluster.slot_sets import one

BAR = 5061
SECOND = b"b" * 40
THIRD = b"c" * 40


def owner(node: Seated, slot: int = BAR) -> Node | None:
    return node.machine.view.owner(slot)


def test_the_newer_claim_wins() -> None:
    node = Seated()
    second = node.neighbour(BAR, name=SECOND, epoch=5)
    third = node.neighbour(name=THIRD)
    claims.claim(node.machine, third, 5, one(BAR))
    assert owner(node) is second
    claims.claim(node.machine, third, 6, one(BAR))
    assert owner(node) is third


def test_a_slot_that_its_owner_no_longer_claims_goes_to_the_next_claim() -> None:
    node = Seated()
    second = node.neighbour(1, BAR, name=SECOND, epoch=5)
    third = node.neighbour(name=THIRD)
    claims.claim(node.machine, second, 5, one(1))
    assert owner(node) is second, "it stays until somebody wants it"
    claims.claim(node.machine, second, 5, one(1) | one(BAR))
    claims.claim(node.machine, third, 2, one(BAR))
    assert owner(node) is second, "it is claimed again"
    claims.claim(node.machine, second, 5, one(1))
    claims.claim(node.machine, third, 2, one(1) | one(BAR))
    assert owner(node) is third
    assert owner(node, 1) is second
    node.machine.view.check()


def test_of_two_equal_epochs_the_smaller_name_gives_way() -> None:
    node = Seated()
    myself = node.machine.view.myself
    myself.config_epoch = node.machine.view.current_epoch = 3
    smaller = node.neighbour(name=b"0" * 40, epoch=3)
    greater = node.neighbour(name=b"z" * 40, epoch=3)
    claims.resolve_collision(node.machine, smaller)
    assert myself.config_epoch == 3
    claims.resolve_collision(node.machine, greater)
    assert myself.config_epoch == node.machine.view.current_epoch == 4


def test_an_import_follows_its_source_within_a_shard_and_ends_elsewhere() -> None:
    node = Seated()
    view = node.machine.view
    second = node.neighbour(BAR, name=SECOND, epoch=5)
    third = node.neighbour(name=THIRD)
    third.shard = second.shard
    view.importing[BAR] = second
    claims.claim(node.machine, third, 6, one(BAR))
    assert view.importing == {BAR: third}
    third.shard = THIRD
    claims.claim(node.machine, second, 7, one(BAR))
    assert view.importing == {}


def test_a_migration_follows_its_target_within_a_shard_and_ends_when_the_slot_is_lost() -> None:
    node = Seated()
    node.serve()
    view = node.machine.view
    second = node.neighbour(name=SECOND, epoch=5)
    third = node.neighbour(name=THIRD)
    third.shard = second.shard
    view.migrating[BAR] = second
    claims.claim(node.machine, third, 6, 0)
    assert view.migrating == {BAR: third}
    claims.claim(node.machine, third, 6, one(BAR))
    assert view.migrating == {}


def test_the_keys_of_a_lost_slot_are_deleted() -> None:
    node = Seated()
    node.serve()
    node.play("SET bar 1")
    node.play("SET foo 1")
    second = node.neighbour(name=SECOND)
    claims.claim(node.machine, second, 6, one(BAR))
    assert owner(node) is second
    assert node.seat.keys_in(one(BAR)) == 0
    assert node.play("GET foo") == b"1"


def test_a_replica_that_never_stands_for_election_does_not_delay_others() -> None:
    node = Seated()
    view = node.machine.view
    primary = node.neighbour(BAR, name=SECOND)
    sibling = node.neighbour(name=THIRD)
    view.set_replica(view.myself, primary)
    view.set_replica(sibling, primary)
    sibling.offset = 100
    assert elections.rank(node.machine, primary) == 1
    sibling.flags |= NOFAILOVER
    assert elections.rank(node.machine, primary) == 0
