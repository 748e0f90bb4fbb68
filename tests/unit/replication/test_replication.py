"""Roles, histories and offsets, with servers in memory."""

from __future__ import annotations

import pytest
from tests.unit.replication.world import Server, World

from redpoll.config.schema import BY_NAME
from redpoll.engine.durability import LOG_ON, AppendLog
from redpoll.engine.gates import GATE_READONLY, GATE_STALE, GATE_WRITE_DISK
from redpoll.protocol.reply import Error
from redpoll.replication.stream import Position


def test_a_replica_has_the_data_and_the_offset() -> None:
    world = World()
    one, other = Server(world, 1), Server(world, 2)
    one.play("SET a 1", "SELECT 2", "RPUSH l 1 2 3", "SELECT 0")
    other.do("REPLICAOF", "h", 1)
    world.settle_down()
    one.play("SET b 2", "MULTI", "INCR b", "SADD s x", "EXEC")
    world.run()
    assert other.digest() == one.digest()
    assert other.replication.offset == one.replication.offset > 0
    assert other.replication.history == one.replication.history
    role = other.do("ROLE")
    assert role == [b"slave", b"h", 1, b"connected", one.replication.offset]


@pytest.mark.parametrize("mode", ["disabled", "swapdb", "on-empty-db", "flush-before-load"])
def test_every_way_of_loading(mode: str) -> None:
    world = World()
    one, other = Server(world, 1), Server(world, 2, repl_diskless_load=mode)
    if mode != "on-empty-db":
        other.play("SET old 1", "SELECT 3", "SET old 2", "SELECT 0")
    for n in range(3000):
        one.do("SET", f"k{n}", "v" * 10)
    other.do("REPLICAOF", "h", 1)
    world.settle_down()
    one.do("SET", "late", 1)
    world.run()
    assert other.digest() == one.digest()
    other.engine.tick()
    sizes = [db.table.size_told for db in other.engine.databases]
    assert other.engine.moment.used_bytes == sum(sizes)


def test_a_cut_link_goes_on() -> None:
    world = World()
    one, other = world.pair()
    one.play("SELECT 3", "SET a 1")
    world.run()
    world.wires[0].cut()
    one.do("SET", "b", 2)
    world.settle_down()
    assert other.digest() == one.digest()
    assert (one.replication.primary.full_syncs, one.replication.primary.partial_syncs) == (1, 1)


def test_a_promoted_replica_keeps_its_past() -> None:
    world = World()
    one, other = world.pair()
    one.do("SET", "a", 1)
    world.run()
    history, offset = one.replication.history, one.replication.offset
    other.do("REPLICAOF", "NO", "ONE")
    assert not other.replication.is_replica
    assert (other.replication.second_history, other.replication.second_offset) == (history, offset + 1)
    assert other.replication.history != history
    other.do("SET", "b", 2)
    one.do("REPLICAOF", "h", 2)
    world.settle_down()
    assert one.digest() == other.digest()
    assert other.replication.primary.partial_syncs == 1
    assert one.replication.second_history == history


def test_what_diverged_is_copied_anew() -> None:
    world = World()
    one, other = world.pair()
    other.do("REPLICAOF", "NO", "ONE")
    world.run()
    one.do("SET", "only", "here")
    other.do("SET", "a", 1)
    one.do("REPLICAOF", "h", 2)
    world.settle_down()
    assert one.digest() == other.digest()
    assert other.replication.primary.full_syncs == 1


def test_chains_share_history_and_bytes() -> None:
    world = World()
    one, two = world.pair()
    three = Server(world, 3)
    three.do("REPLICAOF", "h", 2)
    world.settle_down()
    one.play("SELECT 1", "SET a 1", "MULTI", "SET b 1", "SET c 1", "EXEC")
    world.settle_down()
    assert one.digest() == two.digest() == three.digest()
    assert one.replication.offset == two.replication.offset == three.replication.offset
    assert three.replication.history == one.replication.history
    # The middle one is promoted; the last one goes on.
    two.do("REPLICAOF", "NO", "ONE")
    two.play("SET d 1")
    world.settle_down()
    assert two.digest() == three.digest()
    assert three.replication.history == two.replication.history
    assert two.replication.primary.full_syncs == 1


def test_gates_of_a_replica() -> None:
    world = World()
    one, other = world.pair()
    assert other.engine.gates & GATE_READONLY
    assert isinstance(other.do("SET", "a", 1), Error)
    other.do("CONFIG", "SET", "replica-read-only", "no")
    assert not isinstance(other.do("SET", "a", 1), Error)
    assert one.do("GET", "a") is None
    other.do("CONFIG", "SET", "replica-serve-stale-data", "no")
    assert other.engine.gates & GATE_STALE == 0
    world.cut_off.add((2, 1))
    world.wires[0].cut()
    assert other.engine.gates & GATE_STALE
    reply = other.do("GET", "a")
    assert isinstance(reply, Error)
    assert reply.text.startswith(b"MASTERDOWN")
    other.do("REPLICAOF", "NO", "ONE")
    assert other.do("GET", "a") == b"1"


def test_expired_keys_wait_for_the_primary() -> None:
    world = World()
    one, other = world.pair()
    one.engine.expiry.is_on = False
    one.do("SET", "k", "v", "PX", 50)
    one.play("HSET h f v g w", "HPEXPIRE h 50 FIELDS 1 f")
    world.run()
    world.clock.advance_ms(100)
    other.engine.start_unit()
    other.engine.tick()
    assert other.do("GET", "k") is None
    assert other.engine.databases[0].table.size == 2
    # The primary notices it, and its deletion arrives.
    assert one.do("GET", "k") is None
    world.run()
    assert other.engine.databases[0].table.size == 1


def test_the_place_in_a_file() -> None:
    """A replica that is started again finds its place, and a primary offers its past to replicas."""
    world = World()
    one, other = world.pair()
    one.play("SELECT 2", "SET a 1")
    world.run()
    place = other.replication.place()
    assert place is not None
    assert (place.history, place.offset, place.db) == (one.replication.history, one.replication.offset, 2)
    again = Server(world, 4)
    again.replication.loaded(place, True)
    again.replication.follow(b"h", 1)
    one.do("SET", "b", 2)
    world.settle_down()
    assert again.play("SELECT 2", "GET b") == b"2"
    assert one.replication.primary.partial_syncs == 1
    restarted = Server(world, 5)
    restarted.replication.loaded(place, False)
    assert restarted.replication.knows(place.history, place.offset)
    assert not restarted.replication.knows(place.history, place.offset + 1)


def test_the_ring_goes_when_nobody_comes() -> None:
    world = World()
    one, other = world.pair()
    one.do("CONFIG", "SET", "repl-backlog-ttl", 2)
    world.cut_off.add((2, 1))
    world.wires[0].cut()
    history = one.replication.history
    world.pass_time(4)
    assert one.replication.primary.stream is None
    assert one.replication.history != history
    assert one.engine.unit.journal is None
    world.cut_off.clear()
    world.settle_down()
    assert other.digest() == one.digest()
    assert one.replication.primary.full_syncs == 2


def test_blocked_clients_are_freed() -> None:
    world = World()
    one, other = Server(world, 1), Server(world, 2)
    other.do("BLPOP", "l", 0)
    other.do("REPLICAOF", "h", 1)
    assert b"".join(other.client.out.take()).startswith(b"-UNBLOCKED")
    world.settle_down()
    assert one.replication.replicas_count() == 1


def test_wait() -> None:
    world = World()
    one, _ = world.pair()
    assert one.do("WAIT", 0, 0) == 1
    one.do("SET", "a", 1)
    one.do("WAIT", 1, 0)
    world.run()
    assert b"".join(one.client.out.take()) == b":1\r\n"
    one.do("WAIT", 2, 50)
    world.run()
    world.clock.advance_ms(60)
    one.engine.tick()
    assert b"".join(one.client.out.take()) == b":1\r\n"
    one.do("WAITAOF", 0, 1, 50)
    world.clock.advance_ms(60)
    one.engine.tick()
    assert b"".join(one.client.out.take()) == b"*2\r\n:0\r\n:0\r\n"


def test_old_data_goes_at_once_or_in_slices() -> None:
    """`replica-lazy-flush` says when a replica frees its old data: after the load, or before it."""
    for setting, is_freed in (("yes", False), ("no", True)):
        world = World()
        other = Server(world, 2, replica_lazy_flush=setting)
        other.do("RPUSH", "old", *["x" * 100 for _ in range(5000)])
        other.replication.link.loader._empty()
        assert other.engine.databases[0].table.size == 0
        assert (other.engine.reclaimer.pending() == 0) == is_freed


def test_what_sentinels_read() -> None:
    """`replica-priority` and `replica-announced` appear in INFO."""
    world = World()
    _, other = world.pair(replica_priority="7", replica_announced="no")
    info = other.do("INFO", "replication")
    assert b"slave_priority:7\r\nslave_read_only:1\r\nreplica_announced:0\r\n" in getattr(info, "text", info)


@pytest.mark.parametrize("setting", ["yes", "no"])
def test_a_replica_that_cannot_write_to_its_disk(setting: str) -> None:
    """It goes on with a warning, or ends (`replica-ignore-disk-write-errors`).  This host cannot end: the link does."""
    world = World()
    one, other = world.pair(replica_ignore_disk_write_errors=setting)
    other.engine.gates |= GATE_WRITE_DISK
    one.do("SET", "a", 1)
    world.run()
    assert one.replication.primary.full_syncs == (1 if setting == "yes" else 2)
    wanted = "is applying a command even though it is unable" if setting == "yes" else "was unable to write command"
    assert sum(wanted in line for line in other.host.lines) == 1


def test_a_promoted_replica_begins_its_part_of_the_stream() -> None:
    """The next command selects its database, and replicas that have more of the old stream may not go on."""
    world = World()
    one, other = world.pair()
    one.do("SET", "a", 1)
    world.run()
    history, offset = one.replication.history, int(one.replication.offset)
    other.do("REPLICAOF", "NO", "ONE")
    other.do("SET", "b", 1)
    stream = other.replication.primary.stream
    assert stream is not None
    position = Position()
    stream.follow(position, offset)
    assert stream.take(position).startswith(b"*2\r\n$6\r\nSELECT\r\n")
    assert other.replication.knows(history, offset)
    assert not other.replication.knows(history, offset + 5)
    assert other.replication.knows(other.replication.history, offset + 5)


def test_how_far_the_file_of_a_replica_is_synced() -> None:
    world = World()
    one, other = world.pair()
    log = AppendLog()
    other.engine.durability.append_only = log
    assert other.replication.fsynced_offset() == -1
    log.state = LOG_ON
    replication = other.replication
    log.synced_count = other.engine.unit.count
    first = replication.fsynced_offset()
    assert first == replication.offset
    one.do("SET", "a", 1)
    world.run()
    other.engine.unit.count += 1
    replication._mark()
    one.do("SET", "b", 1)
    world.run()
    other.engine.unit.count += 1
    assert replication.fsynced_offset() == first
    log.synced_count += 1
    assert first < replication.fsynced_offset() < replication.offset
    log.synced_count += 1
    assert replication.fsynced_offset() == replication.offset


@pytest.mark.parametrize(
    ("settings", "waits", "is_removed"),
    [
        ({"rdb_del_sync_files": "yes", "save": ""}, False, True),
        ({"rdb_del_sync_files": "no", "save": ""}, False, False),
        ({"rdb_del_sync_files": "yes", "save": "60 1"}, False, False),
        ({"rdb_del_sync_files": "yes", "save": "", "appendonly": "yes"}, False, False),
        ({"rdb_del_sync_files": "yes", "save": ""}, True, False),
    ],
)
def test_the_file_of_a_snapshot_for_replicas(settings: dict[str, str], waits: bool, is_removed: bool) -> None:
    """It goes only if nothing else needs it: `rdb-del-sync-files`."""
    world = World()
    one = Server(world, 1, repl_diskless_sync_delay="9")
    for name, value in settings.items():
        one.engine.config.assign(BY_NAME[name.replace("_", "-").encode()], value.encode().split() or [b""])
    files = one.engine.config.files
    file = files.append(b"dump.rdb")
    file.write(b"x")
    file.close()
    if waits:
        Server(world, 2).do("REPLICAOF", "h", 1)
        world.run()
        assert one.replication.replicas_count() == 1
    one.replication.remove_sync_file()
    assert files.exists(b"dump.rdb") != is_removed


def test_a_replica_does_not_evict() -> None:
    """Unless `replica-ignore-maxmemory` is `no`."""
    world = World()
    one, other = world.pair(maxmemory="1mb", maxmemory_policy="allkeys-lru")
    for n in range(400):
        one.do("SET", f"k{n}", "x" * 10_000)
    world.run()
    other.do("GET", "k1")
    assert other.engine.databases[0].table.size == 400
    other.do("CONFIG", "SET", "replica-ignore-maxmemory", "no")
    other.do("GET", "k1")
    other.engine.tick()
    assert other.engine.databases[0].table.size < 400


def test_the_size_of_the_ring_is_a_setting() -> None:
    world = World()
    one, _ = world.pair(repl_backlog_size="20000")
    one.play("CONFIG SET repl-backlog-size 30000")
    stream = one.replication.primary.stream
    assert stream is not None
    assert stream.size == 30_000
    one.play("CONFIG SET repl-backlog-size 1")
    assert stream.size == 16_384


def test_paused_clients_stay_paused_when_the_role_changes() -> None:
    world = World()
    Server(world, 1)
    other = Server(world, 2)
    other.do("CLIENT", "PAUSE", 100_000, "WRITE")
    other.do("SET", "a", 1)
    assert other.client.session.waiting is not None
    other.replication.follow(b"h", 1)
    assert other.client.session.waiting is not None
    assert b"".join(other.client.out.take()) == b""


def test_a_transaction_meets_the_gates_of_its_commands() -> None:
    world = World()
    one, _ = world.pair()
    one.play("MULTI", "SET a 1")
    one.replication.follow(b"h", 2)
    reply = one.do("EXEC")
    assert isinstance(reply, Error)
    assert b"READONLY" in reply.text
    assert one.play("MULTI", "GET a", "EXEC") == [None]
    one.do("MULTI")
    one.do("EVAL", "return 7", 0)
    assert one.do("EXEC") == [7]


def test_scripts_meet_the_gates() -> None:
    world = World()
    one, other = world.pair()
    one.play("CONFIG SET min-replicas-to-write 5")
    reply = one.do("EVAL", "return server.call('set', KEYS[1], 1)", 1, "a")
    assert isinstance(reply, Error)
    assert reply.text.startswith(b"NOREPLICAS")
    assert one.do("EVAL", "return server.call('get', KEYS[1])", 1, "a") is None
    other.do("CONFIG", "SET", "replica-serve-stale-data", "no")
    world.cut_off.add((2, 1))
    world.wires[0].cut()
    assert other.do("EVAL", "#!lua flags=no-writes,allow-stale\nreturn 1", 0) == 1
    for script in ("#!lua flags=no-writes\nreturn 1", "return 1"):
        reply = other.do("EVAL", script, 0)
        assert isinstance(reply, Error)
        assert reply.text.startswith(b"MASTERDOWN")
