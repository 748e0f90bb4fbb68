"""Commands and subcommands that do not exist, and numbers of arguments that no command takes."""

from __future__ import annotations

import pytest
from tests.differential.catalogue import Entry, entries
from tests.differential.pair import Pair

SPELLINGS = (
    *(
        "NOSUCH",
        "nosuch",
        "",
        " ",
        "GET ",
        " GET",
        "G",
        "GETX",
        "G\r\nET",
        "a\tb",
        "\x00",
        "\xff\xfe",
        "get|x",
        "client|id",
        "'q'",
    ),
    *("x" * 127, "x" * 128, "x" * 129, "x" * 500),
)


@pytest.mark.parametrize("name", SPELLINGS, ids=range(len(SPELLINGS)))
def test_unknown_commands(pair: Pair, name: str) -> None:
    word = name.encode("latin-1")
    pair.do(word)
    pair.do(word, "a")
    pair.do(word, "", "b c", "'d'", b"e\r\nf\x00g\xff", "")
    for length in (1, 60, 120, 122, 123, 124, 125, 126, 127, 128, 129, 130, 300):
        pair.do(word, "a" * length)
        pair.do(word, "a" * length, "b")
        pair.do(word, "a" * length, "b" * 3, "c" * 300)
        pair.do(word, "a", "b" * length, "c")
    pair.do(word, *("a" * 10 for _ in range(30)))
    pair.do(word, *("" for _ in range(100)))


@pytest.mark.parametrize("container", ["CLIENT", "config", "COMMAND", "object"])
def test_unknown_subcommands(pair: Pair, container: str) -> None:
    pair.needs(container)
    for word in (
        b"NOSUCH",
        b"nosuch",
        b"",
        b" ",
        b"a\r\nb",
        b"\x00\xff",
        b"x" * 127,
        b"x" * 128,
        b"x" * 129,
        b"x" * 500,
        b"id|x",
        b"help ",
    ):
        pair.do(container, word)
        pair.do(container, word, "a", "b")


def is_the_reference_s(entry: Entry) -> bool:
    """All but HOTKEYS: docs/differences.md, `hotkeys`."""
    return not entry.name.startswith("hotkeys")


def lengths(entry: Entry) -> list[int]:
    """Numbers of words, the command's name included, that its arity refuses: too few and too many."""
    parts = entry.name.count("|") + 1
    few = range(parts, abs(entry.arity))
    return [*few, *(range(entry.arity + 1, entry.arity + 3) if entry.arity > 0 else ())]


def test_wrong_arity_of_everything_there_is(pair: Pair) -> None:
    failures = []
    for entry in filter(is_the_reference_s, entries(pair.ours)):
        for length in lengths(entry):
            words = entry.name.split("|")
            words += ["1"] * (length - len(words))
            theirs, ours = pair.both(*words)
            if theirs.raw != ours.raw:
                failures.append(f"{words}: {theirs} {ours}")
            assert theirs.is_error, words
    assert not failures, "\n".join(failures)


def test_wrong_arity_inside_a_transaction(pair: Pair) -> None:
    for entry in filter(is_the_reference_s, entries(pair.ours)):
        for length in lengths(entry)[:1]:
            words = entry.name.split("|")
            words += ["1"] * (length - len(words))
            pair.do("MULTI")
            pair.do(*words)
            pair.do("EXEC")
            pair.both("DISCARD")


def test_an_unsupported_option_is_shown_up_to_a_zero_byte(pair: Pair) -> None:
    pair.do("EXPIRE", "k", "10", b"seen\0hidden")
