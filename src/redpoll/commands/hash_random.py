"""HRANDFIELD: random fields of a hash."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, RO, one_key
from redpoll.catalogue.spec import HASH, READONLY
from redpoll.commands.hash_replies import FIELDS, all_fields
from redpoll.engine.args import integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import COUNT_OUT_OF_RANGE, OUT_OF_RANGE, SYNTAX, CommandError
from redpoll.protocol.numbers import INT64_MAX, INT64_MIN
from redpoll.protocol.reply import ARRAY, Pairs
from redpoll.types.field_choice import different, repeated
from redpoll.types.hash import Hash

MOST_PAIRS: Final = INT64_MAX // 2


@command(
    "hrandfield", arity=-2, flags=READONLY, acl=HASH, keys=one_key(RO | ACCESS), group="hash",
    tips="nondeterministic_output",
    arguments="key#0 [(options: count:integer [WITHVALUES])]",
    since="6.2.0", complexity="O(fields told)", summary="Return random fields of a hash.",
)  # fmt: skip
def hrandfield(session: Session, args: list[bytes]) -> object:
    if len(args) == 2:
        value = session.db.hash(args[1])
        drawn = repeated(value, session.engine.random, 1) if value is not None else []
        return drawn[0] if len(drawn) > 0 else None
    count: int = integer(args[2])
    if count == INT64_MIN:
        raise CommandError(COUNT_OUT_OF_RANGE)
    with_values = len(args) == 4 and args[3].upper() == b"WITHVALUES"
    if len(args) > 3 and not with_values:
        raise CommandError(SYNTAX)
    if with_values and not -MOST_PAIRS <= count <= MOST_PAIRS:
        raise CommandError(OUT_OF_RANGE)
    value = session.db.hash(args[1])
    if value is None or count == 0:
        return []
    return drawn_fields(session, value, count, with_values)


def drawn_fields(session: Session, value: Hash, count: i64, with_values: bool) -> object:
    """`count` different fields; if `count` is negative, that many fields, possibly repeated."""
    random = session.engine.random
    if count < 0:
        rows = repeated(value, random, -count)
    else:
        live = value.live_count()
        if count < live:
            rows = different(value, random, count, live)
        elif with_values:
            rows = value.rows()
        else:
            return all_fields(value, FIELDS, ARRAY)
    found: list[object] = []
    if with_values:
        found.extend(rows)
        return Pairs(found)
    found.extend(rows[::2])
    return found
