"""Keys whose access depends on the arguments: what SET and BITFIELD do to theirs."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, OW, RO, RW, UPDATE, VARIABLE_FLAGS, KeyRange, KeySpec


class SetKey(KeyRange):
    """Overwritten; read as well if GET is among the options."""

    def access_in(self, args: list[bytes]) -> i64:
        for word in args[3:]:
            if word.upper() == b"GET":
                return RW | ACCESS | UPDATE
        return OW | UPDATE


class BitfieldKey(KeyRange):
    """Only read if all operations are GET."""

    def access_in(self, args: list[bytes]) -> i64:
        at = 2
        while at < len(args):
            word = args[at].upper()
            if word == b"GET" and at + 2 < len(args):
                at += 3
            elif word == b"OVERFLOW" and at + 1 < len(args):
                at += 2
            else:
                return RW | ACCESS | UPDATE
        return RO | ACCESS


def set_key() -> list[KeySpec]:
    """The key of SET."""
    return [SetKey(RW | ACCESS | UPDATE | VARIABLE_FLAGS, 1, 1, 1)]


def bitfield_key() -> list[KeySpec]:
    """The key of BITFIELD."""
    return [BitfieldKey(RW | ACCESS | UPDATE | VARIABLE_FLAGS, 1, 1, 1)]
