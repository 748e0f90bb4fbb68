"""Choosing the keys that go when memory is short: by age, by use, by deadline or by chance.

Records lie some 16 to a bucket, and to read the words of one bucket costs little more than to read one of them.  So a
whole bucket is one sample, where the reference draws five keys.  Its best two records go into a pool of POOL
candidates if they are better than the worst there, and the best of these is the next to go.

What the pool says of a candidate is true as long as its field (access clock or deadline) is what it was; a key that
was used since is no candidate any more.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64

from redpoll.env.random import Random
from redpoll.keyspace.access import MOST_COUNT
from redpoll.keyspace.database import Database
from redpoll.keyspace.moment import Moment
from redpoll.structures.segment import (
    CLOCK_MASK,
    CLOCK_SHIFT,
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
"""What makes a key the next to go: nothing, long disuse, rare use, an early deadline, or chance."""

POOL: Final[i64] = 16
"""How many candidates are kept."""

FEW: Final[i64] = 12
"""While there are fewer, the best record of any bucket becomes one; else only what is better than the worst."""

ROUNDS_MASK: Final[i64] = 15
MANY: Final[i64] = 1000
"""With so many keys, which databases have any is looked at in one round of 16: mostly one has, and 15 have not."""

MOST_STEPS: Final[i64] = 4096
"""A search for keys with deadlines ends after so many buckets if it has found some: then they are far apart."""


class Victims:
    """Candidates of all databases.  `rule` is one of the above; `timed` is whether only keys with deadlines may go.

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
        """How good it would be to lose each candidate: idle seconds, uses that are missing, an early deadline."""
        self.fields: Final[vec[i64]] = vec[i64]([0] * int(POOL))
        self.homes: Final[vec[i64]] = vec[i64]([0] * int(POOL))
        """The number of each one's database."""
        self.keys: Final[list[bytes]] = [b""] * int(POOL)
        self.clock: i64 = 0
        """The access clock for which idle seconds are true."""
        self.active: list[Database] = []
        """The databases that had keys when that was looked at, every so many rounds."""
        self.rounds: i64 = 0
        self.has_many = False
        self.key: bytes = b""
        """The key that `next` found."""
        self.turn: i64 = 0
        """The database that gives the next key chosen by chance."""
        # The best two records of the bucket at hand.
        self.best_score: i64 = -1
        self.best_index: i64 = 0
        self.best_field: i64 = 0
        self.next_score: i64 = -1
        self.next_index: i64 = 0
        self.next_field: i64 = 0

    def choose(self, rule: i64, timed: bool) -> None:
        """Go by another rule: no candidate so far counts."""
        self.rule = rule
        self.timed = timed
        self.clear()

    def clear(self) -> None:
        """Forget all candidates."""
        self.count = 0
        for n in range(len(self.keys)):
            self.keys[n] = b""

    def next(self) -> Database | None:
        """The database whose table now is at the key to go next; None if no key may go."""
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

    def _eligible(self, table: Table) -> i64:
        """How many keys of a table may go."""
        return table.volatile if self.timed else table.size

    # By chance.

    def _by_chance(self) -> Database | None:
        count: i64 = len(self.databases)
        tried: i64 = 0
        while tried < count:
            db = self.databases[self.turn]
            self.turn = (self.turn + 1) % count
            if self._eligible(db.table) > 0:
                if self.timed:
                    self._seek_timed(db.table)
                else:
                    db.table.seek_random(self.random)
                self.key = db.table.key()
                return db
            tried += 1
        return None

    def _seek_timed(self, table: Table) -> None:
        """Go to some key with a deadline, of which there are."""
        b = next_timed(table, self.random.below(table.buckets), table.buckets)
        column = table.segments[b >> SEGMENT_BITS].deadlines[b & SEGMENT_MASK]
        count: i64 = len(column)
        i = self.random.below(count)
        while column[i] == 0:
            i = i + 1 if i + 1 < count else i64(0)
        table.seek_index(b, i)

    # By score.

    def _age(self) -> None:
        """Let the idle time of all candidates be as of now."""
        clock = self.moment.clock
        passed = (clock - self.clock) & CLOCK_MASK
        if passed != 0:
            self.clock = clock & CLOCK_MASK
            n: i64 = 0
            while n < self.count:
                self.scores[n] += passed
                n += 1

    def _sample(self) -> i64:
        """Fill the pool, and compare it with at least `samples` more records; how many keys may go at all.

        What is good of each bucket looked at becomes a candidate.
        """
        self.rounds += 1
        if self.has_many and self.rounds & ROUNDS_MASK != 0:
            most = self._sample_active()
            if most > 0:
                return most
        self.active = [db for db in self.databases if db.table.size > 0]
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
            table = db.table
            if table.size > 0 and self._eligible(table) > 0:
                most += self._eligible(table)
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
            b = self.random.below(table.buckets)
            seen += self._sample_bucket(db, table, b)
            tried += 1

    def _sample_timed(self, db: Database, wanted: i64) -> None:
        """The same from the buckets that have deadlines, from a random one on."""
        table = db.table
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
            # Neighbours are as good as any: hashes decide who they are.
            start = b + 1 if b + 1 < table.buckets else i64(0)

    def _sample_bucket(self, db: Database, table: Table, b: i64) -> i64:
        """Let the best two records of a bucket be candidates; how many records there were to compare."""
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
        if self.best_score >= 0:
            worst = self._worst()
            if self.count < FEW or self.best_score > self.scores[worst]:
                self._offer(db, table, b, self.best_index, self.best_score, self.best_field, worst)
                if self.next_score >= 0 and self.count >= FEW:
                    worst = self._worst()
                    if self.next_score > self.scores[worst]:
                        self._offer(db, table, b, self.next_index, self.next_score, self.next_field, worst)
        return seen

    def _compare_idle(self, segment: Segment, j: i64) -> i64:
        """From the last record to the first: of those used in the same second, the one that came last goes first.

        The others have been used before that second too, or at least not less likely.
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
        """Records with a deadline, by any rule; from the last to the first, as `_compare_idle`."""
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
        """Record `i` of the bucket is the best so far, or else the second; the score of the second then."""
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
        """The place of the worst candidate; 0 without any."""
        at: i64 = 0
        n: i64 = 1
        while n < self.count:
            if self.scores[n] < self.scores[at]:
                at = n
            n += 1
        return at

    def _offer(self, db: Database, table: Table, b: i64, i: i64, score: i64, field: i64, worst: i64) -> None:
        """Keep record `i` of bucket `b` in the pool, in place of the worst if that is full."""
        at = self.count
        if at == POOL:
            at = worst
        else:
            self.count = at + 1
        table.seek_index(b, i)
        self.scores[at] = score
        self.fields[at] = field
        self.homes[at] = db.index
        self.keys[at] = table.key()

    def _take_best(self) -> Database | None:
        """Take the best candidate out of the pool; its database, if it still is one: its table is at it then."""
        at: i64 = 0
        n: i64 = 1
        while n < self.count:
            if self.scores[n] > self.scores[at]:
                at = n
            n += 1
        key = self.keys[at]
        field = self.fields[at]
        db = self.databases[self.homes[at]]
        last = self.count - 1
        self.scores[at] = self.scores[last]
        self.fields[at] = self.fields[last]
        self.homes[at] = self.homes[last]
        self.keys[at] = self.keys[last]
        self.keys[last] = b""
        self.count = last
        table = db.table
        if not table.find(key) or (self.timed and table.deadline() == 0):
            return None
        if (table.deadline() if self.rule == TTL else table.access_clock()) != field:
            return None
        self.key = key
        return db


def next_timed(table: Table, start: i64, most: i64) -> i64:
    """The next of `most` buckets, from `start` on and round the end, that has a record with a deadline; -1 if none."""
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
