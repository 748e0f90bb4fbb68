"""Payloads of DUMP and RESTORE: a type, a value, the version of the format, a checksum.

Source: spec/dump.md, section 1.

    type byte, value, version (2 bytes, the low one first), CRC64 (8 bytes)
"""

from __future__ import annotations

from typing import Final

from librt.strings import read_i64_le, write_i16_le, write_i64_le
from mypy_extensions import i16, i64

from redpoll.persistence import codes
from redpoll.persistence.crc64 import crc64
from redpoll.persistence.packed_forms import word16
from redpoll.persistence.sink import Sink
from redpoll.persistence.value_writer import ValueWriter
from redpoll.structures.segment import Outside

FOOTER_BYTES: Final[i64] = 10


def dumped(kind: i64, packed: bytes, outside: Outside | None, version: i64, compress: bool) -> bytes:
    """The payload of a record's value.  Raises UnwritableError."""
    sink = Sink(compress)
    writer = ValueWriter(sink, version)
    sink.byte(writer.type_of(kind))
    writer.write(kind, packed, outside)
    out = sink.out
    write_i16_le(out, i16(version))
    body = out.getvalue()
    write_i64_le(out, crc64(0, body, 0, len(body)))
    return out.getvalue()


def version_of(payload: bytes, relaxed: bool, summed: bool) -> i64:
    """The version of a payload; 0 if the version or the checksum (checked if `summed`) is not acceptable."""
    size: i64 = len(payload)
    if size < FOOTER_BYTES:
        return 0
    version = word16(payload, size - FOOTER_BYTES)
    if not is_readable(version, relaxed):
        return 0
    if summed and crc64(0, payload, 0, size - 8) != read_i64_le(payload, size - 8):
        return 0
    return version


def is_readable(version: i64, relaxed: bool) -> bool:
    """Whether payloads of this version are accepted."""
    if relaxed:
        return version >= 1
    return 1 <= version <= codes.REDIS_11 or version == codes.VALKEY_80
