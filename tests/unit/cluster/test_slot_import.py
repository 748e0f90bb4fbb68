"""A migration between two engines in memory: any commands between any two slices give the same data on both sides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cluster.seats import Seated
from tests.unit.keyspace.places import check_tables

from redpoll.cluster.claims import claim
from redpoll.cluster.migration_job import SNAPSHOTTING
from redpoll.cluster.slot_sets import ALL_SLOTS
from redpoll.engine.engine import Engine
from redpoll.engine.session import Peer, Session
from redpoll.observe.digest import key_digest
from redpoll.persistence.snapshot_writer import SLICES
from redpoll.protocol.requests import Limits, RequestParser
from redpoll.replication.network import Errand, Network, Receiver, Wire
from redpoll.replication.replication import take_part

TAG = b"{bar}"
SLOT = 5061


class Pipe(Wire):
    """The source's end of the connection."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.closed = True


class Wires(Network):
    """Keeps the last connection, and runs errands when the test says so."""

    def __init__(self) -> None:
        self.wire = Pipe()
        self.receiver: Receiver | None = None
        self.errands: list[Errand] = []

    def dial(self, host: bytes, port: int, receiver: Receiver) -> Wire | None:
        self.receiver = receiver
        return self.wire

    def soon(self, errand: Errand) -> None:
        self.errands.append(errand)

    def run(self) -> None:
        while self.errands:
            self.errands.pop(0).run_errand()


class End(Peer):
    """The target's end of the connection."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.ended = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close_after_reply(self) -> None:
        self.ended = True


class World:
    """A source that owns all slots, and a target."""

    def __init__(self) -> None:
        self.source, self.target = Seated(), Seated()
        # Both are seeded alike.
        view = self.target.machine.view
        view.rename(view.myself, b"b" * 40)
        self.wires = Wires()
        take_part(self.source.engine, self.wires)
        take_part(self.target.engine, Network())
        there = self.source.neighbour(name=b"b" * 40)
        here = self.target.neighbour(name=self.source.machine.view.myself.name)
        self.source.machine.view.assign(ALL_SLOTS, self.source.machine.view.myself)
        view.assign(ALL_SLOTS, here)
        for one in (self.source, self.target):
            one.be_ok(True)
        self.end = End()
        self.link = self.target.engine.open_session(self.end)
        self.parser = RequestParser(Limits(1 << 30))
        self.received = 0
        self.job = self.source.machine.migrations.export([(SLOT, SLOT)], there)

    def do(self, *words: bytes) -> object:
        """A command of a client of the source."""
        self.source.engine.start_unit()
        return self.source.engine.execute(self.source.session, list(words))

    def tick(self) -> None:
        for one in (self.source, self.target):
            one.clock.advance_ms(100)
            one.engine.start_unit()
            one.seat.update_time()
            one.machine.migrations.tick()
            one.machine.finish()

    def connect(self) -> None:
        self.tick()
        assert self.wires.receiver is not None
        self.wires.receiver.connected()

    def step(self) -> None:
        """A slice of the snapshot."""
        running = self.source.engine.durability.running
        if running is not None:
            self.source.engine.start_unit()
            running.step(0)

    def carry(self) -> None:
        """Bring the bytes that are under way to both ends."""
        self.wires.run()
        sent, self.wires.wire.sent = self.wires.wire.sent, []
        for data in sent:
            self.received += len(data)
            self.parser.feed(data)
        commands: list[list[bytes]] = []
        assert self.parser.parse(commands, 1 << 30) is None
        self.target.engine.start_unit()
        while commands:
            taker = self.link.taker
            if taker is None:
                if self.end.ended:
                    break
                self.target.engine.execute(self.link, commands.pop(0))
            else:
                taker.take(commands, self.received)
                commands = []
        written, self.end.written = self.end.written, []
        receiver = self.wires.receiver
        for data in written:
            if receiver is not None and not self.wires.wire.closed:
                receiver.received(data)

    def finish(self) -> None:
        """Go on until the target owns the slots; then the bus tells the source."""
        for _ in range(10_000):
            if self.target.machine.view.myself.slots:
                break
            self.step()
            self.carry()
            if self.source.engine.durability.running is None:
                self.tick()
        view = self.source.machine.view
        there = view.nodes[b"b" * 40]
        self.digests = digests(self.source.engine)
        claim(self.source.machine, there, 10, there.slots | 1 << SLOT)
        self.source.machine.finish()
        self.wires.run()


def digests(engine: Engine) -> dict[bytes, bytes]:
    """The digest of each key, hidden or not."""
    found = {}
    for db in engine.databases:
        for name in NAMES:
            if db.find(name):
                found[name] = key_digest(db, name)
    return found


NAMES = [TAG + b"%d" % n for n in range(6)]
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
        elif steps == 2:
            # Long enough for acknowledgements, which go out between the keys.
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


def begun() -> World:
    world = World()
    for name in NAMES:
        world.do(b"SET", name, b"v")
    world.connect()
    world.carry()
    world.tick()
    while world.source.engine.durability.running is not None:
        world.step()
    return world


def session_of(world: World) -> Session:
    return next(session for session in world.source.engine.sessions.values() if session.exports)


def test_a_command_that_fails_there_ends_the_migration() -> None:
    world = begun()
    world.wires.run()
    world.wires.wire.sent.append(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n")
    world.wires.wire.sent[-1] = b"*2\r\n$4\r\nINCR\r\n$6\r\n{bar}0\r\n"
    world.carry()
    job = world.target.machine.migrations.jobs()[0]
    assert job.state == b"failed" and job.message.startswith(b"Failed to process command")
    assert digests(world.target.engine) == {} and world.end.ended
    assert digests(world.source.engine) != {}


@pytest.mark.parametrize("line", [b"PUBLISH a b", b"NOSUCH a", b"SET a", b"GET a", b"FLUSHALL extra word"])
def test_a_link_may_only_change_keys(line: bytes) -> None:
    world = begun()
    world.carry()
    taker = world.link.taker
    if taker is not None:
        taker.take([line.split()], 0)
        assert world.target.machine.migrations.jobs()[0].state == b"failed"


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
