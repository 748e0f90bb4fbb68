"""The longest common subsequence of two byte strings, computed one row of the table at a time.

The table L(i, j), the length for the first i bytes of one string and the first j of the other, grows by 0 or 1 from
cell to cell.  So a row is kept as one integer with a bit for each byte of the *wide* string: 0 where L grows by one
there, 1 where it does not.  From row to row that integer changes by an addition, whose carries do what the classical
loop does cell by cell; Python adds 30 bits at once.  (Crochemore, Iliopoulos, Pinzon and Reid, 2001.)

To find where the common bytes are, it stores a table of n by m bits.  For the length alone one row is enough.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr


@mypyc_attr(acyclic=True)
class Run:
    """Common bytes that lie together in both strings, from index `first` and `second` on."""

    def __init__(self, first: i64, second: i64, length: i64) -> None:
        self.first: i64 = first
        self.second: i64 = second
        self.length: i64 = length


def occurrences(wide: bytes, narrow: bytes) -> list[int]:
    """For each byte of both strings, an integer whose bit i is set if `wide[i]` is that byte; 0 for all other bytes.

    O(n * distinct bytes).
    """
    found = [0] * 256
    for byte in set(wide) & set(narrow):
        # The first byte becomes the lowest bit.
        digits = wide[::-1].translate(_ONE_FOR[byte])
        found[byte] = int(digits, 2)
    return found


_ONE_FOR: Final = [bytes([49 if other == byte else 48 for other in range(256)]) for byte in range(256)]
"""Tables that make one byte the digit 1 and all others 0."""


def common_length(first: bytes, second: bytes) -> i64:
    """How many bytes the longest common subsequence has.  O(n * m / 30) steps, O(n) memory."""
    wide, narrow = (first, second) if len(first) >= len(second) else (second, first)
    size: i64 = len(wide)
    row = after_rows(wide, narrow, None)
    return size - row.bit_count()


def after_rows(wide: bytes, narrow: bytes, kept: list[bytes] | None) -> int:
    """The last row of the table.  If `kept` is given, all rows are appended to it as bytes."""
    places = occurrences(wide, narrow)
    size: int = len(wide)
    one: int = 1
    every: int = (one << size) - 1
    row = every
    octets = (size + 7) // 8
    for byte in narrow:
        there = places[byte]
        if there != 0:
            met = row & there
            row = (row + met | row - met) & every
        if kept is not None:
            kept.append(row.to_bytes(octets, "little"))
    return row


def common_runs(first: bytes, second: bytes) -> list[Run]:
    """The runs of the longest common subsequence, the last one first.

    If there are several, the choice is the reference's: walk from the ends, take equal bytes, and otherwise skip a byte
    of `first` only if just that keeps the length (spec/values.md, "LCS").
    """
    turned = len(first) < len(second)
    wide, narrow = (second, first) if turned else (first, second)
    rows: list[bytes] = [b"\xff" * ((len(wide) + 7) // 8)]
    after_rows(wide, narrow, rows)
    runs: list[Run] = []
    run: Run | None = None
    i: i64 = len(wide)
    j: i64 = len(narrow)
    # L(i, j) and L(i, j - 1).
    here = grown(rows[j], i)
    above = grown(rows[j - 1], i) if j > 0 else 0
    while i > 0 and j > 0:
        beside = here - grows(rows[j], i - 1)
        if wide[i - 1] == narrow[j - 1]:
            here = above - grows(rows[j - 1], i - 1)
            i -= 1
            j -= 1
            above = grown(rows[j - 1], i) if j > 0 else 0
            begin, other = (j, i) if turned else (i, j)
            if run is not None and run.first == begin + 1 and run.second == other + 1:
                run.first = begin
                run.second = other
                run.length += 1
            else:
                run = Run(begin, other, 1)
                runs.append(run)
        elif (above > beside) if turned else (above >= beside):
            # Which neighbour skips a byte of `first` depends on which string is the wide one.
            j -= 1
            here = above
            above = grown(rows[j - 1], i) if j > 0 else 0
        else:
            above -= grows(rows[j - 1], i - 1)
            i -= 1
            here = beside
    return runs


def grows(row: bytes, i: i64) -> i64:
    """1 if L grows with byte `i` of the wide string, else 0."""
    return 1 - ((row[i >> 3] >> (i & 7)) & 1)


def grown(row: bytes, count: i64) -> i64:
    """How much L has grown over the first `count` bytes of the wide string: the zeros among the first bits."""
    octets = count >> 3
    zeros: i64 = (octets << 3) - int.from_bytes(row[:octets], "little").bit_count()
    i: i64 = octets << 3
    while i < count:
        zeros += grows(row, i)
        i += 1
    return zeros
