"""Sparse registers beside a plain list: what every run says, whatever order registers rise in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from redpoll.structures.registers import REGISTERS, empty_histogram, empty_registers, histogram, register_at
from redpoll.structures.sparse_registers import (
    BROKEN,
    NO_RUNS,
    RAISED,
    TOO_LARGE,
    UNCHANGED,
    SparseRegisters,
    add_to_histogram,
    described,
    raise_to_sparse,
)

places = st.one_of(st.integers(0, 40), st.integers(0, 16383), st.sampled_from([0, 63, 64, 65, 16382, 16383]))


@given(st.lists(st.tuples(places, st.integers(1, 32)), max_size=60), st.booleans())
def test_runs_say_what_was_raised(steps: list[tuple[int, int]], ascending: bool) -> None:
    sparse = SparseRegisters(b"head" + NO_RUNS, 4)
    model: dict[int, int] = {}
    for register, value in sorted(steps) if ascending else steps:
        outcome = sparse.raise_register(register, value, 1 << 20)
        assert outcome == (RAISED if value > model.get(register, 0) else UNCHANGED)
        model[register] = max(value, model.get(register, 0))
    registers = empty_registers()
    assert raise_to_sparse(registers, sparse.data, 4)
    held = [int(register_at(registers, i)) for i in range(int(REGISTERS))]
    assert {i: value for i, value in enumerate(held) if value > 0} == model
    counts = empty_histogram()
    assert add_to_histogram(counts, sparse.data, 4)
    plain = histogram(registers)
    assert [int(counts[n]) for n in range(64)] == [int(plain[n]) for n in range(64)]


def test_a_large_value_or_a_long_string_is_for_the_dense_form() -> None:
    sparse = SparseRegisters(NO_RUNS, 0)
    assert sparse.raise_register(5, 33, 100) == TOO_LARGE
    assert sparse.raise_register(5, 1, 2) == TOO_LARGE
    assert sparse.data == NO_RUNS


def test_neighbours_of_one_value_are_joined() -> None:
    sparse = SparseRegisters(NO_RUNS, 0)
    for register in (1, 0, 2, 3, 4):
        sparse.raise_register(register, 2, 100)
    assert described(sparse.data, 0) == b"v:2,4 v:2,1 Z:16379"


def test_runs_that_end_too_soon_or_go_too_far_are_told() -> None:
    for runs in (b"", b"\x3f", b"\x7f\xfe", b"\x40"):
        assert SparseRegisters(runs, 0).raise_register(16383, 1, 100) == BROKEN
        assert not raise_to_sparse(empty_registers(), runs, 0)
        assert not add_to_histogram(empty_histogram(), runs, 0)
    assert not raise_to_sparse(empty_registers(), NO_RUNS + b"\x00", 0)
