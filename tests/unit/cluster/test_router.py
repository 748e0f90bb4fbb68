"""Redirections by the router of a node.  `foo` has the slot 12182, `bar` 5061."""

from __future__ import annotations

import pytest
from tests.unit.cluster.seats import Seated

from redpoll.cluster.node import Node
from redpoll.cluster.slot_sets import one, span
from redpoll.keyspace.slots import key_slot
from redpoll.protocol.reply import NULL_ARRAY

FOO, BAR = 12182, 5061
MOVED = f"-MOVED {BAR} 10.0.0.2:7002"
ASK = f"-ASK {BAR} 10.0.0.2:7002"
TRYAGAIN = "-TRYAGAIN Multiple keys request during rehashing of slot"
CROSSSLOT = "-CROSSSLOT Keys in request don't hash to the same slot"
DOWN = "-CLUSTERDOWN The cluster is down"


def serving(*slots: int) -> tuple[Seated, Node]:
    """A node with all slots but these, which a neighbour has."""
    node = Seated()
    node.serve()
    return node, node.neighbour(*slots)


def importing() -> Seated:
    """A node to which the slot of `bar` moves."""
    node, other = serving(BAR)
    node.machine.view.importing[BAR] = other
    node.be_ok(True)
    return node


def test_keys_of_other_nodes_are_redirected() -> None:
    node, _other = serving(BAR)
    assert node.play("SET foo 1") == "OK"
    assert node.play("GET bar") == MOVED
    assert node.play("MGET foo bar") == CROSSSLOT
    assert node.play("MGET foo foo") == [b"1", b"1"]
    assert node.play("PING") == "PONG"
    node.machine.view.unassign(span(BAR, BAR))
    node.be_ok(True)
    assert node.play("GET bar") == "-CLUSTERDOWN Hash slot not served"


def test_missing_keys_of_a_migrating_slot_are_asked_for_at_its_target() -> None:
    node, other = serving()
    node.play("SET bar 1")
    node.machine.view.migrating[BAR] = other
    node.be_ok(True)
    assert node.play("GET bar") == b"1"
    assert node.play("GET {bar}x") == ASK
    assert node.play("MGET bar {bar}x") == TRYAGAIN
    assert node.play("MGET {bar}x {bar}y") == ASK
    assert node.play("MOVE bar 1") == TRYAGAIN
    assert node.play("COPY bar {bar}x DB 0") == TRYAGAIN
    # MULTI queues it all the same, and EXEC looks.
    node.play("MULTI")
    assert node.play("GET {bar}x") == "QUEUED"
    assert node.play("EXEC") == ASK
    assert node.play("SET {bar}gone 1") == ASK


def test_a_key_past_its_deadline_counts_as_missing() -> None:
    node, other = serving()
    node.play("SET bar 1 PX 10")
    node.play("SET {bar}stays 1 PX 100")
    node.machine.view.migrating[BAR] = other
    node.be_ok(True)
    node.clock.advance_ms(20)
    assert node.play("GET bar") == ASK
    assert node.play("GET {bar}stays") == b"1"


def test_asking_lets_one_command_pass() -> None:
    node = importing()
    assert node.play("GET bar") == MOVED
    assert node.play("ASKING") == "OK"
    assert node.play("SET bar 1") == "OK"
    assert node.play("GET bar") == MOVED
    node.play("ASKING")
    assert node.play("MGET bar {bar}x") == TRYAGAIN
    node.play("ASKING")
    assert node.play("MGET bar bar") == [b"1", b"1"]
    node.play("ASKING")
    node.play("ASKING")
    assert node.play("GET bar") == b"1"


@pytest.mark.parametrize("refused", ["GET", "NOSUCH", "CLUSTER NOSUCH", "MGET foo bar", "EXEC x", "PING"])
def test_asking_ends_with_the_next_command_even_if_it_is_refused(refused: str) -> None:
    node = importing()
    node.play("ASKING")
    node.play(refused)
    assert node.play("GET bar") == MOVED


def test_asking_before_multi_lasts_until_exec() -> None:
    node = importing()
    node.play("ASKING")
    node.play("MULTI")
    assert node.play("SET bar 1") == "QUEUED"
    assert node.play("GET bar") == "QUEUED"
    assert node.play("EXEC") == ["OK", b"1"]
    assert node.play("GET bar") == MOVED
    node.play("ASKING")
    node.play("MULTI")
    assert node.play("MULTI") == "-ERR Command 'multi' not allowed inside a transaction"
    assert node.play("GET bar") == "QUEUED"
    node.play("DISCARD")
    assert node.play("GET bar") == MOVED


def test_scripts_of_a_client_that_asks_use_keys_that_move_here() -> None:
    node = importing()
    script = "return(redis.call('get','bar'))"
    refused = "-ERR Attempted to access a non local key in a cluster node script: on @user_script:1."
    node.play("ASKING")
    node.play("SET bar 1")
    assert node.play(f"EVAL {script} 0") == refused
    node.play("ASKING")
    assert node.play(f"EVAL {script} 0") == b"1"
    assert node.play(f"EVAL {script} 0") == refused
    node.play("ASKING")
    node.play("MULTI")
    node.play(f"EVAL {script} 0")
    node.play(f"EVAL {script} 0")
    assert node.play("EXEC") == [b"1", b"1"]
    assert node.play(f"EVAL {script} 0") == refused
    node.play("MULTI")
    node.play(f"EVAL {script} 0")
    node.play("ASKING")
    node.play(f"EVAL {script} 0")
    node.play(f"EVAL {script} 0")
    assert node.play("EXEC") == [refused, "OK", b"1", b"1"]
    assert node.play("GET bar") == MOVED


def test_a_transaction_goes_where_its_keys_are() -> None:
    node, _other = serving(BAR)
    node.play("MULTI")
    assert node.play("SET foo 1") == "QUEUED"
    assert node.play("SET 06S 1") == "QUEUED"
    assert node.play("EXEC") == CROSSSLOT
    assert node.play("EXEC") == "-ERR EXEC without MULTI"
    assert node.play("GET foo") is None


def test_a_stream_from_the_primary_is_not_redirected() -> None:
    node, _other = serving(BAR)
    node.session.is_primary = True
    assert node.play("SET bar 1") == "OK"


def test_a_transaction_that_has_failed_is_not_redirected() -> None:
    node, _other = serving()
    node.play("WATCH foo")
    node.play("MULTI")
    node.play("GET bar")
    node.session.watch_broken = True
    node.machine.view.unassign(one(BAR))
    node.be_ok(True)
    assert node.play("EXEC") is NULL_ARRAY


def test_a_replica_answers_reads_of_clients_that_allow_it() -> None:
    node, other = serving(BAR)
    view = node.machine.view
    view.unassign(view.myself.slots)
    view.set_replica(view.myself, other)
    node.be_ok(True)
    assert node.play("GET bar") == MOVED
    node.play("READONLY")
    assert node.play("GET bar") is None
    assert node.play("SET bar 1") == MOVED
    node.play("READWRITE")
    assert node.play("GET bar") == MOVED


def test_a_cluster_that_is_down_refuses_keys() -> None:
    node, _other = serving()
    node.play("SET foo 1")
    node.be_ok(False)
    config = node.engine.config
    assert node.play("GET foo") == DOWN
    assert node.play("SPUBLISH foo x") == 0
    config.set([b"cluster-allow-pubsubshard-when-down", b"no"])
    assert node.play("SPUBLISH foo x") == DOWN
    config.set([b"cluster-allow-reads-when-down", b"yes"])
    node.be_ok(False)
    assert node.play("GET foo") == b"1"
    assert node.play("SET foo 2") == "-CLUSTERDOWN The cluster is down and only accepts read commands"


def test_clients_are_sent_to_the_endpoint_of_their_choice() -> None:
    node, other = serving(BAR)
    node.engine.config.set([b"cluster-preferred-endpoint-type", b"hostname"])
    assert node.play("GET bar") == f"-MOVED {BAR} ?:7002"
    other.hostname = b"two.example"
    assert node.play("GET bar") == f"-MOVED {BAR} two.example:7002"
    node.engine.config.set([b"cluster-preferred-endpoint-type", b"unknown-endpoint"])
    assert node.play("GET bar") == f"-MOVED {BAR} :7002"
    node.engine.config.set([b"cluster-preferred-endpoint-type", b"ip"])
    other.client_ipv4 = b"1.2.3.4"
    other.client_port = 9
    assert node.play("GET bar") == f"-MOVED {BAR} 1.2.3.4:9"


def test_statistics_of_slots_that_have_left_begin_again() -> None:
    node = Seated(b"--cluster-slot-stats-enabled", b"yes")
    node.serve()
    assert node.play("SET foo 1") == "OK"
    statistics = node.seat.router.statistics
    slot = int(key_slot(b"foo"))
    assert statistics.received[slot] > 0 and statistics.sent[slot] > 0
    node.machine.view.assign(1 << slot, node.neighbour())
    node.be_ok(True)
    assert (statistics.received[slot], statistics.sent[slot], statistics.spent_us[slot]) == (0, 0, 0)


def test_multi_counts_for_the_slot_of_its_transaction() -> None:
    node = Seated(b"--cluster-slot-stats-enabled", b"yes")
    node.serve()
    for line in ("MULTI", "SET foo 1", "EXEC"):
        node.play(line)
    requests = (b"*1\r\n$5\r\nMULTI\r\n", b"*3\r\n$3\r\nSET\r\n$3\r\nfoo\r\n$1\r\n1\r\n", b"*1\r\n$4\r\nEXEC\r\n")
    assert node.seat.router.statistics.received[int(key_slot(b"foo"))] == sum(map(len, requests))
