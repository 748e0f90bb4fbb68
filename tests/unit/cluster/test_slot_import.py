"""A migration between two engines in memory: any commands between any two slices give the same data on both sides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cluster.migration_world import NAMES, World, begun, digests
from tests.unit.cluster.seats import Recorder
from tests.unit.keyspace.places import check_tables

from redpoll.cluster.migration_job import SNAPSHOTTING
from redpoll.cluster.migrations import FLUSHED, syncslots
from redpoll.cluster.slot_sets import one
from redpoll.engine.session import Session
from redpoll.persistence.snapshot_writer import SLICES

keys = st.sampled_from(NAMES)
texts = st.integers(0, 200).map(lambda n: b"%d" % n * (n % 7 + 1))
numbers = st.integers(0, 300).map(lambda n: b"%d" % n)
large = st.integers(0, 5000)


def many(words: st.SearchStrategy[int], count: int) -> st.SearchStrategy[list[bytes]]:
    return words.map(lambda n: [b"%d" % (n + k) for k in range(count)])


commands = st.one_of(
    st.tuples(st.just(b"SET"), keys, texts),
    st.tuples(st.just(b"APPEND"), keys, texts),
    st.tuples(st.just(b"SETRANGE"), keys, numbers, texts),
    st.tuples(st.just(b"DEL"), keys),
    st.tuples(st.just(b"PEXPIRE"), keys, st.just(b"100000000")),
    st.tuples(st.just(b"PERSIST"), keys),
    st.tuples(st.just(b"RENAME"), keys, keys),
    st.tuples(st.just(b"COPY"), keys, keys, st.just(b"REPLACE")),
    st.tuples(st.just(b"SADD"), keys, numbers),
    st.tuples(st.just(b"SREM"), keys, numbers),
    st.tuples(st.just(b"SPOP"), keys),
    st.tuples(st.just(b"SUNIONSTORE"), keys, keys, keys),
    st.tuples(st.just(b"HSET"), keys, numbers, texts),
    st.tuples(st.just(b"HPEXPIRE"), keys, st.just(b"100000000"), st.just(b"FIELDS"), st.just(b"1"), numbers),
    st.tuples(st.just(b"HDEL"), keys, numbers),
    st.tuples(st.just(b"ZADD"), keys, numbers, texts),
    st.tuples(st.just(b"ZPOPMIN"), keys),
    st.tuples(st.just(b"RPUSH"), keys, texts),
    st.tuples(st.just(b"LPOP"), keys),
    st.tuples(st.just(b"XADD"), keys, st.just(b"*"), texts, texts),
    st.tuples(st.just(b"XTRIM"), keys, st.just(b"MAXLEN"), numbers),
    st.tuples(st.just(b"XGROUP"), st.just(b"CREATE"), keys, st.just(b"g"), st.just(b"0")),
    st.tuples(st.just(b"XREADGROUP"), st.just(b"GROUP"), st.just(b"g"), st.just(b"c"), st.just(b"STREAMS"), keys, st.just(b">")),
    st.builds(lambda key, items: (b"SADD", key, *items), keys, many(large, 300)),
    st.builds(lambda key, items: (b"HSET", key, *items), keys, many(large, 400)),
    st.builds(lambda key, items: (b"ZADD", key, *items), keys, many(large, 400)),
    st.builds(lambda key, items: (b"RPUSH", key, *items), keys, many(large, 400)),
    st.tuples(st.just(b"EVAL"), st.just(b"redis.call('del',KEYS[1]) return redis.call('incr',KEYS[1])"), st.just(b"1"), keys),
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _short_slices() -> object:
    """Slices so short that small values are written in several."""
    before = (SLICES.value_bytes, SLICES.bucket_bytes, SLICES.text_bytes, SLICES.raw_bytes, SLICES.entries)
    SLICES.value_bytes, SLICES.bucket_bytes, SLICES.text_bytes, SLICES.raw_bytes, SLICES.entries = 200, 400, 64, 300, 8
    yield
    SLICES.value_bytes, SLICES.bucket_bytes, SLICES.text_bytes, SLICES.raw_bytes, SLICES.entries = before


@given(st.lists(commands, max_size=25), st.lists(st.tuples(commands, st.integers(0, 3)), max_size=40))
def test_any_commands_between_any_slices_give_the_same_data(
    before: list[tuple[bytes, ...]], meanwhile: list[tuple[tuple[bytes, ...], int]]
) -> None:
    world = World()
    for words in before:
        world.do(*words)
    world.connect()
    world.carry()
    world.tick()
    assert world.job.state == SNAPSHOTTING
    for words, steps in meanwhile:
        world.do(*words)
        for _ in range(steps):
            world.step()
        if steps == 3:
            world.carry()
        elif steps == 2 and world.job.state == SNAPSHOTTING:
            # Long enough for acknowledgements, which go out between the keys.  Later, writes may be paused, and a pause
            # that is not answered in time ends the migration.
            for _ in range(11):
                world.tick()
    world.finish()
    assert world.job.state == b"success"
    target = world.target.machine.migrations.jobs()[0]
    assert (target.state, target.message) == (b"success", b"")
    assert digests(world.target.engine) == world.digests
    assert digests(world.source.engine) == {}
    assert world.source.engine.unit.journal is None
    for engine in (world.source.engine, world.target.engine):
        assert not engine.moment.hidden.any and not engine.pause.is_on()
        check_tables(engine.databases[0].tables)


def session_of(world: World) -> Session:
    return next(session for session in world.source.engine.sessions.values() if session.exports)


def test_a_command_that_fails_there_ends_the_migration() -> None:
    world = begun()
    world.wires.run()
    world.wires.wire.sent.append(b"*2\r\n$4\r\nINCR\r\n$6\r\n{bar}0\r\n")
    world.carry()
    job = world.target.machine.migrations.jobs()[0]
    assert job.state == b"failed" and job.message.startswith(b"Failed to process command")
    assert digests(world.target.engine) == {} and world.end.ended
    assert digests(world.source.engine) != {}


def test_a_transaction_stays_whole_if_it_ends_an_import() -> None:
    world = begun()
    world.carry()
    node = world.target
    node.machine.view.assign(one(12182), node.machine.view.myself)
    node.be_ok(True)
    name = node.machine.migrations.jobs()[0].name
    journal = Recorder()
    node.engine.unit.attach(journal)
    for line in ("MULTI", "SET foo 1", "FLUSHALL", "SET foo 2", "EXEC"):
        node.play(line)
    assert node.machine.migrations.jobs()[0].state == b"failed"
    found = journal.effects
    assert found[:2] == [[b"MULTI"], [b"SET", b"foo", b"1"]]
    assert sorted(found[2 : 2 + len(NAMES)]) == [[b"UNLINK", name] for name in NAMES]
    assert found[2 + len(NAMES) :] == [
        syncslots(b"FINISH", b"STATE", b"FAILED", b"NAME", name, b"MESSAGE", FLUSHED),
        [b"FLUSHALL"],
        [b"SET", b"foo", b"2"],
        [b"EXEC"],
    ]


@pytest.mark.parametrize("line", [b"PUBLISH a b", b"NOSUCH a", b"SET a", b"GET a", b"FLUSHALL extra word"])
def test_a_link_may_only_change_keys(line: bytes) -> None:
    world = begun()
    world.carry()
    taker = world.link.taker
    assert taker is not None
    taker.take([line.split()], 0)
    assert world.target.machine.migrations.jobs()[0].state == b"failed"


def test_no_command_runs_after_one_that_failed() -> None:
    world = begun()
    world.carry()
    taker = world.link.taker
    assert taker is not None
    taker.take([[b"INCR", NAMES[0]], [b"SET", NAMES[0], b"later"]], 0)
    assert world.target.machine.migrations.jobs()[0].state == b"failed"
    assert digests(world.target.engine) == {}


def test_an_import_fails_without_memory() -> None:
    world = begun()
    world.carry()
    world.target.engine.config.set([b"maxmemory", b"1"])
    taker = world.link.taker
    assert taker is not None
    taker.take([[b"SET", NAMES[0], b"w"]], 0)
    assert world.target.machine.migrations.jobs()[0].state == b"failed"
    assert digests(world.target.engine) == {}


def test_replicas_get_what_the_source_says() -> None:
    world = begun()
    journal = Recorder()
    world.target.engine.unit.attach(journal)
    world.carry()
    assert syncslots(b"SNAPSHOT-EOF") in journal.effects
    assert {words[1] for words in journal.effects if words[0] == b"SET"} == set(NAMES)


def test_the_session_of_the_link_can_be_killed() -> None:
    world = begun()
    session = session_of(world)
    assert session.flags() == b"E"
    session.peer.close()
    assert world.job.state == b"failed"
    assert world.wires.wire.closed
    world.wires.run()
    assert world.source.engine.unit.journal is None
    assert not any(session.exports for session in world.source.engine.sessions.values())


def test_a_target_that_takes_nothing_is_given_up() -> None:
    world = begun()
    world.source.engine.config.set([b"client-output-buffer-limit", b"replica 1000000 0 0"])
    world.do(b"SET", NAMES[0], b"x" * 2_000_000)
    world.wires.run()
    assert world.job.state == b"failed"
    assert world.job.message.startswith(b"Connection lost to target")


def test_changes_of_other_slots_are_not_sent() -> None:
    world = begun()
    world.wires.run()
    world.wires.wire.sent.clear()
    world.do(b"SET", b"foo", b"v")
    world.wires.run()
    assert world.wires.wire.sent == []
    world.do(b"SET", NAMES[0], b"w")
    world.wires.run()
    assert b"".join(world.wires.wire.sent) == (
        b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$6\r\n{bar}0\r\n$1\r\nw\r\n"
    )
