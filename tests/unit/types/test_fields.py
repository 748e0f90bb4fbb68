"""Integers of any width, against a string spelled as zeros and ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from redpoll.types.fields import FAIL, SAT, WRAP, Field
from redpoll.types.string import String

fields = st.one_of(
    st.builds(Field, st.just(True), st.integers(1, 64), st.integers(0, 100)),
    st.builds(Field, st.just(False), st.integers(1, 63), st.integers(0, 100)),
)


def lowest(field: Field) -> int:
    return -(2 ** (field.width - 1)) if field.signed else 0


def spelled(data: bytes, size: int) -> str:
    return "".join(f"{byte:08b}" for byte in data.ljust(size, b"\0"))


def holding(data: bytes) -> String:
    value = String()
    value.rewrite(data)
    return value


@given(fields, st.binary(max_size=25))
def test_reading_takes_the_bits_and_zeros_behind_the_end(field: Field, data: bytes) -> None:
    number = int(spelled(data, 30)[field.offset : field.offset + field.width], 2)
    if field.signed and number >= 2 ** (field.width - 1):
        number -= 2**field.width
    assert number == field.read(holding(data))


@given(fields, st.binary(min_size=21, max_size=25), st.data())
def test_writing_changes_no_other_bit(field: Field, data: bytes, draw: st.DataObject) -> None:
    number = draw.draw(st.integers(lowest(field), lowest(field) + 2**field.width - 1))
    value = holding(data)
    field.write(value, number)
    assert number == field.read(value)
    before, after = spelled(data, 0), spelled(value.text(), 0)
    assert len(before) == len(after)
    assert before[: field.offset] == after[: field.offset]
    assert before[field.offset + field.width :] == after[field.offset + field.width :]


@given(fields, st.integers(-(2**65), 2**65))
def test_what_overflows_wraps_or_stops_or_fails(field: Field, number: int) -> None:
    low = lowest(field)
    high = low + 2**field.width - 1
    wrapped = field.fitted(number, WRAP)
    assert wrapped is not None
    assert low <= wrapped <= high
    assert (wrapped - number) % 2**field.width == 0
    assert min(max(number, low), high) == field.fitted(number, SAT)
    assert (number if low <= number <= high else None) == field.fitted(number, FAIL)


words = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-3, 3), st.integers(-300, 300))


@given(fields, st.data(), words, st.sampled_from([WRAP, SAT, FAIL]))
def test_sums_are_fitted(field: Field, draw: st.DataObject, increment: int, overflow: int) -> None:
    old = draw.draw(st.integers(lowest(field), lowest(field) + 2**field.width - 1))
    assert field.sum(old, increment, overflow) == field.fitted(old + increment, overflow)


@given(fields, words, st.sampled_from([WRAP, SAT, FAIL]))
def test_what_fits_is_kept_and_what_does_not_is_fitted(field: Field, number: int, overflow: int) -> None:
    kept = field.kept(number, overflow)
    if lowest(field) <= number < lowest(field) + 2**field.width:
        assert kept == number
    else:
        assert kept in (field.fitted(number, overflow), field.fitted(number + 2**64, overflow))
        if not field.signed and number < 0:
            assert kept == field.fitted(number + 2**64, overflow)


@given(fields, st.integers(0, 2000), st.data())
def test_long_strings_in_both_forms(field: Field, size: int, draw: st.DataObject) -> None:
    field.offset += size * 8
    value = String()
    value.rewrite(b"\xa5" * 100)
    # Growing beyond BUFFER_FROM makes a buffer.
    value.write_at(max(field.end_byte(), 1500), b"end")
    for number in draw.draw(st.lists(st.integers(lowest(field), lowest(field) + 2**field.width - 1), max_size=3)):
        before = spelled(value.text(), 0)
        field.write(value, number)
        after = spelled(value.text(), 0)
        assert field.read(value) == number
        assert before[: field.offset] == after[: field.offset]
        assert before[field.offset + field.width :] == after[field.offset + field.width :]


def test_the_last_byte_touched() -> None:
    assert Field(False, 1, 0).end_byte() == 1
    assert Field(False, 8, 0).end_byte() == 1
    assert Field(False, 8, 1).end_byte() == 2
    assert Field(True, 64, 7).end_byte() == 9
