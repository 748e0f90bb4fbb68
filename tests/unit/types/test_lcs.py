"""The longest common subsequence beside the classical table of its definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from redpoll.types.lcs import common_length, common_runs

words = st.one_of(st.binary(max_size=40), st.text("ab", max_size=60).map(str.encode))


def by_table(first: bytes, second: bytes) -> list[tuple[int, int, int]]:
    """Runs as (first, second, length), the last one first, by the walk that spec/values.md tells of."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, j in ((i, j) for i in range(len(first)) for j in range(len(second))):
        same = first[i] == second[j]
        table[i + 1][j + 1] = table[i][j] + 1 if same else max(table[i][j + 1], table[i + 1][j])
    runs: list[tuple[int, int, int]] = []
    i, j = len(first), len(second)
    while i > 0 and j > 0:
        if first[i - 1] == second[j - 1]:
            i, j = i - 1, j - 1
            if runs and runs[-1][:2] == (i + 1, j + 1):
                runs[-1] = (i, j, runs[-1][2] + 1)
            else:
                runs.append((i, j, 1))
        elif table[i - 1][j] > table[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return runs


@given(words, words)
def test_runs_are_those_of_the_classical_walk(first: bytes, second: bytes) -> None:
    found = [(int(run.first), int(run.second), int(run.length)) for run in common_runs(first, second)]
    assert by_table(first, second) == found


@given(words, words)
def test_length_is_that_of_the_runs(first: bytes, second: bytes) -> None:
    assert sum(length for _, _, length in by_table(first, second)) == common_length(first, second)
    assert common_length(first, second) == common_length(second, first)


def test_long_strings_of_one_byte() -> None:
    assert common_length(b"x" * 70_000, b"x" * 69_000) == 69_000
    runs = common_runs(b"x" * 3000, b"y" + b"x" * 2000)
    assert [(int(run.first), int(run.second), int(run.length)) for run in runs] == [(1000, 1, 2000)]
