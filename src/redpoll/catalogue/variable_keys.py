"""Key specs of SET, BITFIELD, GEORADIUS and SORT, whose keys or key flags depend on other arguments."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import (
    ACCESS,
    OW,
    RO,
    RW,
    UPDATE,
    VARIABLE_FLAGS,
    KeyRange,
    KeysAfter,
    KeySpec,
    UnknownKeys,
    one_key,
)


class SetKey(KeyRange):
    """The key of SET: overwritten, and also read if GET is among the options."""

    def access_in(self, args: list[bytes]) -> i64:
        for word in args[3:]:
            if word.upper() == b"GET":
                return RW | ACCESS | UPDATE
        return OW | UPDATE


class BitfieldKey(KeyRange):
    """The key of BITFIELD: only read if all operations are GET."""

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


class SortTarget(UnknownKeys):
    """The key that SORT stores to: the one after the last STORE that is not the value of another option."""

    def positions(self, args: list[bytes]) -> list[int]:
        found: list[int] = []
        at = 2
        while at < len(args):
            word = args[at].upper()
            if word == b"LIMIT":
                at += 2
            elif word == b"GET" or word == b"BY":
                at += 1
            elif word == b"STORE" and at + 1 < len(args):
                found = [at + 1]
                at += 1
            at += 1
        return found


def sort_keys(storing: bool) -> list[KeySpec]:
    """The keys of SORT: the key to sort and the STORE destination.  BY and GET patterns may name any other keys."""
    found: list[KeySpec] = [*one_key(RO | ACCESS), UnknownKeys(RO | ACCESS)]
    if storing:
        found.append(SortTarget(OW | UPDATE))
    return found


class StoreKey(KeysAfter):
    """The key after STORE or STOREDIST; the last one counts."""

    def first_behind_word(self, args: list[bytes]) -> i64:
        at: i64 = len(args) - 2
        while at >= self.start:
            word = args[at].upper()
            if word == b"STORE" or word == b"STOREDIST":
                return at + 1 if word == self.word else i64(-1)
            at -= 1
        return -1


def geo_store_keys(start: i64) -> list[KeySpec]:
    """The keys of GEORADIUS and GEORADIUSBYMEMBER; the options begin at index `start`."""
    written = OW | UPDATE | VARIABLE_FLAGS
    stored = StoreKey(written, b"STORE", start, 0, 0)
    return [*one_key(RO | ACCESS), stored, StoreKey(written, b"STOREDIST", start, 0, 0)]


def set_key() -> list[KeySpec]:
    """The key of SET."""
    return [SetKey(RW | ACCESS | UPDATE | VARIABLE_FLAGS, 1, 1, 1)]


def bitfield_key() -> list[KeySpec]:
    """The key of BITFIELD."""
    return [BitfieldKey(RW | ACCESS | UPDATE | VARIABLE_FLAGS, 1, 1, 1)]
