"""HyperLogLog registers as runs: three codes that cover registers 0 to 16383 in order.

    00nnnnnn             n + 1 registers are 0          (ZERO, up to 64)
    01nnnnnn nnnnnnnn    n + 1 registers are 0          (XZERO, up to 16384)
    1vvvvvnn             n + 1 registers are v + 1      (VAL, up to 4 of up to 32)

A register that rises splits its run; neighbours of equal value are then joined where the rules of the format say so.
Clients can read these bytes, so every step is the reference's.  Source: spec/values.md, section 1.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures.packed import LENGTH_BYTE, spliced
from redpoll.structures.registers import REGISTERS, raise_one

MOST_ZEROS: Final[i64] = 64
MOST_VALUES: Final[i64] = 4
MOST_VALUE: Final[i64] = 32
JOINS: Final[i64] = 5
"""How many runs are looked at, to join them, after a change."""

NO_RUNS: Final = b"\x7f\xff"
"""All registers 0."""

UNCHANGED: Final[i64] = 0
RAISED: Final[i64] = 1
TOO_LARGE: Final[i64] = 2
"""It has to become dense."""
BROKEN: Final[i64] = 3
"""The runs end before the register."""


@mypyc_attr(acyclic=True)
class SparseRegisters:
    """The runs in `data` from `start` on, to be changed.

    Registers that are raised in ascending order are found from where the last one was; others from the start.
    """

    def __init__(self, data: bytes, start: i64) -> None:
        self.data = data
        self.start: i64 = start
        # The run two before the one that was found last, and its first register.
        self.near: i64 = start
        self.near_first: i64 = 0

    def raise_register(self, register: i64, value: i64, limit: i64) -> i64:
        """Raise a register to `value`, within `limit` bytes of `data`; one of the outcomes above.  O(runs)."""
        if value > MOST_VALUE:
            return TOO_LARGE
        data = self.data
        size: i64 = len(data)
        if register < self.near_first:
            self.near = self.start
            self.near_first = 0
        at = self.near
        first = self.near_first
        before = at
        before_first = first
        near = at
        near_first = first
        while True:
            if at >= size:
                return BROKEN
            # What `run_length` and `code_bytes` say, without the calls.
            code: i64 = data[at]
            end = at + 1
            if code & 128 != 0:
                span = (code & 3) + 1
            elif code & 64 == 0:
                span = code + 1
            elif end < size:
                span = ((code & 63) << 8 | i64(data[end])) + 1
                end += 1
            else:
                return BROKEN
            if register < first + span:
                break
            near = before
            near_first = before_first
            before = at
            before_first = first
            at = end
            first += span
        old = run_value(code)
        if old >= value:
            self.near = near
            self.near_first = near_first
            return UNCHANGED
        left = register - first
        runs = b"%b%b%b" % (run(old, left), run(value, 1), run(old, span - left - 1))
        grown: i64 = len(runs) - (end - at)
        if grown > 0 and size + grown > limit:
            return TOO_LARGE
        self.data = spliced(data, at, end, runs)
        self._join(before)
        self.near = near
        self.near_first = near_first
        return RAISED

    def _join(self, at: i64) -> None:
        """Join equal neighbours from the run at `at` on."""
        data = self.data
        looks = JOINS
        while looks > 0 and at < len(data):
            looks -= 1
            code: i64 = data[at]
            if code & 128 == 0:
                at += code_bytes(data, at)
                continue
            if at + 1 < len(data):
                following: i64 = data[at + 1]
                length: i64 = (code & 3) + (following & 3) + 2
                if following & 128 != 0 and following >> 2 == code >> 2 and length <= MOST_VALUES:
                    data = spliced(data, at, at + 2, LENGTH_BYTE[(code & 0xFC) | (length - 1)])
                    continue
            at += 1
        self.data = data


def code_bytes(data: bytes, at: i64) -> i64:
    """How many bytes the code at `at` has."""
    code: i64 = data[at]
    return 2 if code & 0xC0 == 0x40 else 1


def run_length(data: bytes, at: i64) -> i64:
    """How many registers the code at `at` covers, 0 if it is cut off."""
    code: i64 = data[at]
    if code & 128 != 0:
        return (code & 3) + 1
    if code & 64 == 0:
        return (code & 63) + 1
    if at + 1 >= len(data):
        return 0
    low: i64 = data[at + 1]
    return ((code & 63) << 8 | low) + 1


def run_value(code: i64) -> i64:
    """What the registers of a run hold, by its first byte."""
    if code & 128 == 0:
        return 0
    return ((code >> 2) & 31) + 1


def run(value: i64, length: i64) -> bytes:
    """The code of `length` registers of `value`; nothing for none."""
    if length == 0:
        return b""
    if value > 0:
        return LENGTH_BYTE[128 | (value - 1) << 2 | (length - 1)]
    if length <= MOST_ZEROS:
        return LENGTH_BYTE[length - 1]
    return b"%b%b" % (LENGTH_BYTE[64 | (length - 1) >> 8], LENGTH_BYTE[(length - 1) & 255])


def raise_to_sparse(registers: vec[i64], data: bytes, at: i64) -> bool:
    """Raise each register to that of the runs, if that is higher; False if the runs do not cover all.  O(runs)."""
    first: i64 = 0
    size: i64 = len(data)
    while at < size:
        span = run_length(data, at)
        code: i64 = data[at]
        if span == 0 or first + span > REGISTERS:
            return False
        value = run_value(code)
        if value > 0:
            i: i64 = first
            while i < first + span:
                raise_one(registers, i, value)
                i += 1
        first += span
        at += code_bytes(data, at)
    return first == REGISTERS


def add_to_histogram(counts: vec[i64], data: bytes, at: i64) -> bool:
    """Count the registers of the runs by value; False if the runs do not cover all.  O(runs)."""
    first: i64 = 0
    size: i64 = len(data)
    while at < size:
        span = run_length(data, at)
        code: i64 = data[at]
        if span == 0 or first + span > REGISTERS:
            return False
        counts[run_value(code)] += span
        first += span
        at += code_bytes(data, at)
    return first == REGISTERS


def described(data: bytes, at: i64) -> bytes:
    """The runs as PFDEBUG DECODE tells them: `z:` ZERO, `Z:` XZERO, `v:value,length`."""
    words: list[bytes] = []
    size: i64 = len(data)
    while at < size:
        code: i64 = data[at]
        span = run_length(data, at)
        if code & 128 != 0:
            words.append(b"v:%d,%d" % (run_value(code), span))
        elif code & 64 == 0:
            words.append(b"z:%d" % span)
        else:
            words.append(b"Z:%d" % span)
        at += code_bytes(data, at)
    return b" ".join(words)
