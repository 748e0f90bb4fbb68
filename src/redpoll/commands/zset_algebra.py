"""Union, intersection and difference of sorted sets: returned, counted or stored.

Inputs may also be plain sets, whose members have the score 1.  Inputs are read in the order of their size, the smallest
first; the order affects sums of fractions.  A result is built in columns, apart from all keys, and sorted once: O(n log
n) for n members, as in the reference.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from redpoll.catalogue.keyspec import ACCESS, OW, RO, UPDATE, CountedKeys, KeyRange, KeySpec, counted_keys
from redpoll.catalogue.spec import DENYOOM, MOVABLEKEYS, READONLY, SORTEDSET, WRITE
from redpoll.commands.results import store
from redpoll.commands.zset_replies import Computed
from redpoll.engine.args import Args, double, integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import LIMIT_NEGATIVE, SYNTAX, WEIGHT_NOT_A_FLOAT, CommandError, no_input_keys
from redpoll.keyspace.database import Database
from redpoll.keyspace.events import ZDIFFSTORE, ZINTERSTORE, ZUNIONSTORE, Event
from redpoll.protocol.reply import ALONE, FLAT
from redpoll.structures import ranked
from redpoll.structures.ranked import Span
from redpoll.structures.sorting import is_sorted, ranks_of
from redpoll.structures.table import Table
from redpoll.structures.warming import AHEAD, Ahead
from redpoll.types.kinds import SET_HASHTABLE, SET_INTSET
from redpoll.types.set import Set
from redpoll.types.set_walk import Walk, walk_over
from redpoll.types.zset import ZSet

UNION: Final[i64] = 0
INTERSECTION: Final[i64] = 1
DIFFERENCE: Final[i64] = 2

SUM: Final[i64] = 0
MIN: Final[i64] = 1
MAX: Final[i64] = 2

INDEX_BITS: Final = 24
INDEX_MASK: Final = (1 << 24) - 1


# Inputs.


@mypyc_attr(acyclic=True)
class Input:
    """A sorted set, a set, or a missing key, as an input.

    After each `step`, `member` and `score` are the current ones.

    `find` looks up one member and sets `score` too.  Scores are multiplied by `weight`.  Infinity times 0 is 0 after
    `step`, but nan after `find`, as in the reference.
    """

    def __init__(self) -> None:
        self.weight: float = 1.0
        self.member: bytes = b""
        self.score: float = 0.0

    def count(self) -> i64:
        return 0

    def step(self) -> bool:
        """Go to the next member; False at the end."""
        return False

    def find(self, member: bytes) -> bool:
        return False

    def table(self) -> Table | None:
        """The table in which `find` looks, if it is large."""
        return None

    def weigh(self, score: float) -> None:
        """Set `score` for `step`: infinity times 0 is 0."""
        score *= self.weight
        self.score = 0.0 if score != score else score


@mypyc_attr(acyclic=True)
class RankedInput(Input):
    """A sorted set as an input, read in its order."""

    def __init__(self, zset: ZSet) -> None:
        super().__init__()
        self.zset = zset
        self.size: i64 = zset.count()
        self.span: Span | None = None
        self.blob: bytes = b""
        self.index: i64 = -1
        self.at: i64 = 0
        self.stop: i64 = 0

    def count(self) -> i64:
        return self.size

    def step(self) -> bool:
        if self.at >= self.stop:
            span = self.span
            if span is None:
                span = self.zset.span(0, self.size)
                self.span = span
            self.index += 1
            if self.index >= len(span.blobs):
                return False
            self.blob = span.blobs[self.index]
            self.at = span.begin(self.index)
            self.stop = span.end(self.index)
        blob = self.blob
        at = self.at
        self.at = ranked.record_end(blob, at)
        self.member = blob[ranked.member_start(blob, at) : self.at]
        self.weigh(ranked.score_of(blob, at))
        return True

    def find(self, member: bytes) -> bool:
        if not self.zset.find(member):
            return False
        self.score = self.zset.score * self.weight
        return True

    def table(self) -> Table | None:
        return self.zset.inner()


@mypyc_attr(acyclic=True)
class PlainInput(Input):
    """A set as an input, read in any order."""

    def __init__(self, value: Set) -> None:
        super().__init__()
        self.value = value
        self.walk: Walk | None = None

    def count(self) -> i64:
        return self.value.count()

    def step(self) -> bool:
        walk = self.walk
        if walk is None:
            walk = walk_over(self.value)
            self.walk = walk
        if not walk.step():
            return False
        self.member = walk.member()
        self.weigh(1.0)
        return True

    def find(self, member: bytes) -> bool:
        self.score = self.weight
        return self.value.has(member)

    def table(self) -> Table | None:
        return self.value.inner()


def input_at(db: Database, key: bytes) -> Input:
    """The input at `key`.  Raises WRONGTYPE for other types than set and sorted set."""
    if not db.look(key):
        return Input()
    if SET_INTSET <= db.table.kind() <= SET_HASHTABLE:
        return PlainInput(db.found_members())
    return RankedInput(db.found_zset())


def by_size(inputs: list[Input]) -> list[Input]:
    """The inputs by their number of members; equal ones stay in order."""
    sizes: list[int] = []
    for at in range(len(inputs)):
        sizes.append(int(inputs[at].count()) << INDEX_BITS | at)
    sizes.sort()
    return [inputs[size & INDEX_MASK] for size in sizes]


@mypyc_attr(acyclic=True)
class Batch:
    """The members of the first of several inputs; before them, some at a time, what look-ups in the second one need.

    After each `step` it stands at a `member` with its `score`.
    """

    def __init__(self, inputs: list[Input]) -> None:
        self.first: Final = inputs[0]
        self.looked_up: Final = inputs[1].table() if len(inputs) > 1 else None
        self.ahead: Final = Ahead()
        self.members: list[bytes] = []
        self.scores: vec[float] = vec[float]()
        self.at: i64 = 0
        self.member: bytes = b""
        self.score: float = 0.0

    def step(self) -> bool:
        """Go to the next member; False at the end."""
        if self.at == len(self.members) and not self._fill():
            return False
        self.member = self.members[self.at]
        self.score = self.scores[self.at]
        self.at += 1
        return True

    def _fill(self) -> bool:
        """Whether there are more members."""
        members: list[bytes] = []
        scores = vec[float](capacity=AHEAD)
        first = self.first
        while len(members) < AHEAD and first.step():
            members.append(first.member)
            scores = append(scores, first.score)
        table = self.looked_up
        if table is not None:
            self.ahead.touch_from(table, members, 0)
        self.members = members
        self.scores = scores
        self.at = 0
        return len(members) > 0


# Arguments.


class Aggregation:
    """`numkeys key ... [WEIGHTS ...] [AGGREGATE ...] [WITHSCORES] [LIMIT ...]` from index `at` on.

    Looks the keys up before it reads the options, as the reference does, whose order decides the error.
    """

    def __init__(self, session: Session, args: list[bytes], at: i64, operation: i64, name: bytes) -> None:
        self.operation: i64 = operation
        self.function: i64 = SUM
        self.layout: i64 = ALONE
        self.limit: i64 = 0
        self.scores: vec[float] = vec[float]()
        self.members: list[bytes] = []
        keys = integer(args[at])
        if keys < 1:
            raise CommandError(no_input_keys(name))
        if keys > len(args) - at - 1:
            raise CommandError(SYNTAX)
        db = session.db
        self.inputs: list[Input] = [input_at(db, key) for key in args[at + 1 : at + 1 + keys]]
        self.options: Final = Args(args, at + 1 + keys)

    def read(self, storing: bool) -> None:
        """Read the options of a command that returns or stores members."""
        cursor = self.options
        weighs = self.operation != DIFFERENCE
        while cursor.left() > 0:
            word = cursor.word()
            if word == b"WEIGHTS" and weighs and cursor.left() >= len(self.inputs):
                for each in self.inputs:
                    each.weight = double(cursor.next(), WEIGHT_NOT_A_FLOAT)
            elif word == b"AGGREGATE" and weighs and cursor.left() > 0:
                self.function = function_named(cursor.word())
            elif word == b"WITHSCORES" and not storing:
                self.layout = FLAT
            else:
                raise CommandError(SYNTAX)

    def read_limit(self) -> None:
        """Read the options of a command that counts."""
        cursor = self.options
        while cursor.left() > 0:
            if cursor.word() != b"LIMIT" or cursor.left() == 0:
                raise CommandError(SYNTAX)
            self.limit = cursor.integer(LIMIT_NEGATIVE)
            if self.limit < 0:
                raise CommandError(LIMIT_NEGATIVE)

    def run(self) -> None:
        """Compute `scores` and `members`, in order."""
        if self.operation == DIFFERENCE:
            self._subtract()
        elif self.operation == UNION:
            self._unite()
        else:
            self._intersect()
        self._sort()

    def _add(self, member: bytes, score: float) -> None:
        self.members.append(member)
        self.scores = append(self.scores, score)

    def _unite(self) -> None:
        inputs = by_size(self.inputs)
        last: i64 = len(inputs) - 1
        if last == 0:
            while inputs[0].step():
                self._add(inputs[0].member, inputs[0].score)
            return
        places: dict[bytes, int] = {}
        for each in inputs:
            while each.step():
                place = places.get(each.member)
                if place is None:
                    places[each.member] = len(self.members)
                    self._add(each.member, each.score)
                else:
                    self.scores[place] = together(self.function, self.scores[place], each.score)

    def _intersect(self) -> None:
        inputs = by_size(self.inputs)
        batch = Batch(inputs)
        while batch.step():
            score = batch.score
            at: i64 = 1
            while at < len(inputs) and inputs[at].find(batch.member):
                score = together(self.function, score, inputs[at].score)
                at += 1
            if at == len(inputs):
                self._add(batch.member, score)

    def count(self) -> i64:
        """The size of an intersection, at most `limit` (0: no limit)."""
        inputs = by_size(self.inputs)
        batch = Batch(inputs)
        found: i64 = 0
        while (self.limit == 0 or found < self.limit) and batch.step():
            at: i64 = 1
            while at < len(inputs) and inputs[at].find(batch.member):
                at += 1
            if at == len(inputs):
                found += 1
        return found

    def _subtract(self) -> None:
        first = self.inputs[0]
        others = self.inputs[1:]
        total: i64 = 0
        for each in others:
            total += each.count()
        size = first.count()
        if size * len(others) > size + total:
            # It is less work to combine the others first.
            taken: set[bytes] = set()
            for each in others:
                while each.step():
                    taken.add(each.member)
            while first.step():
                if first.member not in taken:
                    self._add(first.member, first.score)
            return
        batch = Batch(self.inputs)
        while batch.step():
            if not in_any(others, batch.member):
                self._add(batch.member, batch.score)

    def _sort(self) -> None:
        if is_sorted(self.scores, self.members):
            return
        order = ranks_of(self.scores, self.members)
        scores = vec[float](capacity=len(order))
        members: list[bytes] = []
        for at in order:
            scores = append(scores, self.scores[at])
            members.append(self.members[at])
        self.scores = scores
        self.members = members


def function_named(word: bytes) -> i64:
    if word == b"SUM":
        return SUM
    if word == b"MIN":
        return MIN
    if word == b"MAX":
        return MAX
    raise CommandError(SYNTAX)


def together(function: i64, held: float, score: float) -> float:
    """The aggregate of two scores."""
    if function == SUM:
        total = held + score
        # Infinity minus infinity is 0.
        return 0.0 if total != total else total
    if function == MIN:
        return score if score < held else held
    return score if score > held else held


def in_any(inputs: list[Input], member: bytes) -> bool:
    at: i64 = 0
    while at < len(inputs):
        if inputs[at].find(member):
            return True
        at += 1
    return False


def reply_combined(session: Session, args: list[bytes], operation: i64, name: bytes) -> object:
    """ZUNION, ZINTER and ZDIFF."""
    wanted = Aggregation(session, args, 1, operation, name)
    wanted.read(storing=False)
    wanted.run()
    return Computed(wanted.scores, wanted.members, wanted.layout)


def store_combined(session: Session, args: list[bytes], operation: i64, name: bytes, event: Event) -> object:
    """ZUNIONSTORE, ZINTERSTORE and ZDIFFSTORE."""
    wanted = Aggregation(session, args, 2, operation, name)
    wanted.read(storing=True)
    wanted.run()
    made = ZSet()
    made.fill(wanted.scores, wanted.members, session.db.moment.limits)
    return store(session, args[1], made, len(wanted.members), event)


def store_keys() -> list[KeySpec]:
    """A target, then the number of sources, and the sources."""
    return [KeyRange(OW | UPDATE, 1, 1, 1), CountedKeys(RO | ACCESS, 2, 1)]


OPTIONS: Final = "[WEIGHTS weight:integer ...] [AGGREGATE (SUM | MIN | MAX)]"


@command(
    "zunion", arity=-3, flags=READONLY | MOVABLEKEYS, acl=SORTEDSET, keys=counted_keys(1, RO | ACCESS),
    group="sorted-set",
    arguments=f"numkeys:integer key#0 ... {OPTIONS} [WITHSCORES]",
    since="6.2.0", complexity="O(members of all sets + n log n) for n members told",
    summary="Return the union of sorted sets, with aggregated scores.",
)  # fmt: skip
def zunion(session: Session, args: list[bytes]) -> object:
    return reply_combined(session, args, UNION, b"zunion")


@command(
    "zinter", arity=-3, flags=READONLY | MOVABLEKEYS, acl=SORTEDSET, keys=counted_keys(1, RO | ACCESS),
    group="sorted-set",
    arguments=f"numkeys:integer key#0 ... {OPTIONS} [WITHSCORES]",
    since="6.2.0", complexity="O(members of the smallest set, times the sets, + n log n) for n members told",
    summary="Return the intersection of sorted sets, with aggregated scores.",
)  # fmt: skip
def zinter(session: Session, args: list[bytes]) -> object:
    return reply_combined(session, args, INTERSECTION, b"zinter")


@command(
    "zdiff", arity=-3, flags=READONLY | MOVABLEKEYS, acl=SORTEDSET, keys=counted_keys(1, RO | ACCESS),
    group="sorted-set",
    arguments="numkeys:integer key#0 ... [WITHSCORES]",
    since="6.2.0", complexity="O(members of all sets)",
    summary="Return the difference of sorted sets: members of the first one that are in no other.",
)  # fmt: skip
def zdiff(session: Session, args: list[bytes]) -> object:
    return reply_combined(session, args, DIFFERENCE, b"zdiff")


@command(
    "zunionstore", arity=-4, flags=WRITE | DENYOOM | MOVABLEKEYS, acl=SORTEDSET, keys=store_keys(), group="sorted-set",
    arguments=f"destination#0 numkeys:integer key#1 ... {OPTIONS}",
    since="2.0.0", complexity="O(members of all sets + n log n) for n members stored",
    summary="Store the union of sorted sets, with aggregated scores, and return its size.",
)  # fmt: skip
def zunionstore(session: Session, args: list[bytes]) -> object:
    return store_combined(session, args, UNION, b"zunionstore", ZUNIONSTORE)


@command(
    "zinterstore", arity=-4, flags=WRITE | DENYOOM | MOVABLEKEYS, acl=SORTEDSET, keys=store_keys(), group="sorted-set",
    arguments=f"destination#0 numkeys:integer key#1 ... {OPTIONS}",
    since="2.0.0", complexity="O(members of the smallest set, times the sets, + n log n) for n members stored",
    summary="Store the intersection of sorted sets, with aggregated scores, and return its size.",
)  # fmt: skip
def zinterstore(session: Session, args: list[bytes]) -> object:
    return store_combined(session, args, INTERSECTION, b"zinterstore", ZINTERSTORE)


@command(
    "zdiffstore", arity=-4, flags=WRITE | DENYOOM | MOVABLEKEYS, acl=SORTEDSET, keys=store_keys(), group="sorted-set",
    arguments="destination#0 numkeys:integer key#1 ...",
    since="6.2.0", complexity="O(members of all sets)",
    summary="Store the difference of sorted sets and return its size.",
)  # fmt: skip
def zdiffstore(session: Session, args: list[bytes]) -> object:
    return store_combined(session, args, DIFFERENCE, b"zdiffstore", ZDIFFSTORE)


@command(
    "zintercard", arity=-3, flags=READONLY | MOVABLEKEYS, acl=SORTEDSET, keys=counted_keys(1, RO | ACCESS),
    group="sorted-set",
    arguments="numkeys:integer key#0 ... [LIMIT limit:integer]",
    since="7.0.0", complexity="O(members of the smallest set, times the sets)",
    summary="Return the size of the intersection of sorted sets, up to a limit.",
)  # fmt: skip
def zintercard(session: Session, args: list[bytes]) -> object:
    wanted = Aggregation(session, args, 1, INTERSECTION, b"zintercard")
    wanted.read_limit()
    return wanted.count()
