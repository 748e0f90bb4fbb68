"""Random fields of a hash.  Each field that has not expired is equally likely."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.env.random import Random
from redpoll.structures.sampling import SPARSE, distinct
from redpoll.structures.table import Table
from redpoll.types.field_records import value_at
from redpoll.types.hash import Hash

TRIES: Final[i64] = 64
"""After this many draws of expired fields in a row, it searches for fields that have not expired."""


def repeated(value: Hash, random: Random, count: i64) -> list[bytes]:
    """`count` random fields, possibly repeated, alternating with their values; empty if all fields have expired.

    O(count); O(fields) for a small hash, or if most fields have expired.
    """
    found: list[bytes] = []
    table = value.table
    if table is not None:
        while count > 0 and _draw(value, table, random):
            found.append(table.key())
            found.append(value_at(table))
            count -= 1
    if count > 0:
        rows = value.rows()
        live: i64 = len(rows) >> 1
        while count > 0 and live > 0:
            n = random.below(live) << 1
            found.append(rows[n])
            found.append(rows[n + 1])
            count -= 1
    return found


def different(value: Hash, random: Random, count: i64, live: i64) -> list[bytes]:
    """`count` different random fields, fewer than the `live` ones, alternating with their values.

    O(count); O(fields) if the hash is small or `count` is large.
    """
    found: list[bytes] = []
    table = value.table
    if table is None or count * SPARSE > live or live * SPARSE < table.size:
        rows = value.rows()
        for n in distinct(random, count, live):
            found.append(rows[n << 1])
            found.append(rows[(n << 1) + 1])
        return found
    drawn: set[bytes] = set()
    while len(drawn) < count:
        if not _draw(value, table, random):
            continue
        field = table.key()
        if field not in drawn:
            drawn.add(field)
            found.append(field)
            found.append(value_at(table))
    return found


def _draw(value: Hash, table: Table, random: Random) -> bool:
    """Go to a random field of the table; return False if TRIES draws found only expired fields."""
    tries: i64 = 0
    while tries < TRIES and table.seek_random(random):
        if not value.is_at_past():
            return True
        tries += 1
    return False
