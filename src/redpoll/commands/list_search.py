"""LPOS: the index of an element in a list."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, RO, one_key
from redpoll.catalogue.spec import LIST, READONLY
from redpoll.engine.args import Args, integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import (
    COUNT_NEGATIVE,
    COUNT_OUT_OF_RANGE,
    MAXLEN_NEGATIVE,
    RANK_ZERO,
    SYNTAX,
    CommandError,
)
from redpoll.protocol.numbers import INT64_MIN
from redpoll.types.list import EVERY


class SearchOptions:
    """The options of LPOS.  `count` is -1 if it is not given, 0 for all."""

    def __init__(self, cursor: Args) -> None:
        self.rank: i64 = 1
        self.count: i64 = -1
        self.most: i64 = 0
        while cursor.left() > 0:
            word = cursor.word()
            if word == b"RANK" and cursor.left() > 0:
                self.rank = cursor.integer()
                if self.rank == INT64_MIN:
                    raise CommandError(COUNT_OUT_OF_RANGE)
                if self.rank == 0:
                    raise CommandError(RANK_ZERO)
            elif word == b"COUNT" and cursor.left() > 0:
                self.count = natural(cursor.next(), COUNT_NEGATIVE)
            elif word == b"MAXLEN" and cursor.left() > 0:
                self.most = natural(cursor.next(), MAXLEN_NEGATIVE)
            else:
                raise CommandError(SYNTAX)


def natural(word: bytes, complaint: bytes) -> i64:
    """Parse a number of at least 0."""
    number = integer(word, complaint)
    if number < 0:
        raise CommandError(complaint)
    return number


@command(
    "lpos", arity=-3, flags=READONLY, acl=LIST, keys=one_key(RO | ACCESS), group="list",
    arguments="key#0 element [RANK rank:integer] [COUNT num-matches:integer] [MAXLEN len:integer]",
    since="6.0.6", complexity="O(elements looked at)",
    summary="Return the index of an element in a list, or the indexes of several equal ones.",
)  # fmt: skip
def lpos(session: Session, args: list[bytes]) -> object:
    options = SearchOptions(Args(args, 3))
    value = session.db.list_(args[1])
    counted = options.count >= 0
    total: i64 = value.count() if value is not None else i64(0)
    backward = options.rank < 0
    skipped = (-options.rank if backward else options.rank) - 1
    if value is None or skipped >= total:
        return [] if counted else None

    looked = options.most if 0 < options.most < total else total
    first = total - looked if backward else 0
    wanted: i64 = 1
    if counted:
        wanted = options.count if 0 < options.count < total else total
    found = value.find(args[2], first, first + looked, min(skipped + wanted, EVERY), backward)

    if not counted:
        return found[skipped] if len(found) > skipped else None
    indexes: list[object] = []
    while skipped < len(found):
        indexes.append(found[skipped])
        skipped += 1
    return indexes
