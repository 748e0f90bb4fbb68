"""INCRBYFLOAT's arithmetic against what the reference answered."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.protocol.long_double import add_long_doubles, parse_long_double

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "golden" / "numbers.json").read_text())
NOT_A_FLOAT = {"error": "ERR value is not a valid float"}


def exact(text: bytes) -> Fraction:
    """The value of a text that is a finite number."""
    parts = parse_long_double(text)
    assert isinstance(parts, tuple)
    return Fraction(parts[0]) * Fraction(2) ** parts[1]


@pytest.mark.parametrize("row", GOLDEN["incrbyfloat"], ids=lambda row: f"{row['value']}+{row['increment']}")
def test_sums_are_the_reference_s(row: dict[str, Any]) -> None:
    value, increment = row["value"].encode(), row["increment"].encode()
    if row["reply"] == NOT_A_FLOAT:
        assert parse_long_double(value) is None or parse_long_double(increment) is None
    elif isinstance(row["reply"], dict):
        assert add_long_doubles(value, increment) is None
    else:
        assert row["reply"].encode() == add_long_doubles(value, increment)


@pytest.mark.parametrize("row", GOLDEN["parse"], ids=lambda row: repr(row["text"]))
def test_texts_are_taken_as_the_reference_takes_them(row: dict[str, Any]) -> None:
    text = row["text"].encode()
    reply = row["INCRBYFLOAT k <text> (k absent)"]
    if reply == NOT_A_FLOAT:
        assert parse_long_double(text) is None
    elif isinstance(reply, dict):
        assert add_long_doubles(b"0", text) is None
    else:
        assert reply.encode() == add_long_doubles(b"0", text)


@pytest.mark.parametrize(
    "text",
    [
        b"", b".", b"+", b"e5", b"1e", b"1e+", b"0x", b"0x.", b"0x1p", b"0b1", b" 1", b"1 ", b"1\n", b"nan", b"infi",
        b"1_0", b"\xd9\xa1", b"1e99999999999999999999", b"1e-99999999999999999999", b"0x1p99999999999999999999",
        b"1.19e4932", b"1e-5000", b"0x1p16384", b"1" * 5120, b"1" * 5000, b"1e" + b"9" * 5000, b"0x" + b"f" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_long_double_is_none(text: bytes) -> None:
    assert parse_long_double(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"0x1.8p3", Fraction(12)),
        (b"-0X.8", Fraction(-1, 2)),
        (b"0" * 5000 + b"7", Fraction(7)),
        (b"0." + b"0" * 5000 + b"7e5001", Fraction(7)),
        (b"0e99999999999999999999", Fraction(0)),
        (b"0x0p99999999999999999999", Fraction(0)),
        (b"0e" + b"9" * 5000, Fraction(0)),
        (b"1" + b"0" * 4900 + b"e-4900", Fraction(1)),
    ],
)
def test_long_texts_and_hex(text: bytes, value: Fraction) -> None:
    assert value == exact(text)


@given(st.integers(-(2**64) + 1, 2**64 - 1))
def test_integers_of_64_bits_are_exact(number: int) -> None:
    text = str(number).encode()
    assert Fraction(number) == exact(text)
    assert text == add_long_doubles(text, b"0")


@pytest.mark.parametrize("power", [17, 100, 3612, 3613, 3700, 3999, 4000, 4001, 4932])
def test_large_numbers_print_all_their_digits(power: int) -> None:
    text = add_long_doubles(b"1e%d" % power, b"0")
    assert text is not None
    # The nearest long double may lie below the power of ten.
    assert text[:1] == (b"1" if len(text) == power + 1 else b"9")
    assert len(text) in (power, power + 1)
    assert exact(text) == exact(b"1e%d" % power)
    assert text == add_long_doubles(text, b"0")
