"""A node's seat in its program: nodes.conf, the own entry, and the keys of slots."""

from __future__ import annotations

import pytest
from tests.unit.cluster.seats import Seated

from redpoll.cluster.slot_sets import one, span
from redpoll.errors import ServerError

FOO, BAR = 12182, 5061


def test_a_node_comes_back_with_its_file() -> None:
    first = Seated()
    first.play("CLUSTER ADDSLOTSRANGE 0 9")
    first.play("CLUSTER BUMPEPOCH")
    first.files.crash()
    second = Seated(files=first.files)
    assert second.play("CLUSTER MYID") == first.play("CLUSTER MYID")
    assert second.play("CLUSTER MYSHARDID") == first.play("CLUSTER MYSHARDID")
    assert second.machine.view.myself.slots == span(0, 9)
    assert second.play("CLUSTER BUMPEPOCH") == "STILL 1"


def test_a_damaged_file_stops_the_start() -> None:
    first = Seated()
    first.files.replace(first.seat.path, b"nonsense\n")
    with pytest.raises(ServerError, match="corrupted cluster config file"):
        Seated(files=first.files)


def test_a_bus_port_that_is_too_high_stops_the_start() -> None:
    with pytest.raises(ServerError, match="at most 55535"):
        Seated(b"--port", b"60000", b"--cluster-port", b"0")


def test_the_own_entry_follows_the_settings() -> None:
    node = Seated(b"--cluster-announce-port", b"1", b"--cluster-replica-no-failover", b"yes")
    assert node.play("CLUSTER NODES") == b"%b :1@27659 myself,master,nofailover - 0 0 0 connected\n" % (
        node.machine.view.myself.name
    )
    config = node.engine.config
    assert config.set([b"cluster-replica-no-failover", b"no", b"cluster-announce-bus-port", b"2"]) == b""
    assert config.set([b"cluster-announce-ip", b"10.0.0.1", b"cluster-announce-hostname", b"one.example"]) == b""
    assert node.play("CLUSTER NODES") == b"%b 10.0.0.1:1@2,one.example myself,master - 0 0 0 connected\n" % (
        node.machine.view.myself.name
    )
    saved = node.files.read(node.seat.path)
    assert b"10.0.0.1:1@2,one.example," in saved, "the file follows too"
    assert b"nofailover" not in saved


def test_a_node_cannot_leave_its_cluster_by_config_set() -> None:
    node = Seated()
    refusal = "-ERR CONFIG SET failed (possibly related to argument 'cluster-enabled') - can't set immutable config"
    assert node.play("CONFIG SET cluster-enabled no") == refusal
    assert node.play("CONFIG GET cluster-enabled") == [b"cluster-enabled", b"yes"]


def test_the_keys_of_slots() -> None:
    node = Seated()
    node.serve()
    for key in ("foo", "bar", "{bar}2", "{bar}3"):
        node.play(f"SET {key} 1")
    node.play("PEXPIRE {bar}3 5")
    node.clock.advance_ms(10)
    node.engine.start_unit()
    assert node.seat.has_keys()
    assert node.seat.keys_in(span(0, 16383)) == one(FOO) | one(BAR)
    assert node.seat.keys_in(one(0)) == 0
    assert node.play(f"CLUSTER COUNTKEYSINSLOT {BAR}") == 2
    found = node.play(f"CLUSTER GETKEYSINSLOT {BAR} 10")
    assert isinstance(found, list)
    assert sorted(found) == [b"bar", b"{bar}2"]
    most = node.play(f"CLUSTER GETKEYSINSLOT {BAR} 1")
    assert isinstance(most, list)
    assert len(most) == 1
    assert node.play(f"CLUSTER FLUSHSLOT {BAR}") == "OK"
    assert node.play("EXISTS bar {bar}2") == 0
    assert node.play("GET foo") == b"1"


def test_subscribers_leave_with_the_slot_of_their_channel() -> None:
    node = Seated()
    node.serve()
    node.play("SSUBSCRIBE foo")
    node.play("SSUBSCRIBE bar")
    node.neighbour(BAR)
    assert list(node.engine.pubsub.shards.audiences) == [b"foo"]
