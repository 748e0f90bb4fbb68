"""Victims: choosing the keys to evict by last use, frequency, deadline or chance.

A bucket has about 16 records, and reading all of them costs little more than reading one.  Therefore a sample is a
whole bucket; the reference samples five keys.  The best two records of a bucket enter a pool of POOL candidates if
they are better than the worst candidate.  The best candidate is the next victim.

A candidate is valid while its field (access clock or deadline) does not change.  A key that was used after it entered
the pool is no longer a candidate.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64

from redpoll.env.random import Random
from redpoll.keyspace.access import MOST_COUNT
from redpoll.keyspace.database import Database
from redpoll.keyspace.moment import Moment
from redpoll.keyspace.tables import Tables
from redpoll.structures.segment import (
    CLOCK_MASK,
    CLOCK_SHIFT,
    HASH_SHIFT,
    NEVER,
    SEGMENT_BITS,
    SEGMENT_BUCKETS,
    SEGMENT_MASK,
    Segment,
)
from redpoll.structures.table import Table

KEEP: Final[i64] = 0
LRU: Final[i64] = 1
LFU: Final[i64] = 2
TTL: Final[i64] = 3
RANDOM: Final[i64] = 4
"""The rules: evict nothing, the least recently used, the least frequently used, the earliest deadline, a random key."""

POOL: Final[i64] = 16
"""Most candidates in the pool."""

FEW: Final[i64] = 12
"""Below this number, the best record of any bucket becomes a candidate; above it, only one better than the worst."""

ROUNDS_MASK: Final[i64] = 15
MANY: Final[i64] = 1000
"""Above this number of keys, the list of databases with keys is refreshed only once in 16 rounds."""

MOST_STEPS: Final[i64] = 4096
"""A search for keys with deadlines ends after this many buckets if it has found some."""

MOST_TRIES: Final[i64] = 1000
"""So many victims in a row may be hidden."""


class Victims:
    """Candidates of all databases.  `rule` is a rule from above.  `timed`: only keys with deadlines are evicted.

    `samples` is the least number of records compared for each victim.
    """

    def __init__(self, databases: list[Database], moment: Moment, random: Random) -> None:
        self.databases: Final = databases
        self.moment: Final = moment
        self.random: Final = random
        self.rule: i64 = KEEP
        self.timed = False
        self.samples: i64 = 5
        self.count: i64 = 0
        self.scores: Final[vec[i64]] = vec[i64]([0] * int(POOL))
        """Score of each candidate, the highest is evicted first: idle seconds, few uses, an early deadline."""
        self.fields: Final[vec[i64]] = vec[i64]([0] * int(POOL))
        self.least: i64 = NEVER
        """The lowest score in the pool."""
        self.hashes: Final[vec[i64]] = vec[i64]([0] * int(POOL))
        self.homes: Final[vec[i64]] = vec[i64]([0] * int(POOL))
        """The number of the database of each candidate."""
        self.keys: Final[list[bytes]] = [b""] * int(POOL)
        self.clock: i64 = 0
        """The access clock that the idle seconds refer to."""
        self.active: list[Database] = []
        """The databases with keys, refreshed after some rounds."""
        self.rounds: i64 = 0
        self.has_many = False
        self.key: bytes = b""
        """The key that `next` found."""
        self.turn: i64 = 0
        """The database of the next random key."""
        # The best two records of the current bucket.
        self.best_score: i64 = -1
        self.best_index: i64 = 0
        self.best_field: i64 = 0
        self.next_score: i64 = -1
        self.next_index: i64 = 0
        self.next_field: i64 = 0

    def choose(self, rule: i64, timed: bool) -> None:
        """Change the rule, and drop all candidates."""
        self.rule = rule
        self.timed = timed
        self.clear()

    def clear(self) -> None:
        """Drop all candidates."""
        self.count = 0
        self.least = NEVER
        for n in range(len(self.keys)):
            self.keys[n] = b""

    def next(self) -> Database | None:
        """The database of the next victim, with its table at the key; None if no key may be evicted."""
        db = self._next()
        hidden = self.moment.hidden
        tries: i64 = 0
        while hidden.any and db is not None and hidden.holds(self.key):
            tries += 1
            if tries == MOST_TRIES:
                return None
            db = self._next()
        return db

    def _next(self) -> Database | None:
        if self.rule == KEEP:
            return None
        if self.rule == RANDOM:
            return self._by_chance()
        if self.rule == LRU:
            self._age()
        while True:
            if self._sample() == 0:
                return None
            while self.count > 0:
                db = self._take_best()
                if db is not None:
                    return db

    def _eligible(self, tables: Tables) -> i64:
        """Number of keys that may be evicted."""
        return tables.volatile() if self.timed else tables.size()

    # By chance.

    def _by_chance(self) -> Database | None:
        count: i64 = len(self.databases)
        tried: i64 = 0
        while tried < count:
            db = self.databases[self.turn]
            self.turn = (self.turn + 1) % count
            if self._eligible(db.tables) > 0:
                table = db.tables.drawn(self.random, self.timed)
                if self.timed:
                    self._seek_timed(table)
                else:
                    table.seek_random(self.random)
                self.key = table.key()
                db.table = table
                return db
            tried += 1
        return None

    def _seek_timed(self, table: Table) -> None:
        """Go to a random key with a deadline.  There must be one."""
        b = next_timed(table, self.random.below(table.buckets), table.buckets)
        column = table.segments[b >> SEGMENT_BITS].deadlines[b & SEGMENT_MASK]
        count: i64 = len(column)
        i = self.random.below(count)
        while column[i] == 0:
            i = i + 1 if i + 1 < count else i64(0)
        table.seek_index(b, i)

    # By score.

    def _age(self) -> None:
        """Update the idle time of all candidates."""
        clock = self.moment.clock
        passed = (clock - self.clock) & CLOCK_MASK
        if passed != 0:
            self.clock = clock & CLOCK_MASK
            n: i64 = 0
            while n < self.count:
                self.scores[n] += passed
                n += 1
            if self.count > 0:
                self.least += passed

    def _sample(self) -> i64:
        """Fill the pool and compare at least `samples` more records; return the number of keys that may be evicted.

        The best records of each bucket become candidates.
        """
        self.rounds += 1
        if self.has_many and self.rounds & ROUNDS_MASK != 0:
            most = self._sample_active()
            if most > 0:
                return most
        self.active = [db for db in self.databases if db.tables.size() > 0]
        most = self._sample_active()
        self.has_many = most >= MANY
        return most

    def _sample_active(self) -> i64:
        most: i64 = 0
        # One bucket for each victim keeps the pool as good as it is; only an empty one takes more.
        wanted = FEW - self.count
        if wanted < 1:
            wanted = 1
        for db in self.active:
            eligible = self._eligible(db.tables)
            if eligible > 0:
                most += eligible
                if self.timed:
                    self._sample_timed(db, wanted)
                else:
                    self._sample_all(db, wanted)
        return most

    def _sample_all(self, db: Database, wanted: i64) -> None:
        table = db.table
        seen: i64 = 0
        tried: i64 = 0
        # Nearly all buckets of a table have records; one that has lost most of its keys has been merged.
        while (tried < wanted or seen < self.samples) and tried < 4 * POOL:
            if db.slotted:
                table = db.tables.drawn(self.random, False)
            b = self.random.below(table.buckets)
            seen += self._sample_bucket(db, table, b)
            tried += 1

    def _sample_timed(self, db: Database, wanted: i64) -> None:
        """The same with buckets that contain deadlines, from a random bucket on."""
        if not db.slotted:
            self._sample_timed_in(db, db.table, wanted)
            return
        tried: i64 = 0
        while tried < wanted:
            self._sample_timed_in(db, db.tables.drawn(self.random, True), 1)
            tried += 1

    def _sample_timed_in(self, db: Database, table: Table, wanted: i64) -> None:
        seen: i64 = 0
        found: i64 = 0
        steps: i64 = 0
        start = self.random.below(table.buckets)
        while found < wanted or seen < self.samples:
            b = next_timed(table, start, table.buckets - steps)
            if b < 0:
                return
            steps += (b - start if b >= start else b + table.buckets - start) + 1
            seen += self._sample_bucket(db, table, b)
            found += 1
            if steps >= table.buckets or steps >= MOST_STEPS:
                return
            # The next buckets are a random sample too: the order of buckets is that of hashes.
            start = b + 1 if b + 1 < table.buckets else i64(0)

    def _sample_bucket(self, db: Database, table: Table, b: i64) -> i64:
        """Make the best two records of a bucket candidates; return the number of compared records."""
        segment = table.segments[b >> SEGMENT_BITS]
        j: i64 = b & SEGMENT_MASK
        self.best_score = -1
        self.next_score = -1
        if self.timed:
            seen = self._compare_timed(segment, j)
        elif self.rule == LRU:
            seen = self._compare_idle(segment, j)
        else:
            seen = self._compare_uses(segment, j)
        if self.best_score >= 0 and (self.count < FEW or self.best_score > self.least):
            self._offer(db, table, b, self.best_index, self.best_score, self.best_field)
            if self.next_score > self.least and self.count >= FEW:
                self._offer(db, table, b, self.next_index, self.next_score, self.next_field)
        return seen

    def _compare_idle(self, segment: Segment, j: i64) -> i64:
        """Compare from the last record to the first: of records with the same second, the last one is evicted first.

        The older records are more likely to have been used before that second.
        """
        clock = self.moment.clock
        words = segment.words[j]
        count: i64 = len(words)
        best: i64 = -1
        second: i64 = -1
        i = count - 1
        while i >= 0:
            idle = (clock - (words[i] >> CLOCK_SHIFT)) & CLOCK_MASK
            if idle > second:
                second = self._rank(i, idle, (clock - idle) & CLOCK_MASK, best)
                best = self.best_score
            i -= 1
        return count

    def _compare_uses(self, segment: Segment, j: i64) -> i64:
        access = self.moment.access
        now_us = self.moment.now_us
        best: i64 = -1
        second: i64 = -1
        i: i64 = 0
        for word in segment.words[j]:
            field = (word >> CLOCK_SHIFT) & CLOCK_MASK
            score = MOST_COUNT - access.count(field, now_us)
            if score > second:
                second = self._rank(i, score, field, best)
                best = self.best_score
            i += 1
        return i

    def _compare_timed(self, segment: Segment, j: i64) -> i64:
        """Compare the records with a deadline by any rule, from the last to the first, as `_compare_idle` does."""
        moment = self.moment
        words = segment.words[j]
        column = segment.deadlines[j]
        best: i64 = -1
        second: i64 = -1
        seen: i64 = 0
        i: i64 = len(column) - 1
        while i >= 0:
            if column[i] != 0:
                field = (words[i] >> CLOCK_SHIFT) & CLOCK_MASK
                if self.rule == LRU:
                    score = (moment.clock - field) & CLOCK_MASK
                elif self.rule == LFU:
                    score = MOST_COUNT - moment.access.count(field, moment.now_us)
                else:
                    field = column[i]
                    score = NEVER - field
                if score > second:
                    second = self._rank(i, score, field, best)
                    best = self.best_score
                seen += 1
            i -= 1
        return seen

    def _rank(self, i: i64, score: i64, field: i64, best: i64) -> i64:
        """Note record `i` as the best or the second best record; return the score of the second best."""
        if score > best:
            self.next_score = self.best_score
            self.next_index = self.best_index
            self.next_field = self.best_field
            self.best_score = score
            self.best_index = i
            self.best_field = field
        else:
            self.next_score = score
            self.next_index = i
            self.next_field = field
        return self.next_score

    # The pool.

    def _worst(self) -> i64:
        """The index of the worst candidate."""
        scores = self.scores
        count = self.count
        least = scores[0]
        at: i64 = 0
        n: i64 = 1
        while n < count:
            score = scores[n]
            if score < least:
                least = score
                at = n
            n += 1
        return at

    def _offer(self, db: Database, table: Table, b: i64, i: i64, score: i64, field: i64) -> None:
        """Put record `i` of bucket `b` into the pool; replace the worst candidate if the pool is full."""
        at = self.count
        if at == POOL:
            at = self._worst()
            self.scores[at] = score
            self.least = self.scores[self._worst()]
        else:
            self.count = at + 1
            self.scores[at] = score
            if score < self.least:
                self.least = score
        self.hashes[at] = table.segments[b >> SEGMENT_BITS].words[b & SEGMENT_MASK][i] >> HASH_SHIFT
        self.fields[at] = field
        self.homes[at] = db.index
        self.keys[at] = table.key_at(b, i)

    def _take_best(self) -> Database | None:
        """Remove the best candidate from the pool; if it is valid, return its database, with the table at the key."""
        scores = self.scores
        fields = self.fields
        homes = self.homes
        keys = self.keys
        last = self.count - 1
        most = scores[0]
        at: i64 = 0
        n: i64 = 1
        while n <= last:
            score = scores[n]
            if score > most:
                most = score
                at = n
            n += 1
        key = keys[at]
        hash = self.hashes[at]
        field = fields[at]
        db = self.databases[homes[at]]
        if last == 0:
            self.least = NEVER
        scores[at] = scores[last]
        self.hashes[at] = self.hashes[last]
        fields[at] = fields[last]
        homes[at] = homes[last]
        keys[at] = keys[last]
        keys[last] = b""
        self.count = last
        if db.slotted:
            db.aim(key)
        table = db.table
        if not table.find_hashed(key, hash) or (self.timed and table.deadline() == 0):
            return None
        if (table.deadline() if self.rule == TTL else table.access_clock()) != field:
            return None
        self.key = key
        return db


def next_timed(table: Table, start: i64, most: i64) -> i64:
    """The next of `most` buckets from `start` on with a deadline, wrapping around at the end; -1 if there is none."""
    b = start
    left = most
    while left > 0:
        segment = table.segments[b >> SEGMENT_BITS]
        j: i64 = b & SEGMENT_MASK
        stop: i64 = len(segment.words)
        if len(segment.deadlines) > 0:
            while j < stop and left > 0:
                if segment.earliest[j] != NEVER:
                    return (b & ~SEGMENT_MASK) | j
                j += 1
                left -= 1
        else:
            left -= stop - j
        b = (b & ~SEGMENT_MASK) + SEGMENT_BUCKETS
        if b >= table.buckets:
            b = 0
    return -1
