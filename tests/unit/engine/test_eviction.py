"""`maxmemory`: when room is made, who is refused, and what is told of it."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.profiles import scaled
from tests.unit.engine.machine import Client, Kept, Machine

from redpoll.engine.eviction import NO_END_US, patience_us
from redpoll.engine.gates import GATE_DEBUG, GATE_OOM
from redpoll.errors import NO_ROOM
from redpoll.keyspace.key_lookups import counted_bytes
from redpoll.protocol.reply import BLOCKED, NULL_ARRAY, OK, QUEUED, Error


@pytest.fixture
def machine() -> Machine:
    return Machine()


def fill(machine: Machine, count: int, *options: str) -> None:
    for n in range(count):
        machine.do("SET", f"k{n}", "v" * 50, *options)


def limit(machine: Machine, policy: str, below: int = 0) -> None:
    """Set the policy, and a limit so many bytes below what is in use."""
    most = machine.engine.moment.used_bytes - below
    assert machine.do("CONFIG", "SET", "maxmemory-policy", policy, "maxmemory", most) is OK


def text(reply: object) -> bytes:
    assert isinstance(reply, Error), reply
    return reply.text


def used(machine: Machine) -> int:
    return machine.engine.moment.used_bytes


def test_while_there_is_room_no_gate_is_closed(machine: Machine) -> None:
    assert machine.do("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru") is OK
    fill(machine, 100)
    assert machine.engine.gates == GATE_DEBUG
    assert machine.lines("memory")["maxmemory"] == str(100 << 20)


def test_a_replica_evicts_only_if_it_is_to(machine: Machine) -> None:
    fill(machine, 10)
    machine.engine.role.is_replica = True
    limit(machine, "allkeys-lru", below=1)
    assert machine.engine.gates == GATE_DEBUG
    assert machine.do("CONFIG", "SET", "replica-ignore-maxmemory", "no") is OK
    assert machine.engine.gates == GATE_DEBUG | GATE_OOM


def test_the_next_command_makes_room(machine: Machine) -> None:
    fill(machine, 100)
    limit(machine, "allkeys-lru")
    most = used(machine)
    machine.do("SET", "one", "v" * 100)
    assert machine.engine.gates & GATE_OOM
    assert used(machine) > most
    machine.do("GET", "none")
    assert not machine.engine.gates & GATE_OOM
    assert used(machine) <= most
    assert int(machine.lines("stats")["evicted_keys"]) > 0
    machine.do("CONFIG", "RESETSTAT")
    assert machine.lines("stats")["evicted_keys"] == "0"


def test_a_lower_limit_takes_effect_by_itself(machine: Machine) -> None:
    fill(machine, 200)
    limit(machine, "allkeys-random", used(machine) // 2)
    assert machine.engine.next_deadline_ms() == machine.engine.moment.now_ms + 1
    machine.engine.tick()
    assert used(machine) <= machine.engine.options.maxmemory
    assert not machine.engine.gates & GATE_OOM
    assert machine.engine.next_deadline_ms() == 0


def test_a_higher_limit_or_none_opens_the_gate_again(machine: Machine) -> None:
    fill(machine, 20)
    limit(machine, "noeviction", 100)
    assert machine.engine.gates & GATE_OOM
    assert text(machine.do("SET", "k", "v")) == NO_ROOM
    assert machine.do("CONFIG", "SET", "maxmemory", 0) is OK
    assert not machine.engine.gates & GATE_OOM
    assert machine.do("SET", "k", "v") is OK


def test_the_operator_is_warned_of_a_limit_below_what_is_in_use(machine: Machine) -> None:
    fill(machine, 20)
    before = used(machine)
    machine.do("CONFIG", "SET", "maxmemory", 5)
    assert machine.host.lines == [
        f"WARNING: the new maxmemory value set via CONFIG SET (5) is smaller than the current memory usage ({before}). "
        "This will result in key eviction and/or the inability to accept new write commands depending on the "
        "maxmemory-policy."
    ]
    machine.do("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    machine.do("CONFIG", "SET", "maxmemory", "1gb")
    assert len(machine.host.lines) == 1


@pytest.mark.parametrize("policy", ["noeviction", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"])
def test_without_candidates_writes_are_refused_and_the_rest_runs(machine: Machine, policy: str) -> None:
    fill(machine, 20)
    limit(machine, policy, 100)
    for line in ("SET k0 v", "APPEND k0 v", "INCR n", "LPUSH l a", "HSET h f v", "SADD s a", "ZADD z 1 m", "COPY k0 c"):
        assert text(machine.do(*line.split())) == NO_ROOM, line
    for line in ("GET k0", "EXPIRE k1 100", "RENAME k0 k1", "CONFIG GET maxmemory", "PING", "TTL k2"):
        assert not isinstance(machine.do(*line.split()), Error), line
    assert machine.lines("errorstats")["errorstat_OOM"] == "count=8"
    assert "rejected_calls=1" in machine.lines("commandstats")["cmdstat_set"]


def test_a_transaction_is_refused_when_it_is_queued_or_when_it_runs(machine: Machine) -> None:
    fill(machine, 20)
    clients: list[Client] = [machine.client() for _ in range(3)]
    clients[0].play("MULTI", "GET k0", "SET k0 v")
    clients[1].play("MULTI", "GET k0")
    clients[2].do("MULTI")
    limit(machine, "noeviction", 100)
    assert text(clients[0].do("EXEC")) == b"EXECABORT Transaction discarded because of: " + NO_ROOM
    assert clients[1].do("EXEC") == [b"v" * 50]
    assert clients[2].do("GET k0") is QUEUED
    assert text(clients[2].do("INCR n")) == NO_ROOM
    assert text(clients[2].do("EXEC")).endswith(b"because of previous errors.")
    for client in clients:
        assert client.session.transaction is None
    assert machine.do("GET", "k0") == b"v" * 50


def test_a_transaction_is_not_stopped_half_way(machine: Machine) -> None:
    fill(machine, 20)
    client = machine.client()
    limit(machine, "noeviction", -200)
    big = "x" * 500
    assert client.play("MULTI", f"SET a {big}", f"SET b {big}", "EXEC") == [OK, OK]
    assert text(client.do("SET c v")) == NO_ROOM


def test_room_is_made_before_watched_keys_are_looked_at(machine: Machine) -> None:
    machine.do("SET", "k", "v" * 100)
    client = machine.client()
    client.play("WATCH k", "MULTI", "GET k")
    limit(machine, "allkeys-lru", 1)
    assert client.do("EXEC") is NULL_ARRAY


@pytest.mark.parametrize("way", ["evicted", "expired"])
def test_who_waits_for_a_stream_learns_that_it_is_gone(machine: Machine, way: str) -> None:
    machine.do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    if way == "expired":
        machine.do("PEXPIRE", "s", 5)
    client = machine.client()
    assert client.do("XREADGROUP GROUP g c BLOCK 0 STREAMS s >") is BLOCKED
    if way == "evicted":
        limit(machine, "allkeys-lru", 1)
    machine.clock.advance_ms(10)
    machine.engine.tick()
    (reply,) = client.heard()
    assert text(reply).startswith(b"NOGROUP")


def test_a_pause_keeps_every_key(machine: Machine) -> None:
    fill(machine, 20)
    machine.do("CLIENT", "PAUSE", 1000, "WRITE")
    limit(machine, "allkeys-lru", 500)
    client = machine.client()
    assert client.do("GET k0") == b"v" * 50
    assert client.do("SET k0 v") is BLOCKED
    machine.engine.tick()
    assert machine.do("DBSIZE") == 20
    machine.clock.advance_ms(1000)
    machine.engine.tick()
    machine.do("PING")
    assert machine.do("DBSIZE") < 20


def test_the_journal_has_each_key_in_a_unit_of_its_own(machine: Machine) -> None:
    journal = Kept()
    for n in range(3):
        machine.do("SET", f"k{n}", "v" * 50)
        machine.clock.advance_ms(1000)
    machine.engine.unit.attach(journal)
    limit(machine, "allkeys-lru", 100)
    machine.do("SET", "n", "v")
    assert journal.units == ["0 UNLINK k0", "0 UNLINK k1", "0 SET n v"]
    machine.do("CONFIG", "SET", "lazyfree-lazy-eviction", "no", "maxmemory", 1)
    machine.do("PING")
    assert journal.units[3:] == ["0 DEL k2", "0 DEL n"]
    # The change counter is for what clients change.
    assert machine.engine.moment.changes == 4


def test_a_command_is_held_up_for_a_bounded_time(machine: Machine) -> None:
    engine = machine.engine
    fill(machine, 400)
    limit(machine, "allkeys-random", used(machine) - 9000)
    assert engine.eviction.tenacity_us == 500
    # The clock stands still, so that no time at all is too long.
    engine.eviction.tenacity_us = -1
    assert machine.do("DBSIZE") == 400 - 16
    # Time was short, so that even what needs memory runs.
    assert machine.do("SET", "n", "v") is OK
    assert engine.eviction.is_behind
    left = engine.databases[0].table.size
    engine.tick()
    assert engine.databases[0].table.size == left - 16
    assert int(machine.lines("stats")["current_eviction_exceeded_time"]) == 0
    machine.clock.advance_ms(70)
    machine.do("PING")
    assert machine.lines("stats")["current_eviction_exceeded_time"] == "70"
    machine.do("CONFIG", "SET", "maxmemory", 0)
    stats = machine.lines("stats")
    assert (stats["current_eviction_exceeded_time"], stats["total_eviction_exceeded_time"]) == ("0", "70")


@pytest.mark.parametrize(("tenacity", "us"), [(0, 0), (1, 50), (10, 500), (11, 575), (99, 126_000_000)])
def test_tenacity_is_a_time(tenacity: int, us: int) -> None:
    assert patience_us(tenacity) == pytest.approx(us, rel=0.25)
    assert patience_us(100) == NO_END_US


def test_counters_are_for_an_lfu_policy_and_seconds_for_the_others(machine: Machine) -> None:
    machine.do("SET", "k", "v")
    machine.clock.advance_ms(5000)
    for policy in ("noeviction", "allkeys-lru", "volatile-lru", "allkeys-random", "volatile-random", "volatile-ttl"):
        machine.do("CONFIG", "SET", "maxmemory-policy", policy)
        assert machine.do("OBJECT", "IDLETIME", "k") == 5
        assert text(machine.do("OBJECT", "FREQ", "k")).startswith(b"ERR An LFU maxmemory policy is not selected")
    for policy in ("allkeys-lfu", "volatile-lfu"):
        machine.do("CONFIG", "SET", "maxmemory-policy", policy)
        machine.do("SET", policy, "v")
        assert machine.do("OBJECT", "FREQ", policy) == 5
        assert text(machine.do("OBJECT", "IDLETIME", policy)).startswith(b"ERR An LFU maxmemory policy is selected")
        line = machine.do("DEBUG", "OBJECT", policy)
        assert b" lfu_freq:5 lfu_access_time_minutes:" in line.text  # type: ignore[attr-defined]
        assert machine.do("OBJECT", "FREQ", "none") is None
        assert machine.do("OBJECT", "IDLETIME", "none") is None
    machine.do("CONFIG", "SET", "lfu-log-factor", 0, "lfu-decay-time", 2)
    for _ in range(10):
        machine.do("GET", "volatile-lfu")
    assert machine.do("OBJECT", "FREQ", "volatile-lfu") == 15
    machine.clock.advance_ms(6 * 60_000)
    assert machine.do("OBJECT", "FREQ", "volatile-lfu") == 12


def test_spikes_are_noted(machine: Machine) -> None:
    class Stepping(Kept):
        """A journal that takes a second for each write."""

    machine.do("CONFIG", "SET", "latency-monitor-threshold", 1)
    fill(machine, 3)
    limit(machine, "allkeys-lru", 10)

    clock = machine.clock
    evict = machine.engine.moment.listener
    assert evict is machine.engine.interest
    journal = Stepping()
    journal.write = lambda databases, effects: clock.advance_ms(50)  # type: ignore[method-assign]
    machine.engine.unit.attach(journal)
    machine.do("PING")
    found = machine.do("LATENCY", "LATEST")
    assert isinstance(found, list)
    assert b"eviction-cycle" in [row[0] for row in found]


class Bounded(RuleBasedStateMachine):
    """Whatever runs, memory is never above the limit by more than the last command's growth, and the sum stays true."""

    policy = st.sampled_from([
        "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
        "noeviction",
    ])  # fmt: skip

    @initialize(policy=policy, most=st.integers(6_000, 40_000))
    def begin(self, policy: str, most: int) -> None:
        self.machine = Machine()
        self.most = most
        self.machine.do("CONFIG", "SET", "maxmemory-policy", policy, "maxmemory", most, "lfu-log-factor", 0)
        self.grown = 0

    def do(self, *words: str | int) -> None:
        before = used(self.machine)
        self.machine.do(*words)
        # Room is made first: what is above the limit afterwards came with this command.
        self.grown = max(0, used(self.machine) - min(before, self.most))

    @rule(key=st.integers(0, 30), size=st.integers(0, 3000), seconds=st.integers(0, 100))
    def set(self, key: int, size: int, seconds: int) -> None:
        self.do("SET", f"k{key}", "v" * size, *(["EX", 1 + seconds] if seconds else []))

    @rule(key=st.integers(0, 5), count=st.integers(1, 40))
    def push(self, key: int, count: int) -> None:
        self.do("RPUSH", f"l{key}", *[f"item-{n}" for n in range(count)])

    @rule(key=st.integers(0, 5), first=st.integers(0, 1000), count=st.integers(1, 40))
    def hset(self, key: int, first: int, count: int) -> None:
        self.do("HSET", f"h{key}", *[word for n in range(count) for word in (f"f{first + n}", "v" * (n % 80))])

    @rule(key=st.integers(0, 30))
    def get(self, key: int) -> None:
        self.do("GET", f"k{key}")

    @rule(key=st.integers(0, 5))
    def delete(self, key: int) -> None:
        self.do("DEL", f"h{key}", f"l{key}")

    @rule(ms=st.integers(0, 60_000))
    def wait(self, ms: int) -> None:
        self.machine.clock.advance_ms(ms)
        self.machine.engine.tick()

    @rule(policy=policy)
    def choose(self, policy: str) -> None:
        self.machine.do("CONFIG", "SET", "maxmemory-policy", policy)

    @invariant()
    def sums_are_true(self) -> None:
        moment = self.machine.engine.moment
        assert moment.used_bytes == sum(counted_bytes(db.table) for db in self.machine.engine.databases)
        assert moment.used_bytes <= self.most + self.grown or moment.evicted == 0 or self.keeps()
        assert (moment.used_bytes > self.most) <= bool(self.machine.engine.gates & GATE_OOM)

    def keeps(self) -> bool:
        """Whether there is nothing that may go."""
        policy = self.machine.engine.eviction.policy
        if policy == b"noeviction":
            return True
        return policy.startswith(b"volatile") and all(db.table.volatile == 0 for db in self.machine.engine.databases)


TestBounded = Bounded.TestCase
TestBounded.settings = scaled()
