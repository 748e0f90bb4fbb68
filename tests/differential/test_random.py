"""Random sequences of every command that the server under test has, drawn from the reference's argument trees.

Keys, members and values come from small pools, so that the commands of a sequence meet.  A command that is declared
today is drawn tomorrow: nothing here names what is tested, only what cannot be compared.  A failure shrinks to the
shortest sequence that still differs, and prints it.

Time makes replies differ by themselves.  So each span drawn is an hour and more, and longer than those before it in its
sequence, which keeps NX, XX, GT and LT independent of the millisecond; times that are told are compared within a second.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.differential.catalogue import Tree, entries, golden
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
    "scan": "its cursors are each server's own; test_keys.py collects whole scans",
    "object|idletime": "depends on the second",
    "object|freq": "is a matter of chance",
    "wait": "waits for replicas",
    "waitaof": "waits for a disk",
    "migrate": "wants a third server",
    "dump": "tests/golden compares what it gives",
    "keys": "order",
    "sort": "order",
    "sort_ro": "order",
}
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

Command = tuple[str, tuple[Word, ...]]


def words(values: tuple[str, ...]) -> st.SearchStrategy[list[Word]]:
    return st.sampled_from(values).map(lambda value: [value])


def span(name: str, at: int) -> list[Word]:
    """Hours from now, the more the later in the sequence (`at`)."""
    seconds = 3600 * (at + 1)
    return [seconds * 1000 if name.startswith("milli") else seconds]


def instant(name: str, at: int) -> list[Word]:
    seconds = 4102444800 + at
    return [seconds * 1000 if "milli" in name else seconds]


def argument(tree: Tree, at: int) -> st.SearchStrategy[list[Word]]:
    """Words for one argument of a tree, in the command that is the sequence's `at`-th."""
    flags = tree.get("flags", ())
    made = token_and_value(tree, at)
    if "multiple" in flags:
        token = [tree["token"]] if "token" in tree and "multiple_token" not in flags else []
        parts = st.lists(value(tree, at) if token else made, min_size=1, max_size=3)
        made = parts.map(lambda lists: token + [word for part in lists for word in part])
    if "optional" in flags:
        made = st.one_of(st.just([]), made)
    return made


def token_and_value(tree: Tree, at: int) -> st.SearchStrategy[list[Word]]:
    made = value(tree, at)
    if "token" not in tree or tree["type"] == "pure-token":
        return made
    return made.map(lambda found: [tree["token"], *found])


def value(tree: Tree, at: int) -> st.SearchStrategy[list[Word]]:
    kind, name = tree["type"], tree["name"]
    parts = tree.get("arguments", ())
    if kind == "pure-token":
        return st.just([tree["token"]])
    if kind == "block":
        return st.tuples(*(argument(part, at) for part in parts)).map(joined)
    if kind == "oneof":
        return st.one_of(*(argument(part, at) for part in parts))
    if kind == "key":
        return words(KEYS)
    if kind == "pattern":
        return words(PATTERNS)
    if kind == "unix-time":
        return st.one_of(st.just(instant(name, at)), words(("1", "0", "-1", "abc", "9223372036854775807")))
    if name in {"seconds", "milliseconds"}:
        return st.one_of(st.just(span(name, at)), words(("0", "-1", "abc", "9223372036854775807")))
    if kind == "double":
        return words(("0.01", "-1", "abc")) if name == "timeout" else words(DOUBLES)
    if kind == "integer":
        return words(NUMBERS)
    if name in {"min", "max", "start", "stop"}:
        return words(BOUNDS)
    if name in {"member", "field", "element"}:
        return words(MEMBERS)
    return words(STRINGS)


def joined(lists: tuple[list[Word], ...]) -> list[Word]:
    return [word for part in lists for word in part]


def whole(name: str, at: int) -> st.SearchStrategy[Command]:
    """A command of this name, mostly well-formed; now and then a word is left out, doubled, or put in lower case."""
    trees = golden()[name].get("arguments", ())
    head: tuple[Word, ...] = tuple(name.upper().split("|"))
    proper = st.tuples(*(argument(tree, at) for tree in trees)).map(lambda lists: (name, (*head, *joined(lists))))
    spoilt = st.tuples(proper, st.integers(0, 30), st.sampled_from(["drop", "double", "lower", "append"])).map(spoil)
    return st.integers(0, 9).flatmap(lambda chance: spoilt if chance == 0 else proper)


def spoil(drawn: tuple[Command, int, str]) -> Command:
    (name, proper), place, how = drawn
    said = list(proper)
    first = name.count("|") + 1
    if how == "append" or len(said) == first:
        said.append("EXTRA")
    else:
        at = first + place % (len(said) - first)
        if how == "drop":
            del said[at]
        elif how == "double":
            said.insert(at, said[at])
        else:
            said[at] = str(said[at]).lower()
    # A span that lost its unit could mean milliseconds, which pass while the sequence runs.
    return name, tuple(said)


def comparison(name: str) -> Comparison:
    if name in TIMES:
        return lambda theirs, ours: within(1100, theirs, ours)
    if name in PAIRS:
        return lambda theirs, ours: exact(theirs, ours) or unordered(theirs, ours, pairs=True)
    tips = golden()[name]["tips"]
    if "nondeterministic_output_order" in tips:
        return lambda theirs, ours: exact(theirs, ours) or unordered(theirs, ours)
    return exact


def can_be_compared(name: str) -> bool:
    tree = golden().get(name)
    if tree is None or tree["group"] not in GROUPS or name in LEFT_OUT or "subcommands" in tree:
        return False
    return "nondeterministic_output" not in tree["tips"] or name in TIMES


@cache
def sequences(names: tuple[str, ...], length: int) -> st.SearchStrategy[list[Command]]:
    """Up to `length` commands.  Spans grow with the place in the sequence, hence a strategy for each place."""
    places = [st.sampled_from(names).flatmap(lambda name, at=at: whole(name, at)) for at in range(length)]  # type: ignore[misc]
    return st.integers(1, length).flatmap(lambda count: st.tuples(*places[:count]).map(list))


class Session:
    """Runs a sequence on a pair; knows how each reply is to be compared, those inside EXEC's too."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.queued: list[Comparison] = []

    def run(self, sequence: list[Command]) -> None:
        self.pair.fresh()
        for wire in (self.pair.theirs, self.pair.ours):
            wire.pushes.clear()
        try:
            for name, said in sequence:
                self.step(name, said)
        except AssertionError as failure:
            lines = "\n".join(spell(said) for _, said in sequence)
            raise AssertionError(f"{failure}\nafter\n{lines}") from None
        finally:
            self.pair.both("DISCARD")
            self.pair.both("UNWATCH")
            self.pair.both("SELECT", "0")

    def step(self, name: str, said: tuple[Word, ...]) -> None:
        alike = self.exec_comparison() if name == "exec" else comparison(name)
        theirs, ours = self.pair.both(*said)
        if theirs.raw == ours.raw == b"+QUEUED\r\n":
            self.queued.append(comparison(name))
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


Families = Callable[[str], bool]
FAMILIES: dict[str, Families] = {
    "strings": lambda name: golden()[name]["group"] in {"string", "generic"},
    "hashes": lambda name: golden()[name]["group"] in {"hash", "generic"},
    "sorted sets": lambda name: golden()[name]["group"] == "sorted-set" or name in {"del", "exists", "object|encoding"},
    "transactions": lambda name: True,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_random_sequences(pair: Pair, family: str) -> None:
    belongs = FAMILIES[family]
    have = [entry.name.lower() for entry in entries(pair.ours)]
    names = tuple(name for name in have if can_be_compared(name) and belongs(name))
    if family != "transactions":
        names = tuple(name for name in names if golden()[name]["group"] != "transactions")
    session = Session(pair)

    # The same sequences in every run, so that CI does not fail by chance; the full profile draws new ones.
    @settings(
        max_examples=1500 if FULL else 100,
        derandomize=not FULL,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(sequences(names, 60 if FULL else 30))
    def run(sequence: list[Command]) -> None:
        session.queued = []
        session.run(sequence)

    run()
