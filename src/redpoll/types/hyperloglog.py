"""HyperLogLog: a string that counts distinct elements within about one per cent, in at most 12 KB.

    `HYLL` | encoding: 0 dense, 1 sparse | 3 bytes | the last count, 8 bytes little-endian | registers

The highest bit of the last count marks it as out of date.  A short string is processed as bytes; a dense one is changed
in place.  Source: spec/values.md, section 1.
"""

from __future__ import annotations

from typing import Final

from librt.strings import read_i32_le, read_i64_le
from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from redpoll.structures.murmur import murmur64
from redpoll.structures.packed import LENGTH_BYTE
from redpoll.structures.registers import (
    PACKED_BYTES,
    WORDS,
    empty_histogram,
    empty_registers,
    estimate,
    estimate_of,
    packed_registers,
    raise_to_packed,
)
from redpoll.structures.sparse_registers import (
    BROKEN,
    NO_RUNS,
    RAISED,
    TOO_LARGE,
    SparseRegisters,
    add_to_histogram,
    raise_to_sparse,
)
from redpoll.types.bits import byte_at, put_byte
from redpoll.types.kinds import STRING_INT, STRING_RAW
from redpoll.types.string import String

MAGIC_WORD: Final[i64] = 0x4C4C5948
"""`HYLL`, with which a HyperLogLog begins, as a little-endian word."""
HEADER: Final[i64] = 16
DENSE_BYTES: Final[i64] = 12304
CACHE: Final[i64] = 8
STALE_AT: Final[i64] = 15
STALE: Final[i64] = 128
EMPTY: Final = b"HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80"
DENSE_HEAD: Final = b"HYLL\x00"

REGISTER_MASK: Final[i64] = 16383
REST_MASK: Final[i64] = (1 << 50) - 1
GUARD: Final[i64] = 1 << 50


INVALID: Final = b""
"""In place of the head of a string that is no HyperLogLog."""


class DamagedError(Exception):
    """The runs of a sparse HyperLogLog do not add up."""


@mypyc_attr(acyclic=True, free_list_len=1)
class HyperLogLog:
    """The HyperLogLog in a string with this `head`, or an empty one for a string that is new, where that is INVALID.

    `limit` is `hll-sparse-max-bytes`.
    """

    def __init__(self, value: String, head: bytes, limit: i64) -> None:
        self.value: Final = value
        self.limit: i64 = limit
        self.sparse: SparseRegisters | None = None
        if head == INVALID:
            self.sparse = SparseRegisters(EMPTY + NO_RUNS, HEADER)
        elif is_sparse(head):
            self.sparse = SparseRegisters(value.text(), HEADER)

    def add(self, element: bytes) -> bool:
        """Count an element; return whether a register rose.  O(1) when dense, O(runs) when sparse."""
        h = murmur64(element)
        rest = ((h >> 14) & REST_MASK) | GUARD
        run: i64 = 1
        while rest & 1 == 0:
            run += 1
            rest >>= 1
        return self.raise_register(h & REGISTER_MASK, run)

    def raise_register(self, register: i64, run: i64) -> bool:
        """Raise a register; return whether it rose.  Raises DamagedError."""
        sparse = self.sparse
        if sparse is not None:
            outcome = sparse.raise_register(register, run, self.limit)
            if outcome == BROKEN:
                raise DamagedError
            if outcome != TOO_LARGE:
                return outcome == RAISED
            self.to_dense()
        return self._raise_packed(register, run)

    def _raise_packed(self, register: i64, run: i64) -> bool:
        value = self.value
        bit = register * 6
        at = HEADER + (bit >> 3)
        shift = bit & 7
        long = value.long
        assert long is not None
        buffer = long.to_buffer()
        low: i64 = buffer[at]
        old = low >> shift
        high: i64 = 0
        if shift > 2:
            high = buffer[at + 1]
            old |= high << (8 - shift)
        if old & 63 >= run:
            return False
        mask: i64 = 63
        put_byte(value, at, ((low & ~(mask << shift)) | (run << shift)) & 255)
        if shift > 2:
            put_byte(value, at + 1, ((high & ~(mask >> (8 - shift))) | (run >> (8 - shift))) & 255)
        return True

    def to_dense(self) -> None:
        """Switch to the dense form.  Raises DamagedError.  O(registers)."""
        sparse = self.sparse
        if sparse is not None:
            registers = empty_registers()
            if not raise_to_sparse(registers, sparse.data, HEADER):
                raise DamagedError
            self.value.set_text(
                b"%b%b%b" % (DENSE_HEAD, sparse.data[5:HEADER], packed_registers(registers)), STRING_RAW
            )
            self.sparse = None
            # From now on the string changes in place.
            self.value.write_at(STALE_AT, LENGTH_BYTE[byte_at(self.value, STALE_AT)])

    def finish(self) -> None:
        """Mark the last count as out of date, after registers rose or the form changed."""
        sparse = self.sparse
        if sparse is not None:
            data = sparse.data
            self.value.set_text(
                b"%b%b%b" % (data[:STALE_AT], LENGTH_BYTE[data[STALE_AT] | STALE], data[HEADER:]), STRING_RAW
            )
        else:
            put_byte(self.value, STALE_AT, byte_at(self.value, STALE_AT) | STALE)

    def raise_all(self, registers: vec[i64]) -> None:
        """Raise every register to the one in `registers`, of which none is below it.  Raises DamagedError.

        O(registers + runs).
        """
        i: i64 = 0
        while i < WORDS and self.sparse is not None:
            word = registers[i]
            register = i << 3
            while word != 0:
                if word & 63 != 0:
                    self.raise_register(register, word & 63)
                word >>= 6
                register += 1
            i += 1
        if self.sparse is None:
            self.value.write_at(HEADER, packed_registers(registers))


def head_of(value: String) -> bytes:
    """The head of a string that has one of a HyperLogLog and, if it is dense, the length; else INVALID."""
    size = value.length()
    if size < HEADER or value.kind == STRING_INT:
        return INVALID
    head = value.head()
    if i64(read_i32_le(head, 0)) != MAGIC_WORD or not (head[4] == 1 or (head[4] == 0 and size == DENSE_BYTES)):
        return INVALID
    return head


def is_sparse(head: bytes) -> bool:
    """Whether the HyperLogLog with this head is in the sparse form."""
    return head[4] == 1


def cached_count(head: bytes) -> i64:
    """The count that was kept, -1 if it is out of date."""
    if i64(head[STALE_AT]) & STALE != 0:
        return -1
    return read_i64_le(head, CACHE)


def count_of(text: bytes) -> i64:
    """The number of distinct elements.  Raises DamagedError.  O(registers)."""
    if text[4] == 0:
        registers = empty_registers()
        raise_to_packed(registers, text, HEADER)
        return estimate_of(registers)
    counts = empty_histogram()
    if not add_to_histogram(counts, text, HEADER):
        raise DamagedError
    return estimate(counts)


def raise_to(registers: vec[i64], text: bytes) -> None:
    """Raise `registers` to those of another HyperLogLog.  Raises DamagedError.  O(registers)."""
    if text[4] == 0:
        raise_to_packed(registers, text, HEADER)
    elif not raise_to_sparse(registers, text, HEADER):
        raise DamagedError


assert DENSE_BYTES == HEADER + PACKED_BYTES
