"""`maxmemory`: evict keys before a command if the databases use more memory than the limit.

GATE_OOM is set while the databases exceed the limit.  Every command then calls `make_room` first.  Otherwise a change
of memory costs one test.  The limit does not count the memory of the program, which INFO shows as
`mem_not_counted_for_evict`.  Source: spec/values.md, section 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.engine.gates import GATE_OOM
from redpoll.engine.latency import EVICTION_CYCLE, EVICTION_DEL
from redpoll.engine.settings import Options
from redpoll.keyspace.access import COUNTING
from redpoll.keyspace.moment import NO_LIMIT
from redpoll.keyspace.victims import KEEP, LFU, LRU, RANDOM, TTL, Victims

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine

RULES: Final[dict[bytes, i64]] = {b"lru": LRU, b"lfu": LFU, b"ttl": TTL, b"random": RANDOM}
"""Rules by the last part of the policy's name.  The first part says whether only keys with deadlines are evicted."""

LOOK_EVERY: Final[i64] = 16
"""Keys to delete before the clock is read again."""

NO_END_US: Final[i64] = 1 << 60


class Eviction:
    """Evicts the keys of one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine
        self.victims: Final = Victims(engine.databases, engine.moment, engine.random)
        self.policy = b""
        self.tenacity_us: i64 = 0
        """Longest delay of one command by eviction."""
        self.lazily = True
        self.started = False
        """Whether the settings of the start have been applied."""
        self.is_behind = False
        """Whether the last call had too little time: the next tick continues."""
        self.over_since_us: i64 = 0
        """Since when the data exceeds the limit after a command; 0 if it does not."""
        self.over_us: i64 = 0
        """Total time of earlier periods above the limit."""

    def apply_options(self, options: Options) -> None:
        """Use these settings from now on."""
        moment = self.engine.moment
        victims = self.victims
        access = moment.access
        access.log_factor = options.lfu_log_factor
        access.decay_minutes = options.lfu_decay_time
        victims.samples = options.maxmemory_samples
        self.tenacity_us = patience_us(options.maxmemory_eviction_tenacity)
        self.lazily = options.lazyfree_lazy_eviction
        if self.policy != options.maxmemory_policy:
            self.policy = options.maxmemory_policy
            whose, _, how = self.policy.partition(b"-")
            victims.choose(RULES.get(how, KEEP), whose == b"volatile")
            moment.counting = COUNTING if how == b"lfu" else i64(0)
            moment.set_time(moment.now_us)
        most = options.maxmemory if options.maxmemory > 0 else NO_LIMIT
        if self.engine.role.is_replica and options.replica_ignore_maxmemory:
            # The primary evicts, and sends the deletions.
            most = NO_LIMIT
        if most < moment.most_bytes and most < moment.used_bytes and self.started:
            self.engine.host.log(
                f"WARNING: the new maxmemory value set via CONFIG SET ({most}) is smaller than the current memory "
                f"usage ({moment.used_bytes}). This will result in key eviction and/or the inability to accept new "
                "write commands depending on the maxmemory-policy."
            )
        moment.most_bytes = most
        if moment.used_bytes > moment.most_bytes:
            self.engine.gates |= GATE_OOM
            self.is_behind = True
        else:
            self.is_behind = False
            self.end()

    def end(self) -> None:
        """Note that the data fits the limit again."""
        self.engine.gates &= ~GATE_OOM
        if self.over_since_us != 0:
            self.over_us += self.engine.read_us - self.over_since_us
            self.over_since_us = 0

    def make_room(self) -> bool:
        """Evict keys until the data fits; return False if it does not fit and no key may be evicted.

        If the time of one command is not enough, `tick` and the next commands continue.
        """
        engine = self.engine
        moment = engine.moment
        if moment.used_bytes <= moment.most_bytes:
            self.is_behind = False
            self.end()
            return True
        if engine.pause.is_on():
            return True
        done: i64 = 0
        began_us: i64 = 0
        watching = engine.outliers.latency.threshold_ms != 0
        if watching:
            began_us = engine.clock.now_us()
        self.is_behind = False
        while moment.used_bytes > moment.most_bytes:
            db = self.victims.next()
            if db is None:
                break
            key = self.victims.key
            before_us = engine.clock.now_us() if watching else i64(0)
            db.evict(key)
            if watching:
                now_us = engine.clock.now_us()
                engine.outliers.latency.note(EVICTION_DEL, now_us - before_us, now_us)
            done += 1
            if done % LOOK_EVERY == 0:
                now_us = engine.clock.now_us()
                if began_us == 0:
                    began_us = engine.read_us
                if now_us - began_us > self.tenacity_us:
                    self.is_behind = moment.used_bytes > moment.most_bytes
                    break
        if done > 0 and engine.unit.journal is not None:
            engine.unit.end_each()
        if watching:
            now_us = engine.clock.now_us()
            engine.outliers.latency.note(EVICTION_CYCLE, now_us - began_us, now_us)
        if moment.used_bytes <= moment.most_bytes:
            self.end()
            return True
        if self.over_since_us == 0:
            self.over_since_us = engine.read_us
        return self.is_behind

    def effect_of(self, key: bytes) -> list[bytes]:
        """The journal's entry for an evicted key."""
        return [b"UNLINK" if self.lazily else b"DEL", key]

    def reset(self) -> None:
        """CONFIG RESETSTAT."""
        self.engine.moment.evicted = 0
        self.over_us = 0
        self.over_since_us = 0

    def over_now_us(self) -> i64:
        """How long the data has exceeded the limit."""
        return self.engine.moment.now_us - self.over_since_us if self.over_since_us != 0 else i64(0)


def patience_us(tenacity: i64) -> i64:
    """The longest delay of one command for a value of `maxmemory-eviction-tenacity`."""
    if tenacity >= 100:
        return NO_END_US
    if tenacity <= 10:
        return 50 * tenacity
    return i64(500.0 * 1.15 ** float(tenacity - 10))
