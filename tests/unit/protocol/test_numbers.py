"""Integers, doubles and cursors, as the wire spells them, against Python's own and what the reference printed."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from redpoll.protocol.numbers import (
    NO_INT,
    format_double,
    int_text,
    is_int,
    is_int_at,
    parse_double,
    parse_scan_cursor,
    parse_score_bound,
    to_int,
    to_int_at,
    write_int,
)

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "golden" / "numbers.json").read_text())

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
EDGES = sorted(
    {sign * (10**power + step) for power in range(19) for step in (-1, 0, 1) for sign in (1, -1)}
    | {0, INT_MIN, INT_MIN + 1, INT_MIN + 2, INT_MAX, INT_MAX - 1, 4095, 4096}
)
NO_INTEGERS = [
    b"", b"-", b"+1", b"01", b"-0", b"-01", b"00", b" 1", b"1 ", b"1.0", b"1e3", b"0x10", b"--1", b"1-", b"a", b"\xb11",
    b"9223372036854775808", b"-9223372036854775809", b"9999999999999999999", b"10000000000000000000",
    b"-10000000000000000000", b"92233720368547758070", b"922337203685477580/", b"922337203685477580:",
]  # fmt: skip

int64s = st.integers(INT_MIN, INT_MAX) | st.sampled_from(EDGES) | st.integers(-10000, 10000)


def parsed(text: bytes) -> int | None:
    number = to_int(text)
    return None if number == NO_INT and not is_int(text) else int(number)


def written(number: int) -> bytes:
    out = BytesWriter()
    write_int(out, number)
    return out.getvalue()


@pytest.mark.parametrize("number", EDGES)
def test_integers_at_the_edges_survive_the_way_out_and_in(number: int) -> None:
    text = str(number).encode()
    assert text == int_text(number)
    assert text == written(number)
    assert is_int(text)
    assert number == parsed(text)


@given(int64s)
def test_any_integer_survives_the_way_out_and_in(number: int) -> None:
    text = str(number).encode()
    assert text == int_text(number) == written(number)
    assert number == parsed(text)


def test_all_integers_of_up_to_five_digits_are_written_right() -> None:
    assert [str(n).encode() for n in range(20000)] == [written(n) for n in range(20000)]


@pytest.mark.parametrize("text", NO_INTEGERS)
def test_only_the_canonical_spelling_is_an_integer(text: bytes) -> None:
    assert not is_int(text)
    assert parsed(text) is None


@given(st.text("0123456789-+ .", max_size=21).map(str.encode))
def test_a_text_is_an_integer_if_python_prints_it_so(text: bytes) -> None:
    try:
        number = int(text)
    except ValueError:
        number = INT_MAX + 1
    expected = number if INT_MIN <= number <= INT_MAX and str(number).encode() == text else None
    assert expected == parsed(text)
    assert is_int(text) == (expected is not None)


@given(int64s, st.binary(max_size=5), st.binary(max_size=5))
def test_an_integer_is_read_from_the_middle_of_a_blob(number: int, before: bytes, after: bytes) -> None:
    text = str(number).encode()
    blob = before + text + after
    start, end = len(before), len(before) + len(text)
    assert is_int_at(blob, start, end)
    assert number == to_int_at(blob, start, end)


@pytest.mark.parametrize("row", GOLDEN["parse"], ids=lambda row: repr(row["text"]))
def test_texts_are_taken_as_the_reference_takes_them(row: dict[str, Any]) -> None:
    text = row["text"].encode()
    integer = row["INCRBY k <text> (k absent)"]
    assert (integer if isinstance(integer, int) else None) == parsed(text)

    score = row["ZADD k <text> m; ZSCORE k m"]
    double = parse_double(text)
    if isinstance(score, dict):
        assert math.isnan(double)
    else:
        # A small sorted set forgets the sign of zero.
        assert score.encode() == format_double(double + 0.0)

    bound = row["ZCOUNT k <text> +inf accepted"]
    assert (bound is True) == (not math.isnan(parse_score_bound(text)))

    cursor = row["SCAN <text> accepted"]
    assert (cursor is True) == (parse_scan_cursor(text) is not None)


@pytest.mark.parametrize(
    ("text", "cursor"),
    [
        (b"0", 0), (b"7", 7), (b"+7", 7), (b" \t\n\v\f\r7", 7), (b"-01", 2**64 - 1), (b" -1", 2**64 - 1),
        (b"-0", 0), (b"0007", 7),
        (b"0" * 30 + b"7", 7), (b"18446744073709551615", 2**64 - 1), (b"-18446744073709551615", 1),
        (b"7\0", 7), (b" 7\0x", 7), (b"-1\0", 2**64 - 1),
    ],
)  # fmt: skip
def test_cursors_are_read_as_strtoul_reads(text: bytes, cursor: int) -> None:
    assert cursor == parse_scan_cursor(text)


@pytest.mark.parametrize(
    "text", [b"", b" ", b"-", b"+", b"+-1", b"1 ", b"x", b"18446744073709551616", b"9" * 21, b"-1", b"\0", b"\0x"]
)
def test_what_strtoul_leaves_or_overflows_is_no_cursor_and_no_negative_integer(text: bytes) -> None:
    assert parse_scan_cursor(text) is None


@pytest.mark.parametrize(
    "row", GOLDEN["double_format"] + GOLDEN["double_format_not_shortest"], ids=lambda r: r["input"]
)
def test_doubles_print_as_the_reference_prints_them(row: dict[str, str]) -> None:
    (double,) = struct.unpack(">d", bytes.fromhex(row["bits"]))
    assert row["text"].encode() == format_double(double)


@given(st.floats() | st.floats(-1e6, 1e6) | st.integers(-(2**70), 2**70).map(float))
def test_what_is_printed_reads_back_as_the_same_double(double: float) -> None:
    text = format_double(double)
    if math.isnan(double):
        assert text == b"nan"
        return
    again = parse_double(text)
    assert struct.pack("d", double) == struct.pack("d", again)


@given(st.integers(-(2**62), 2**62))
def test_integral_doubles_print_all_their_digits(number: int) -> None:
    double = float(number)
    assert str(int(double)).encode() == format_double(double)


PYTHON_REFUSES = st.text("0123456789.+-eEinfty _x", max_size=24).map(str.encode)


@given(PYTHON_REFUSES | st.from_regex(rb"\A[+-]?[0-9]{0,20}\.?[0-9]{0,20}([eE][+-]?[0-9]{1,3})?\Z"))
def test_a_text_is_a_double_if_python_takes_it_and_it_is_within_range(text: bytes) -> None:
    try:
        expected = float(text)
    except ValueError:
        expected = math.nan
    if b"_" in text or b" " in text:
        expected = math.nan
    named = b"n" in text.lower()
    bound = expected
    if (math.isinf(expected) and not named) or (
        expected == 0 and any(c in b"123456789" for c in text.lower().split(b"e")[0])
    ):
        expected = math.nan
    assert struct.pack("d", expected) == struct.pack("d", parse_double(text)) or math.isnan(expected)
    assert math.isnan(expected) == math.isnan(parse_double(text))
    if text:
        assert math.isnan(bound) == math.isnan(parse_score_bound(text))


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        (b"", 0.0), (b"1e400", math.inf), (b"-1e400", -math.inf), (b"1e-400", 0.0), (b"5", 5.0),
        (b"\0", 0.0), (b"1.5\0", 1.5), (b"2\0x", 2.0), (b"1e400\0\0", math.inf),
    ],
)  # fmt: skip
def test_bounds_of_scores_are_lenient(text: bytes, bound: float) -> None:
    assert bound == parse_score_bound(text)
    assert bound == parse_score_bound(b"(" + text, 1)
