"""Deadlines to the millisecond: commands and the active cycle on a virtual clock, beside a model of a plain dict."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.profiles import scaled

from redpoll import commands
from redpoll.engine.engine import Engine
from redpoll.engine.session import Peer
from redpoll.env.clock import VirtualClock
from redpoll.env.random import Random
from redpoll.structures.table_check import check

assert commands.FAMILIES, "importing them is what fills the catalogue"

KEYS = [b"k%d" % n for n in range(6)] + [b"long" * 60]
keys = st.sampled_from(KEYS)
CONDITIONS = [(), ("NX",), ("XX",), ("GT",), ("LT",), ("XX", "GT"), ("XX", "LT")]


class Deadlines(RuleBasedStateMachine):
    most_buckets = 1 << 26

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.engine = Engine(self.clock, Random(1), 1, most_buckets=self.most_buckets)
        self.session = self.engine.open_session(Peer())
        self.model: dict[bytes, int] = {}
        """Deadlines in ms by key, 0 for none."""
        self.stored: set[bytes] = set()
        """The keys that nobody has deleted yet, past their deadline or not."""
        self.engine.start_unit()

    def do(self, *words: bytes | int | str) -> object:
        return self.engine.execute(
            self.session, [word if isinstance(word, bytes) else str(word).encode() for word in words]
        )

    def now(self) -> int:
        return int(self.clock.now_us()) // 1000

    def is_there(self, key: bytes) -> bool:
        """As a look-up sees it: what is past its deadline is deleted by that."""
        if key in self.model and 0 < self.model[key] <= self.now():
            del self.model[key]
        if key not in self.model:
            self.stored.discard(key)
        return key in self.model

    @rule(key=keys, ms=st.integers(0, 30))
    def set_string(self, key: bytes, ms: int) -> None:
        self.is_there(key)
        self.do("SET", key, "v", *(("PX", ms) if ms else ()))
        self.model[key] = self.now() + ms if ms else 0
        self.stored.add(key)

    @rule(
        key=keys,
        name=st.sampled_from(["EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"]),
        ms=st.integers(-5, 3000),
        words=st.sampled_from(CONDITIONS),
    )
    def expire(self, key: bytes, name: str, ms: int, words: tuple[str, ...]) -> None:
        unit = 1 if name.startswith("P") else 1000
        amount = (self.now() + ms if name.endswith("AT") else ms) // unit
        at = amount * unit if name.endswith("AT") else self.now() + amount * unit
        there = self.is_there(key)
        old = self.model.get(key, 0)
        done = there
        for word in words:
            if word == "NX":
                done = done and old == 0
            elif word == "XX":
                done = done and old != 0
            elif word == "GT":
                done = done and old != 0 and at > old
            else:
                done = done and (old == 0 or at < old)
        assert self.do(name, key, amount, *words) == int(done)
        if done and at <= self.now():
            del self.model[key]
            self.stored.discard(key)
        elif done:
            self.model[key] = at

    @rule(key=keys)
    def persist(self, key: bytes) -> None:
        done = self.is_there(key) and self.model[key] != 0
        assert self.do("PERSIST", key) == int(done)
        if done:
            self.model[key] = 0

    @rule(key=keys)
    def tell(self, key: bytes) -> None:
        there = self.is_there(key)
        at = self.model.get(key, 0)
        left = at - self.now()
        assert self.do("PEXPIRETIME", key) == (-2 if not there else at or -1)
        assert self.do("EXPIRETIME", key) == (-2 if not there else (at + 500) // 1000 if at else -1)
        assert self.do("PTTL", key) == (-2 if not there else left if at else -1)
        assert self.do("TTL", key) == (-2 if not there else (left + 500) // 1000 if at else -1)

    @rule(source=keys, name=keys)
    def rename(self, source: bytes, name: bytes) -> None:
        self.do("RENAME", source, name)
        if self.is_there(source) and source != name:
            self.model[name] = self.model.pop(source)
            self.stored.discard(source)
            self.stored.add(name)

    @rule(key=keys)
    def unlink(self, key: bytes) -> None:
        assert self.do("UNLINK", key) == int(self.is_there(key))
        self.model.pop(key, None)
        self.stored.discard(key)

    @rule(us=st.sampled_from([1, 999, 1000, 5000, 999_000]))
    def let_time_pass(self, us: int) -> None:
        self.clock.at_us += us
        self.engine.start_unit()

    @rule()
    def run_the_cycle(self) -> None:
        gone = [key for key in self.stored if 0 < self.model[key] <= self.now()]
        assert self.engine.expiry.expire() == len(gone)
        for key in gone:
            self.is_there(key)

    @invariant()
    def agrees(self) -> None:
        check(self.engine.databases[0].table)
        assert self.do("DBSIZE") == len(self.stored)
        live = {key for key, at in self.model.items() if at == 0 or at > self.now()}
        listed = self.do("KEYS", "*")
        assert isinstance(listed, list)
        assert sorted(listed) == sorted(live)


class DeadlinesInOneBucket(Deadlines):
    most_buckets = 1


TestDeadlines = Deadlines.TestCase
TestDeadlines.settings = scaled(1.0, 1.25)
TestDeadlinesInOneBucket = DeadlinesInOneBucket.TestCase
TestDeadlinesInOneBucket.settings = scaled(1.0, 1.25)
