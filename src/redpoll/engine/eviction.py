"""`maxmemory`: keys go before a command when the databases take more memory than that.

While they do, GATE_OOM is set, and every command comes by `make_room` first; else a change of size costs one test.
The limit is for what the databases hold.  The memory of the program itself is not counted, which INFO shows as
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
"""By the last part of the policy's name; the first says whether only keys with deadlines go."""

LOOK_EVERY: Final[i64] = 16
"""Keys deleted between two looks at the clock."""

NO_END_US: Final[i64] = 1 << 60


class Eviction:
    """Makes room for one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine
        self.victims: Final = Victims(engine.databases, engine.moment, engine.random)
        self.policy = b""
        self.tenacity_us: i64 = 0
        """How long one command may be held up."""
        self.lazily = True
        self.started = False
        """Whether the settings of the start have been applied."""
        self.is_behind = False
        """Whether keys must go and the last call had no time for them: the next tick goes on."""
        self.over_since_us: i64 = 0
        """Since when there has been more than allowed after a command, 0 if there is not."""
        self.over_us: i64 = 0
        """How long that was before, in all."""

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
        """There is room again."""
        self.engine.gates &= ~GATE_OOM
        if self.over_since_us != 0:
            self.over_us += self.engine.read_us - self.over_since_us
            self.over_since_us = 0

    def make_room(self) -> bool:
        """Delete keys until there is room, but not for too long; False if there is none and no key may go.

        The rest, if time was short, is deleted by `tick` and by what runs meanwhile.
        """
        engine = self.engine
        moment = engine.moment
        if moment.used_bytes <= moment.most_bytes:
            self.is_behind = False
            self.end()
            return True
        if engine.pause.until_ms != 0:
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
        """What the journal has for a key that went."""
        return [b"UNLINK" if self.lazily else b"DEL", key]

    def reset(self) -> None:
        """CONFIG RESETSTAT."""
        self.engine.moment.evicted = 0
        self.over_us = 0
        self.over_since_us = 0

    def over_now_us(self) -> i64:
        """For how long there has been more than allowed."""
        return self.engine.moment.now_us - self.over_since_us if self.over_since_us != 0 else i64(0)


def patience_us(tenacity: i64) -> i64:
    """How long `maxmemory-eviction-tenacity` lets one command be held up."""
    if tenacity >= 100:
        return NO_END_US
    if tenacity <= 10:
        return 50 * tenacity
    return i64(500.0 * 1.15 ** float(tenacity - 10))
