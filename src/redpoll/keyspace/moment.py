"""The state that all databases of an engine share: time, settings and sums that every look-up needs.

The engine sets the time once for each unit.  The databases update the counters.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.keyspace.access import Access
from redpoll.keyspace.events import Event
from redpoll.keyspace.hidden import Hidden
from redpoll.keyspace.lags import Lags
from redpoll.keyspace.slots import key_slot
from redpoll.keyspace.tables import Tables
from redpoll.structures.lookups import Lookups
from redpoll.structures.segment import CLOCK_MASK
from redpoll.structures.warming import NO_KEY, Warming
from redpoll.types.kinds import EncodingLimits

WATCHED: Final[i64] = 1 << 0
TRACKED: Final[i64] = 1 << 1
NOTIFIED: Final[i64] = 1 << 2
AWAITED: Final[i64] = 1 << 3
"""A session waits for a key with a value of some kind; `Moment.awaited` has the kinds."""
REPLACEMENT_AWAITED: Final[i64] = 1 << 4
"""A session waits until a key is deleted, replaced or changes its type (XREADGROUP)."""

NO_LIMIT: Final[i64] = 1 << 61
"""`Moment.most_bytes` without `maxmemory`."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Listener:
    """A listener to changes, called while an `interest` bit is set.  The engine subclasses it."""

    def changed(self, db: i64, key: bytes, event: Event) -> None:
        """A key changed as `event` says."""

    def grown(self, db: i64, key: bytes) -> None:
        """A key was created whose kind is in `Moment.awaited`, or an awaited stream changed."""

    def replaced(self, db: i64, following: Tables | None) -> None:
        """The tables `following` are about to replace all keys of a database.  The old keys can still be read."""

    def exchanged(self, db: i64) -> None:
        """The keys of a database were replaced."""

    def expiring(self) -> None:
        """An expired key whose value may take long to free is about to be deleted."""

    def expired(self, db: i64, key: bytes) -> None:
        """An expired key was deleted.  The journal gets UNLINK before the command."""

    def evicted(self, db: i64, key: bytes) -> None:
        """A key was deleted to make room: the journal has a unit of its own for it."""

    def over_limit(self) -> None:
        """The sum of memory is above `Moment.most_bytes`: told with each change while it is."""

    def fields_expired(self, db: i64, key: bytes, fields: list[bytes], emptied: bool) -> None:
        """Expired fields of a hash were deleted, and the hash too if that `emptied` it.

        The journal gets this as a unit of its own.
        """


class Moment:
    """Times in microseconds and milliseconds since 1970.

    `clock` is the 24-bit access clock in seconds, and beyond 24 bits under an LFU policy (see `access.py`).
    """

    def __init__(self, listener: Listener) -> None:
        self.listener: Final = listener
        self.now_us: i64 = 0
        self.now_ms: i64 = 0
        self.clock: i64 = 0
        self.interest: i64 = 0
        self.awaited: i64 = 0
        """The kinds of value that sessions wait for: bit `1 << kind` for each."""
        self.used_bytes: i64 = 0
        """Memory of all tables in bytes: a running sum, kept by the methods of `Database` that change one."""
        self.most_bytes: i64 = NO_LIMIT
        """If the sum exceeds this, the listener is called, so that the engine evicts before the next command."""
        self.access: Final = Access()
        self.counting: i64 = 0
        """COUNTING under an LFU policy, else 0."""
        self.limits: Final = EncodingLimits()
        self.changes: i64 = 0
        """Changes of all keys since the start: a unit sees by it whether a command changed something."""
        self.warming: Final = Warming()
        self.warmed: i64 = 0
        """The warm pass stores here what it read, so that the compiler cannot remove the reads."""
        self.lookups: Final = Lookups()
        self.slot_key: bytes = NO_KEY
        """The key whose slot was computed last, compared by identity ..."""
        self.slot: i64 = 0
        """... and that slot."""
        self.hits: i64 = 0
        self.misses: i64 = 0
        self.expired: i64 = 0
        self.expired_fields: i64 = 0
        self.evicted: i64 = 0
        self.hidden: Final = Hidden()
        """The slots whose keys clients do not see yet."""
        self.lags: Final = Lags()
        """How long after their deadlines keys were deleted."""
        self.touching = True
        """Whether look-ups move the access clock (CLIENT NO-TOUCH)."""
        self.repeating = False
        """Whether an append-only file or the stream of a primary is applied, so that nothing expires.

        They contain a deletion for each expired key.  Their commands must find the key until then.
        """
        self.deleting_expired = True
        """Whether expired keys are deleted.  Otherwise they are only hidden (pause, replica)."""

    def find_slot(self, key: bytes) -> i64:
        """The slot of a key.  Stores it for the next call, and takes it from the warm pass if that has computed it."""
        if key is self.slot_key:
            return self.slot
        warming = self.warming
        slot = warming.slots[warming.turn] if key is warming.key else key_slot(key)
        self.slot_key = key
        self.slot = slot
        return slot

    def set_time(self, now_us: i64) -> None:
        """Set the current time."""
        self.now_us = now_us
        self.now_ms = now_us // 1000
        self.clock = (now_us // 1000000) & CLOCK_MASK | self.counting

    def past_ms(self) -> i64:
        """Deadlines up to this time have passed."""
        return i64(0) if self.repeating else self.now_ms

    def restored_clock(self, idle_s: i64, counter: i64) -> i64:
        """The access clock of a key from a file or payload; -1 for an idle time or counter that it does not tell.

        A policy uses only what it counts itself: LFU the counter, the others the idle time.
        """
        clock = self.clock
        if clock > CLOCK_MASK:
            return self.access.restored(counter, self.now_us)
        return (clock - idle_s) & CLOCK_MASK if idle_s >= 0 else clock

    def first_clock(self) -> i64:
        """The access clock of a key that comes into being."""
        clock = self.clock
        return clock if clock <= CLOCK_MASK else self.access.first(self.now_us)
