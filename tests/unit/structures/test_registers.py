"""Packed registers beside a plain list, and estimates beside recorded ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import vec
from mypy_extensions import i64

from redpoll.structures.registers import (
    REGISTERS,
    empty_registers,
    estimate,
    estimate_of,
    histogram,
    packed_registers,
    raise_one,
    raise_to_packed,
    register_at,
)


def filled(values: dict[int, int], others: int = 0) -> vec[i64]:
    registers = empty_registers()
    for i in range(int(REGISTERS)):
        raise_one(registers, i, values.get(i, others))
    return registers


def listed(registers: vec[i64]) -> list[int]:
    return [int(register_at(registers, i)) for i in range(int(REGISTERS))]


places = st.sampled_from([0, 1, 2, 3, 4, 7, 8, 8191, 16376, 16380, 16381, 16382, 16383])
few = st.dictionaries(places, st.integers(0, 63))


@given(few)
def test_packing_keeps_every_register(values: dict[int, int]) -> None:
    registers = filled(values)
    packed = packed_registers(registers)
    bits = sum(value << (6 * i) for i, value in values.items())
    assert packed == bits.to_bytes(12288, "little")
    back = empty_registers()
    raise_to_packed(back, b"head" + packed, 4)
    assert listed(back) == listed(registers)


@given(few, few)
def test_registers_only_rise(held: dict[int, int], more: dict[int, int]) -> None:
    registers = filled(held)
    raise_to_packed(registers, b"head" + packed_registers(filled(more)), 4)
    assert listed(registers) == [max(held.get(i, 0), more.get(i, 0)) for i in range(int(REGISTERS))]


@given(few, st.integers(0, 40))
def test_an_estimate_is_that_of_the_histogram(values: dict[int, int], others: int) -> None:
    registers = filled(values, others)
    counts = histogram(registers)
    held = listed(registers)
    assert [int(counts[n]) for n in range(64)] == [held.count(n) for n in range(64)]
    assert estimate_of(registers) == estimate(counts)


def test_estimates_are_the_references() -> None:
    assert estimate(histogram(filled({}))) == 0
    assert estimate(histogram(filled({0: 51}))) == 1
    assert estimate(histogram(filled({}, 1))) == 23637
    assert estimate(histogram(filled({}, 32))) == 50760319129350
    assert estimate(histogram(filled({0: 0}, 51))) == 193623433


def test_no_two_callers_share_registers() -> None:
    one = empty_registers()
    one[0] = 7
    assert int(empty_registers()[0]) == 0
