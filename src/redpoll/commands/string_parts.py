"""GETRANGE, SETRANGE, STRLEN, LCS and related commands."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, RO, RW, UPDATE, key_range, one_key
from redpoll.catalogue.spec import DENYOOM, FAST, READONLY, STRING, WRITE
from redpoll.engine.args import Args, integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import (
    LCS_LEN_AND_IDX,
    LCS_NEEDS_STRINGS,
    LCS_TOO_LARGE,
    OFFSET_OUT_OF_RANGE,
    SYNTAX,
    TOO_LONG,
    CommandError,
)
from redpoll.keyspace.events import SETRANGE
from redpoll.protocol.reply import Map
from redpoll.types.kinds import STRING_RAW
from redpoll.types.lcs import common_length, common_runs
from redpoll.types.string import String


@command(
    "strlen", arity=2, flags=READONLY | FAST, acl=STRING, keys=one_key(RO), group="string",
    arguments="key#0",
    since="2.2.0", complexity="O(1)", summary="Return the length of a string in bytes, 0 if there is none.",
)  # fmt: skip
def strlen(session: Session, args: list[bytes]) -> object:
    value = session.db.string_to_read(args[1])
    return value.length() if value is not None else 0


def part(session: Session, args: list[bytes]) -> bytes:
    """The bytes from index `args[2]` to `args[3]`, inclusive.  Negative indexes count from the end."""
    start = integer(args[2])
    last = integer(args[3])
    value = session.db.string_to_read(args[1])
    if value is None or (start < 0 and last < 0 and start > last):
        return b""
    size = value.length()
    # An index before the beginning means the first byte.
    if start < 0:
        start = max(start + size, 0)
    if last < 0:
        last = max(last + size, 0)
    stop = min(last, size - 1) + 1
    return value.part(start, stop) if start < stop else b""


@command(
    "getrange", arity=4, flags=READONLY, acl=STRING, keys=one_key(RO | ACCESS), group="string",
    arguments="key#0 start:integer end:integer",
    since="2.4.0", complexity="O(bytes of the part)", summary="Return a part of a string.",
)  # fmt: skip
def getrange(session: Session, args: list[bytes]) -> object:
    return part(session, args)


@command(
    "substr", arity=4, flags=READONLY, acl=STRING, keys=one_key(RO | ACCESS), group="string",
    arguments="key#0 start:integer end:integer",
    since="1.0.0", complexity="O(bytes of the part)", summary="Return a part of a string: the old name of GETRANGE.",
)  # fmt: skip
def substr(session: Session, args: list[bytes]) -> object:
    return part(session, args)


@command(
    "setrange", arity=4, flags=WRITE | DENYOOM, acl=STRING, keys=one_key(RW | UPDATE), group="string",
    arguments="key#0 offset:integer value",
    since="2.2.0", complexity="O(bytes written), and those of the gap before them",
    summary="Overwrite a part of a string and return its length. A short string is filled up with zeros.",
)  # fmt: skip
def setrange(session: Session, args: list[bytes]) -> object:
    offset = integer(args[2])
    if offset < 0:
        raise CommandError(OFFSET_OUT_OF_RANGE)
    key = args[1]
    more = args[3]
    value = session.db.string_to_change(key)
    assert value is not None
    if len(more) == 0:
        return value.length()
    # Not written as a sum, which may exceed 64 bits.
    if offset > session.engine.most_bulk_bytes - len(more):
        raise CommandError(TOO_LONG)
    size = value.write_at(offset, more)
    session.changed(key, value, SETRANGE, 1)
    return size


class LcsOptions:
    """The options of LCS."""

    def __init__(self, cursor: Args) -> None:
        self.length_only = False
        self.places = False
        self.with_lengths = False
        self.shortest: i64 = 0
        while cursor.left() > 0:
            word = cursor.word()
            if word == b"LEN":
                self.length_only = True
            elif word == b"IDX":
                self.places = True
            elif word == b"WITHMATCHLEN":
                self.with_lengths = True
            elif word == b"MINMATCHLEN" and cursor.left() > 0:
                self.shortest = max(cursor.integer(), 0)
            else:
                raise CommandError(SYNTAX)
        if self.length_only and self.places:
            raise CommandError(LCS_LEN_AND_IDX)


@command(
    "lcs", arity=-3, flags=READONLY, acl=STRING, keys=key_range(1, 2, 1, RO | ACCESS), group="string",
    arguments="key1#0 key2#0 [LEN] [IDX] [MINMATCHLEN min-match-len:integer] [WITHMATCHLEN]",
    since="7.0.0", complexity="O(n * m) bits for strings of n and m bytes",
    summary="Return the longest common subsequence of two strings, its length, or its positions.",
)  # fmt: skip
def lcs(session: Session, args: list[bytes]) -> object:
    one, other = both_strings(session, args[1], args[2])
    options = LcsOptions(Args(args, 3))
    # The reference refuses strings for which its table of 4-byte cells would be too large.  Our table is smaller, but
    # the limit is the same.
    if one.length() + 1 > session.engine.most_bulk_bytes // 4 // (other.length() + 1):
        raise CommandError(LCS_TOO_LARGE)
    first = one.text()
    second = other.text()
    if options.length_only:
        return common_length(first, second)
    runs = common_runs(first, second)
    if not options.places:
        return b"".join([first[run.first : run.first + run.length] for run in reversed(runs)])
    total: i64 = 0
    found: list[object] = []
    for run in runs:
        total += run.length
        if run.length < options.shortest:
            continue
        place: list[object] = [
            [run.first, run.first + run.length - 1],
            [run.second, run.second + run.length - 1],
        ]
        if options.with_lengths:
            place.append(run.length)
        found.append(place)
    return Map([b"matches", found, b"len", total])


def both_strings(session: Session, first: bytes, second: bytes) -> tuple[String, String]:
    """The strings at two keys, empty if a key is missing.  Both are looked up before WRONGTYPE is raised for either."""
    db = session.db
    strings: list[String] = []
    fits = True
    for key in (first, second):
        if not db.look(key):
            strings.append(String())
        elif db.table.kind() > STRING_RAW:
            fits = False
        else:
            strings.append(db.found_string())
    if not fits:
        raise CommandError(LCS_NEEDS_STRINGS)
    return strings[0], strings[1]
