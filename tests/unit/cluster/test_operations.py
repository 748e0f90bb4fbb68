"""CLUSTER subcommands that change a node.  `bar` has the slot 5061."""

from __future__ import annotations

from tests.unit.cluster.seats import HOME, Seated

from redpoll.cluster.slot_sets import one

BAR = 5061


def test_a_slot_that_is_added_is_no_longer_imported() -> None:
    node = Seated()
    view = node.machine.view
    view.importing[BAR] = view.importing[7] = node.neighbour()
    assert node.play(f"CLUSTER ADDSLOTS {BAR}") == "OK"
    assert list(view.importing) == [7]


def test_the_end_of_an_import_takes_a_new_epoch() -> None:
    node = Seated()
    view = node.machine.view
    node.neighbour(BAR, epoch=4)
    assert node.play(f"CLUSTER SETSLOT {BAR} IMPORTING {HOME.decode()}") == "OK"
    assert node.play(f"CLUSTER SETSLOT {BAR} NODE {view.myself.name.decode()}") == "OK"
    assert view.importing == {}
    assert view.myself.slots == one(BAR)
    assert view.myself.config_epoch == 5


def test_a_primary_that_gives_its_last_slot_away_follows_the_new_owner() -> None:
    for follows in (True, False):
        node = Seated(b"--cluster-allow-replica-migration", b"yes" if follows else b"no")
        view = node.machine.view
        other = node.neighbour(1)
        node.play(f"CLUSTER ADDSLOTS {BAR} 6")
        node.play(f"CLUSTER SETSLOT {BAR} MIGRATING {HOME.decode()}")
        assert node.play(f"CLUSTER SETSLOT {BAR} NODE {HOME.decode()}") == "OK"
        assert view.migrating == {}
        assert view.myself.is_primary(), "it has one slot left"
        node.play(f"CLUSTER SETSLOT 6 NODE {HOME.decode()}")
        assert view.myself.is_replica() == follows
        assert (view.myself.primary is other) == follows


def test_a_slot_with_keys_is_not_given_away() -> None:
    node = Seated()
    node.serve()
    node.neighbour()
    node.play("SET bar 1")
    assert node.play(f"CLUSTER SETSLOT {BAR} NODE {HOME.decode()}") == (
        "-ERR Can't assign hashslot 5061 to a different node while I still hold keys for this hash slot."
    )
    assert node.machine.view.owner(BAR) is node.machine.view.myself


def test_a_forgotten_node_may_be_forgotten_again() -> None:
    node = Seated()
    node.neighbour()
    assert node.play(f"CLUSTER FORGET {HOME.decode()}") == "OK"
    assert node.play(f"CLUSTER FORGET {HOME.decode()}") == "OK"
    node.machine.view.blacklist.clear()
    assert node.play(f"CLUSTER FORGET {HOME.decode()}") == f"-ERR Unknown node {HOME.decode()}"
