"""Random sequences of every command that the server under test has, drawn from the reference's argument trees, by group.

Keys, members and values come from small pools, so that the commands of a sequence meet.  A command that is declared
today is drawn tomorrow: nothing here names what is tested, only what cannot be compared.  A failure shrinks to the
shortest sequence that still differs, and prints it.

Time makes replies differ by themselves.  So each span drawn is an hour and more, and longer than those before it in its
sequence, which keeps NX, XX, GT and LT independent of the millisecond; times that are told are compared within a second.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.differential.catalogue import Tree, entries, golden
from tests.differential.ears import Ears
from tests.differential.pair import Comparison, Pair, exact, unordered, within
from tests.differential.wire import Reply, Word, spell

FULL = os.environ.get("REDPOLL_PROFILE") == "full"
GROUPS = {
    "generic",
    "string",
    "hash",
    "sorted-set",
    "set",
    "list",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "transactions",
}

# What cannot be compared, each with its reason.
LEFT_OUT = {
    **dict.fromkeys(("scan", "hscan", "sscan", "zscan"), "cursors are each server's own; tests collect whole scans"),
    "object|idletime": "depends on the second",
    "object|freq": "is a matter of chance",
    "xread": "may block for hours",
    "xreadgroup": "may block for hours",
    "wait": "waits for replicas",
    "waitaof": "waits for a disk",
    "migrate": "wants a third server",
    "dump": "tests/golden compares what it gives",
    "randomkey": "is a matter of chance",
    "object|refcount": "small numbers are shared there",
    "hrandfield": "is a matter of chance",
    "srandmember": "is a matter of chance",
    "zrandmember": "is a matter of chance",
    "spop": "is a matter of chance",
    **dict.fromkeys(
        ("zrangebylex", "zrevrangebylex", "zlexcount", "zremrangebylex", "zrangestore"),
        "members of different scores have no order that BYLEX could go by",
    ),
    "pfselftest": "takes the reference seconds; test_hyperloglogs.py runs it",
    "sort": "order",
    "sort_ro": "order",
}
# Said to be nondeterministic or of another group, and comparable all the same.
TAKEN_IN = {"object|encoding", "dbsize", "flushdb", "flushall", "echo", "select", "swapdb"}
TIMES = {"ttl", "pttl", "expiretime", "pexpiretime", "httl", "hpttl", "hexpiretime", "hpexpiretime"}
# Their flat RESP2 arrays are pairs without order; so are RESP3 maps.
PAIRS = {"hgetall"}

KEYS = ("a", "b", "c", "")
MEMBERS = ("m", "n", "o", "1", "", "a member that is longer than the sixty-four bytes of a listpack's limits")
NUMBERS = ("0", "1", "2", "-1", "-2", "10", "100", "9223372036854775807", "-9223372036854775808", "abc", "", "1.5")
DOUBLES = ("0", "1", "-1", "1.5", "0.1", "3", "1e300", "inf", "-inf", "nan", "abc", "(1", "1e-9")
BOUNDS = ("0", "-1", "1", "(1", "-inf", "+inf", "-", "+", "[m", "(n", "5", "abc")
STRINGS = (
    "",
    "0",
    "1",
    "-5",
    "9223372036854775807",
    "3.25",
    "hello",
    "m",
    "abc",
    "a value that is a good deal longer than one",
)
PATTERNS = ("*", "a*", "?", "[ab]", "m*")
# Small ones first of all: a bit far out makes a string of megabytes.
OFFSETS = ("0", "1", "7", "8", "9", "63", "100", "-1", "4294967296", "9223372036854775807", "abc", "", "1.5")
FIELD_OFFSETS = (*OFFSETS[:7], "#0", "#1", "#7", "-1", "#-1", "#", "9223372036854775807", "abc")
FIELD_TYPES = ("u1", "u8", "i8", "i5", "u63", "i64", "i16", "u64", "i65", "i0", "u-1", "x8", "8", "")
BITS = ("0", "1", "1", "2", "-1", "abc", "")

Command = tuple[str, tuple[Word, ...]]


class Drawer:
    """Draws the words of one command from its argument tree.

    Everything follows from `seed`.  `at` is the command's place in its sequence.
    """

    def __init__(self, seed: int, at: int) -> None:
        self.random = Random(seed)
        self.at = at
        self.name = ""
        self.count = 0
        """How many keys or fields follow, once their number is drawn."""

    def command(self, name: str) -> Command:
        """Mostly well-formed; now and then a word is left out, doubled, appended or put in lower case."""
        self.name = name
        said: list[Word] = [*name.upper().split("|")]
        first = len(said)
        for tree in golden()[name].get("arguments", ()):
            said += self.argument(tree)
        if self.random.random() < 0.1:
            self.spoil(said, first)
        return name, tuple(said)

    def spoil(self, said: list[Word], first: int) -> None:
        """Change one word behind the `first`, which name the command."""
        how = self.random.choice(("drop", "double", "lower", "append"))
        if how == "append" or len(said) == first:
            said.append("EXTRA")
            return
        at = self.random.randrange(first, len(said))
        if how == "drop":
            del said[at]
        elif how == "double":
            said.insert(at, said[at])
        else:
            said[at] = str(said[at]).lower()

    def argument(self, tree: Tree) -> list[Word]:
        flags = tree.get("flags", ())
        if "optional" in flags and self.random.random() < 0.6:
            return []
        count = 1
        if "multiple" in flags:
            count = self.count or self.random.choice((1, 1, 2, 3))
            self.count = 0
        token = [tree["token"]] if "token" in tree and tree["type"] != "pure-token" else []
        said: list[Word] = []
        for number in range(count):
            if number == 0 or "multiple_token" in flags:
                said += token
            said += self.value(tree)
        return said

    def value(self, tree: Tree) -> list[Word]:
        kind = tree["type"]
        parts = tree.get("arguments", ())
        if kind == "pure-token":
            return [tree["token"]]
        if kind == "block":
            return [word for part in parts for word in self.argument(part)]
        if kind == "oneof":
            return self.argument(self.random.choice(parts))
        return [self.word(kind, tree["name"])]

    def word(self, kind: str, name: str) -> Word:
        if kind == "unix-time":
            instant = 4102444800 + self.at
            return self.one_of_times(instant * 1000 if "milli" in name else instant)
        if name in {"seconds", "milliseconds"}:
            # Hours from now, the more the later in the sequence.
            span = 3600 * (self.at + 1)
            return self.one_of_times(span * 1000 if name == "milliseconds" else span)
        if name in {"numkeys", "numfields"} and self.random.random() < 0.9:
            self.count = self.random.choice((1, 1, 2, 3))
            return self.count
        pool: tuple[str, ...]
        if name == "offset":
            pool = FIELD_OFFSETS if self.name.startswith("bitfield") else OFFSETS
        elif name == "encoding":
            pool = FIELD_TYPES
        elif self.name == "setbit" and name == "value":
            pool = BITS
        elif kind == "double":
            pool = ("0.01", "-1", "abc") if name == "timeout" else DOUBLES
        elif kind == "integer":
            pool = NUMBERS
        elif kind == "key":
            pool = KEYS
        elif kind == "pattern":
            pool = PATTERNS
        elif name in {"min", "max", "start", "stop"}:
            pool = BOUNDS
        elif name in {"member", "field", "element"}:
            pool = MEMBERS
        else:
            pool = STRINGS
        return self.random.choice(pool)

    def one_of_times(self, good: int) -> Word:
        if self.random.random() < 0.7:
            return good
        return self.random.choice(("0", "-1", "abc", "", "9223372036854775807", "-9223372036854775808"))


def drawn(sketch: list[tuple[str, int]]) -> list[Command]:
    """The sequence that names and seeds stand for.  Hypothesis draws and shrinks only these: drawing every word through
    it took 5 ms a command."""
    return [Drawer(seed, at).command(name) for at, (name, seed) in enumerate(sketch)]


def sketches(names: tuple[str, ...], length: int) -> st.SearchStrategy[list[tuple[str, int]]]:
    return st.lists(st.tuples(st.sampled_from(names), st.integers(0, 1 << 20)), min_size=1, max_size=length)


def same_but_for_arrays(theirs: Reply, ours: Reply) -> bool:
    return theirs.kind == ours.kind == "*" or exact(theirs, ours)


def comparison(name: str, said: tuple[Word, ...]) -> Comparison:
    if name in TIMES:
        return lambda theirs, ours: within(1100, theirs, ours)
    if name == "zrange" and "BYLEX" in [str(word).upper() for word in said]:
        return same_but_for_arrays
    if name in PAIRS:
        return lambda theirs, ours: exact(theirs, ours) or unordered(theirs, ours, pairs=True)
    if "nondeterministic_output_order" in golden()[name]["tips"]:
        return lambda theirs, ours: exact(theirs, ours) or unordered(theirs, ours)
    return exact


def in_groups(name: str) -> bool:
    """Whether it is a command, and not a container or its HELP, of those that keep data or act on it."""
    tree = golden().get(name, {"group": "", "subcommands": {}})
    return tree["group"] in GROUPS and "subcommands" not in tree and not name.endswith("|help")


def can_be_compared(name: str) -> bool:
    return name in TAKEN_IN or (in_groups(name) and name not in LEFT_OUT)


class Session:
    """Runs a sequence on one connection; knows how each reply is to be compared, those inside EXEC's too."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.queued: list[Comparison] = []

    def reset(self) -> None:
        """Leave transaction and database; nobody cares for the replies."""
        self.queued = []
        for words in (("DISCARD",), ("UNWATCH",), ("SELECT", "0")):
            self.pair.both(*words)

    def step(self, name: str, said: tuple[Word, ...]) -> None:
        alike = self.exec_comparison() if name == "exec" else comparison(name, said)
        theirs, ours = self.pair.both(*said)
        if theirs.raw == ours.raw == b"+QUEUED\r\n":
            self.queued.append(comparison(name, said))
            return
        if name in {"exec", "discard"} and theirs.text != b"EXEC without MULTI":
            self.queued = []
        self.pair.judge(alike, theirs, ours, said)

    def exec_comparison(self) -> Comparison:
        queued = self.queued

        def alike(theirs: Reply, ours: Reply) -> bool:
            if len(theirs.items) != len(queued) or len(ours.items) != len(queued):
                return theirs.raw == ours.raw
            both = zip(queued, theirs.items, ours.items, strict=True)
            return all(same(one, two) for same, one, two in both)

        return alike


COUNTERS = (
    "keyspace_hits",
    "keyspace_misses",
    "expired_keys",
    "expired_fields",
    "rdb_changes_since_last_save",
    "total_error_replies",
)
"""What INFO counts of the commands that ran, beside their replies."""


def counted(pair: Pair) -> list[dict[str, int]]:
    """COUNTERS of both."""
    both = []
    for reply in pair.both("INFO"):
        lines = dict(line.split(":", 1) for line in (reply.text or b"").decode().splitlines() if ":" in line)
        both.append({name: int(lines[name]) for name in COUNTERS})
    return both


def run_all(sessions: list[Session], ears: Ears, sequence: list[Command], turns: list[int]) -> None:
    """Empty the databases and run the sequence; `turns` tells which session each command belongs to."""
    sessions[0].pair.fresh()
    before = counted(sessions[0].pair)
    try:
        for (name, said), turn in zip(sequence, turns, strict=True):
            sessions[turn].step(name, said)
        # What no reply has shown: one number for the content of all databases.
        for session in sessions:
            session.reset()
        theirs, ours = (
            {name: end[name] - start[name] for name in COUNTERS}
            for start, end in zip(before, counted(sessions[0].pair), strict=True)
        )
        assert theirs == ours, f"INFO counts {theirs}, and {ours}"
        ears.same()
        sessions[0].pair.do("DEBUG", "DIGEST")
    except AssertionError as failure:
        lines = "\n".join(f"{turn}> {spell(said)}" for (_, said), turn in zip(sequence, turns, strict=True))
        raise AssertionError(f"{failure}\nafter\n{lines}") from None
    finally:
        for session in sessions:
            session.reset()
        ears.heard()


# Who makes the values that a family's commands work on, and asks what came of them.
AROUND = {
    "set",
    "get",
    "append",
    "rpush",
    "sadd",
    "hset",
    "zadd",
    "del",
    "exists",
    "type",
    "expire",
    "ttl",
    "object|encoding",
}

Families = Callable[[str], bool]


def group(*wanted: str) -> Families:
    return lambda name: golden()[name]["group"] in wanted or name in AROUND


FAMILIES: dict[str, Families] = {
    "strings": group("string"),
    "bitmaps": lambda name: group("bitmap")(name) or name in {"getrange", "setrange", "strlen"},
    "keys": group("generic", "server"),
    "lists": group("list"),
    "hashes": group("hash"),
    "streams": group("stream"),
    "sets": group("set"),
    "sorted sets": group("sorted-set"),
    "places": lambda name: group("geo")(name) or name in {"zrange", "zrem"},
    "hyperloglogs": lambda name: group("hyperloglog")(name) or name in {"get", "setrange"},
    "transactions": lambda name: True,
}


def drawable(pair: Pair, family: str) -> tuple[str, ...]:
    """The commands of a family that the server under test has; transactions are in a family of their own."""
    have = [entry.name.lower() for entry in entries(pair.ours)]
    names = [name for name in have if can_be_compared(name) and FAMILIES[family](name)]
    if family != "transactions":
        names = [name for name in names if golden()[name]["group"] != "transactions"]
    return tuple(names)


def test_every_command_is_drawn_or_has_a_reason_not_to_be(pair: Pair) -> None:
    drawn_somewhere = {name for family in FAMILIES if family != "transactions" for name in drawable(pair, family)}
    for entry in entries(pair.ours):
        name = entry.name.lower()
        if in_groups(name) and name not in LEFT_OUT and golden()[name]["group"] != "transactions":
            assert name in drawn_somewhere, f"{name} belongs to no family"


# Seconds as long as all is well; finding the shortest sequence that fails takes its time.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("family", FAMILIES)
def test_random_sequences(pair: Pair, family: str) -> None:
    names = drawable(pair, family)
    sessions = [Session(pair)]
    if family == "transactions":
        # A second client changes what the first one watches.
        sessions.append(Session(pair.second()))

    # The same sequences in every run, so that CI does not fail by chance; the full profile draws new ones.
    @settings(
        max_examples=2000 if FULL else 200,
        derandomize=not FULL,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(sketches(names, 80 if FULL else 40))
    def run(sketch: list[tuple[str, int]]) -> None:
        run_all(sessions, ears, drawn(sketch), [seed % len(sessions) for _, seed in sketch])

    with Ears(pair) as ears:
        run()
