"""A node's seat in its program: nodes.conf, the own entry, and the keys of slots."""

from __future__ import annotations

import pytest
from tests.unit.cluster.seats import HOME, Recorder, Seated, plain

from redpoll.cluster.slot_sets import one, span
from redpoll.engine.routing import SlotArrival
from redpoll.errors import ServerError
from redpoll.replication.replication import replication_of

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


def test_a_primary_waits_after_its_start_before_it_serves() -> None:
    node = Seated(b"--cluster-node-timeout", b"1000")
    node.play("CLUSTER ADDSLOTSRANGE 0 16383")
    for ms, is_ok in ((1998, False), (1, False), (2, True)):
        node.clock.advance_ms(ms)
        machine = node.seat.wake()
        machine.tick()
        machine.finish()
        assert machine.state_ok == is_ok
    assert node.play("SET foo 1") == "OK"


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
    assert node.play(f"CLUSTER COUNTKEYSINSLOT {BAR}") == 3, "expired keys count"
    found = node.play(f"CLUSTER GETKEYSINSLOT {BAR} 10")
    assert isinstance(found, list)
    assert sorted(found) == [b"bar", b"{bar}2", b"{bar}3"]
    most = node.play(f"CLUSTER GETKEYSINSLOT {BAR} 1")
    assert isinstance(most, list)
    assert len(most) == 1
    assert node.play(f"CLUSTER FLUSHSLOT {BAR}") == "OK"
    assert node.play("EXISTS bar {bar}2") == 0
    assert node.play("GET foo") == b"1"


def test_blocked_clients_are_answered_when_their_slot_leaves() -> None:
    node = Seated()
    node.serve()
    moved, stays = node.blocked("BLPOP bar 0"), node.blocked("BLPOP foo 0")
    node.seat.look_at_waiting()
    assert moved.replies == []
    node.neighbour(BAR)
    node.seat.look_at_waiting()
    assert [plain(reply) for reply in moved.replies] == [f"-MOVED {BAR} 10.0.0.2:7002"]
    assert stays.replies == []
    node.be_ok(False)
    node.seat.look_at_waiting()
    assert [plain(reply) for reply in stays.replies] == ["-CLUSTERDOWN The cluster is down"]


def test_blocked_clients_stay_while_their_slot_moves_here() -> None:
    node = Seated()
    node.serve()
    told = node.blocked("BLPOP bar 0")
    other = node.neighbour(BAR)
    node.machine.view.importing[BAR] = other
    node.seat.look_at_waiting()
    assert told.replies == []
    del node.machine.view.importing[BAR]
    node.machine.view.unassign(one(BAR))
    node.seat.look_at_waiting()
    assert [plain(reply) for reply in told.replies] == ["-CLUSTERDOWN Hash slot not served"]


def test_log_lines_name_a_node_by_id_name_and_address() -> None:
    other = Seated().neighbour()
    assert other.shown() == f"{'a' * 40} (10.0.0.2:7002)"
    other.human_name = b"two"
    assert other.shown() == f"{'a' * 40} (two, 10.0.0.2:7002)"
    other.ip = b""
    other.port = 0
    assert other.shown() == f"{'a' * 40} (two, ?:0)"


def test_subscribers_leave_with_the_slot_of_their_channel() -> None:
    node = Seated()
    node.serve()
    node.play("SSUBSCRIBE foo")
    node.play("SSUBSCRIBE bar")
    node.neighbour(BAR)
    assert list(node.engine.pubsub.shards.audiences) == [b"foo"]


def test_a_replica_follows_from_its_start_on() -> None:
    """Before it did, it deleted expired keys by itself, and could not go on in the stream of its snapshot file."""
    first = Seated()
    first.neighbour(*range(100), epoch=1)
    assert first.play(f"CLUSTER REPLICATE {HOME.decode()}") == "OK"
    second = Seated(files=first.files)
    role = replication_of(second.engine)
    assert (role.is_replica, role.host, role.port) == (True, b"10.0.0.2", 7002)


def test_only_the_deletions_are_effects_when_keys_are_dropped() -> None:
    """The next command, or the one that drops them, was one too; replicas and the append-only file refuse it."""
    node = Seated()
    node.serve()
    assert node.play("SET foo 1") == "OK"
    assert node.play("SET bar 1") == "OK"
    journal = Recorder()
    node.engine.unit.attach(journal)
    node.seat.delete_keys(one(FOO))
    assert node.play("PING") == "PONG"
    assert node.play(f"CLUSTER FLUSHSLOT {BAR}") == "OK"
    assert node.play("PING") == "PONG"
    assert journal.effects == [[b"UNLINK", b"foo"], [b"CLUSTER", b"FLUSHSLOT", b"%d" % BAR]]


def test_a_reset_is_told_as_the_loss_of_all_data() -> None:
    node = Seated()
    node.neighbour(*range(100), epoch=1)
    assert node.play(f"CLUSTER REPLICATE {HOME.decode()}") == "OK"
    command = node.engine.meant([b"SET"])
    assert command is not None
    node.engine.run(node.session, command, [b"SET", b"foo", b"1"])
    journal = Recorder()
    node.engine.unit.attach(journal)
    assert node.play("DBSIZE") == 1
    assert node.play("CLUSTER RESET") == "OK"
    assert node.play("PING") == "PONG"
    assert journal.effects == [[b"FLUSHALL"]]


def test_a_snapshot_replaces_the_imports_of_the_primary() -> None:
    node = Seated()
    router = node.seat.router
    for name in (b"c" * 40, b"d" * 40):
        router.loaded([SlotArrival(name, [(1, 2)])])
        assert [job.name for job in node.machine.migrations.jobs()] == [name]
        assert node.engine.moment.hidden.any
    router.loaded([])
    assert node.machine.migrations.jobs() == []
    assert not node.engine.moment.hidden.any
