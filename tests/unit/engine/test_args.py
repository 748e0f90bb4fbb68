"""Reading arguments: numbers with the reference's complaints, and the cursor."""

from __future__ import annotations

import pytest

from redpoll.engine.args import Args, double, integer
from redpoll.errors import NOT_A_FLOAT, NOT_AN_INTEGER, SYNTAX, CommandError


def complaint(work: object, *args: object) -> bytes:
    with pytest.raises(CommandError) as refused:
        work(*args)  # type: ignore[operator]
    return refused.value.text


def test_an_integer_is_a_canonical_one_of_64_bits() -> None:
    for word, number in (
        (b"0", 0),
        (b"-1", -1),
        (b"9223372036854775807", (1 << 63) - 1),
        (b"-9223372036854775808", -(1 << 63)),
        (b"-4611686018427387904", -(1 << 62)),
    ):
        assert integer(word) == number
    for word in (b"", b"01", b"+1", b"1.0", b" 1", b"9223372036854775808", b"x"):
        assert complaint(integer, word) == NOT_AN_INTEGER
        assert complaint(integer, word, b"ERR other words") == b"ERR other words"


def test_a_double_is_no_nan() -> None:
    assert double(b"1.5") == 1.5
    assert double(b"-inf") == float("-inf")
    assert complaint(double, b"nan") == NOT_A_FLOAT
    assert complaint(double, b"", b"ERR other words") == b"ERR other words"


def test_a_cursor_reads_one_argument_after_the_other() -> None:
    cursor = Args([b"SET", b"k", b"nx", b"Value", b"7", b"x"], 2)
    assert cursor.left() == 4
    assert cursor.word() == b"NX"
    assert cursor.next() == b"Value"
    assert cursor.integer() == 7
    assert cursor.left() == 1
    assert complaint(cursor.integer, b"ERR own words") == b"ERR own words"
    assert cursor.left() == 0
    assert complaint(cursor.next) == SYNTAX
    assert complaint(cursor.integer) == SYNTAX
