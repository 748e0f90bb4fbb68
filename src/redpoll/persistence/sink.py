"""The bytes of a snapshot on their way to a file or into a payload: numbers, lengths and strings.

The sink collects bytes in pieces, and computes the checksum when a piece leaves.  Source: spec/rdb.md, sections 3 and
4.
"""

from __future__ import annotations

from typing import Final

from librt.strings import (
    BytesWriter,
    write_f64_le,
    write_i16_le,
    write_i32_be,
    write_i32_le,
    write_i64_be,
    write_i64_le,
)
from mypy_extensions import i16, i32, i64, mypyc_attr, u8

from redpoll.env.files import Appender
from redpoll.persistence.crc64 import crc64
from redpoll.persistence.lzf import Compressor
from redpoll.protocol.numbers import is_int, to_int

PIECE: Final[i64] = 1 << 18
SYNC_EVERY: Final[i64] = 4 << 20
"""With `rdb-save-incremental-fsync`, the file is synced after this many bytes."""

LONGEST_NUMBER: Final[i64] = 11
COMPRESSED_FROM: Final[i64] = 21
"""Strings of more than 20 bytes are compressed if that saves space."""


@mypyc_attr(acyclic=True)
class Sink:
    """See the module's docstring.  Without an appender, all bytes stay in `out`."""

    def __init__(self, compress: bool, appender: Appender | None = None, incremental_sync: bool = False) -> None:
        self.out: Final = BytesWriter()
        self.appender: Appender | None = appender
        self.compressor: Compressor | None = Compressor() if compress else None
        self.incremental_sync = incremental_sync
        self.summing = True
        self.sum: i64 = 0
        self.written: i64 = 0
        """Bytes that were passed to the appender ..."""
        self.synced: i64 = 0
        """... and that were synced."""

    def drain_piece(self) -> None:
        """Pass a complete piece to the appender, if there is one.  Raises OSError."""
        if len(self.out) >= PIECE and self.appender is not None:
            self.flush()

    def flush(self) -> None:
        """Pass all bytes to the appender."""
        appender = self.appender
        assert appender is not None
        piece = self.out.getvalue()
        size: i64 = len(piece)
        if self.summing:
            self.sum = crc64(self.sum, piece, 0, size)
        appender.write(piece)
        self.out.truncate(0)
        self.written += size
        if self.incremental_sync and self.written - self.synced >= SYNC_EVERY:
            appender.sync()
            self.synced = self.written

    # Items.

    def byte(self, byte: i64) -> None:
        self.out.append(u8(byte))

    def raw(self, data: bytes) -> None:
        """Write bytes unchanged."""
        self.out.write(data)

    def word(self, number: i64) -> None:
        """8 bytes, the low ones first."""
        write_i64_le(self.out, number)

    def word_be(self, number: i64) -> None:
        """8 bytes, the high ones first."""
        write_i64_be(self.out, number)

    def double(self, number: float) -> None:
        write_f64_le(self.out, number)

    def number(self, number: i64) -> None:
        """A length in its shortest form.  A negative length is an unsigned word of 64 bits."""
        out = self.out
        if number < 0 or number > 0xFFFFFFFF:
            out.append(0x81)
            write_i64_be(out, number)
        elif number < 64:
            out.append(u8(number))
        elif number < 16384:
            out.append(u8(number >> 8 | 64))
            out.append(u8(number & 255))
        else:
            out.append(0x80)
            # As a signed number of 32 bits, which has the same bytes.
            write_i32_be(out, i32(number - ((number & 0x80000000) << 1)))

    def text(self, text: bytes) -> None:
        """A string; as a number or compressed if possible."""
        size: i64 = len(text)
        if size <= LONGEST_NUMBER and is_int(text):
            number = to_int(text)
            if -2147483648 <= number <= 2147483647:
                self._digits(number)
                return
        if size >= COMPRESSED_FROM:
            compressor = self.compressor
            if compressor is not None:
                packed = compressor.compressed(text)
                if packed is not None:
                    self.compressed_head(len(packed), size)
                    self.out.write(packed)
                    return
        self.number(size)
        self.out.write(text)

    def compressed_head(self, packed: i64, size: i64) -> None:
        """Write what comes before `packed` bytes that are a string of `size` bytes, compressed."""
        self.out.append(0xC3)
        self.number(packed)
        self.number(size)

    def _digits(self, number: i64) -> None:
        out = self.out
        if -128 <= number <= 127:
            out.append(0xC0)
            out.append(u8(number & 255))
        elif -32768 <= number <= 32767:
            out.append(0xC1)
            write_i16_le(out, i16(number))
        else:
            out.append(0xC2)
            write_i32_le(out, i32(number))
