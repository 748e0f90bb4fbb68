"""The encoding of effects in the append-only file: each is a command as a client sends it.  Source: spec/aof.md, 3."""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, write_i16_le
from mypy_extensions import i64

from redpoll.protocol.numbers import int_text
from redpoll.protocol.output import CRLF, DOLLAR, STAR, write_header


def write_command(out: BytesWriter, args: list[bytes]) -> None:
    """Append one command."""
    write_header(out, STAR, len(args))
    for arg in args:
        write_argument(out, arg)


def write_argument(out: BytesWriter, arg: bytes) -> None:
    """Append one argument of a command."""
    size: i64 = len(arg)
    write_header(out, DOLLAR, size)
    out.write(arg)
    write_i16_le(out, CRLF)


def write_select(out: BytesWriter, db: i64) -> None:
    """Append SELECT of a database."""
    write_command(out, [SELECT, int_text(db)])


def write_time(out: BytesWriter, now_s: i64) -> None:
    """Append an annotation with the time in seconds since 1970."""
    out.write(b"#TS:%d\r\n" % now_s)


SELECT: Final = b"SELECT"
