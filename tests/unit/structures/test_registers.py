"""Packed registers beside a plain list, and estimates beside recorded ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import vec
from mypy_extensions import u8

from redpoll.structures.registers import (
    REGISTERS,
    empty_registers,
    estimate,
    histogram,
    histogram_of_packed,
    packed_registers,
    raise_to_packed,
)


def filled(values: dict[int, int], others: int = 0) -> vec[u8]:
    registers = empty_registers()
    for i in range(int(REGISTERS)):
        registers[i] = u8(values.get(i, others))
    return registers


@given(st.dictionaries(st.sampled_from([0, 1, 2, 3, 4, 8191, 16380, 16381, 16382, 16383]), st.integers(0, 63)))
def test_packing_keeps_every_register(values: dict[int, int]) -> None:
    registers = filled(values)
    packed = packed_registers(registers)
    assert len(packed) == 12288
    back = empty_registers()
    raise_to_packed(back, b"head" + packed, 4)
    assert [int(back[i]) for i in range(int(REGISTERS))] == [int(registers[i]) for i in range(int(REGISTERS))]
    counts = histogram_of_packed(b"head" + packed, 4)
    plain = histogram(registers)
    assert [int(counts[n]) for n in range(64)] == [int(plain[n]) for n in range(64)]


def test_registers_only_rise() -> None:
    registers = filled({5: 9})
    raise_to_packed(registers, packed_registers(filled({5: 3, 6: 4})), 0)
    assert (int(registers[5]), int(registers[6])) == (9, 4)


def test_estimates_are_the_references() -> None:
    assert estimate(histogram(filled({}))) == 0
    assert estimate(histogram(filled({0: 51}))) == 1
    assert estimate(histogram(filled({}, 1))) == 23637
    assert estimate(histogram(filled({}, 32))) == 50760319129350
    assert estimate(histogram(filled({0: 0}, 51))) == 193623433


def test_no_two_callers_share_registers() -> None:
    one = empty_registers()
    one[0] = u8(7)
    assert int(empty_registers()[0]) == 0
