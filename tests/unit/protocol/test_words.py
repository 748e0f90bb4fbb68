"""Python values as words of commands, and replies as Python values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.errors import CommandError
from redpoll.protocol.reply import ARRAY, MAP, Boolean, Double, Error, Map, RawError, SetOf, Status, Strings
from redpoll.protocol.words import as_word, plain, to_python

DEEP = 100_000

leaves = st.sampled_from([b"a", 1, None])
# Pairs of a reply and its value in Python.
trees = st.recursive(
    leaves.map(lambda leaf: (leaf, leaf)),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda both: ([reply for reply, _ in both], [value for _, value in both]))
        | st.lists(inner, max_size=3).map(
            lambda both: (SetOf([reply for reply, _ in both]), [value for _, value in both])
        )
        | st.dictionaries(st.binary(max_size=2), inner, max_size=3).map(
            lambda both: (
                Map([part for key, value in both.items() for part in (key, value[0])]),
                {key: value[1] for key, value in both.items()},
            )
        )
    ),
    max_leaves=12,
)


@given(trees)
def test_nested_replies_become_nested_values(both: tuple[object, object]) -> None:
    reply, value = both
    assert plain(reply) == value


def test_leaves_in_lists() -> None:
    found = plain([Status(b"OK"), Double(1.5), Boolean(True), Error(b"ERR a"), RawError(b"ERR b")])
    assert isinstance(found, list)
    assert found[:3] == [b"OK", 1.5, True]
    for error, text in zip(found[3:], (b"ERR a", b"ERR b"), strict=True):
        assert isinstance(error, CommandError)
        assert error.text == text


def test_a_view_becomes_what_its_shape_says() -> None:
    for shape, value in ((ARRAY, [b"k", b"v"]), (MAP, {b"k": b"v"})):
        view = Strings(shape)
        view.add(b"k")
        view.add(b"v")
        assert plain(view) == value


def test_the_nesting_of_a_script_needs_no_recursion() -> None:
    reply: object = b"end"
    for level in range(DEEP):
        reply = SetOf([reply]) if level % 3 == 0 else Map([b"k", reply]) if level % 3 == 1 else [reply]
    value = plain(reply)
    for _ in range(DEEP):
        value = value[b"k"] if isinstance(value, dict) else value[0]  # type: ignore[index]
    assert value == b"end"


def test_an_error_is_raised() -> None:
    with pytest.raises(CommandError):
        to_python(Error(b"ERR a"))


@pytest.mark.parametrize(
    ("word", "text"), [(b"a", b"a"), ("é", "é".encode()), (-7, b"-7"), (1.5, b"1.5"), (1e300, b"1e+300")]
)
def test_words(word: object, text: bytes) -> None:
    assert as_word(word) == text


@pytest.mark.parametrize("word", [None, True, [], bytes])
def test_other_types_are_no_words(word: object) -> None:
    with pytest.raises(TypeError):
        as_word(word)
