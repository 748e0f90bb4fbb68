"""Where keys are: every form of key spec, on commands that are there and on those that are yet to come."""

from __future__ import annotations

import pytest

from redpoll.catalogue.keyspec import (
    ACCESS,
    DELETE,
    INCOMPLETE,
    INSERT,
    NOT_KEY,
    OW,
    RO,
    RW,
    UPDATE,
    KeySpec,
    UnknownKeys,
    counted_keys,
    has_keys,
    key_range,
    keys_after,
    keys_of,
    legacy_range,
    one_key,
)
from redpoll.catalogue.variable_keys import bitfield_key, set_key

READ = RO | ACCESS


def words(line: str) -> list[bytes]:
    return line.encode().split()


def found(specs: list[KeySpec], line: str) -> list[bytes] | None:
    args = words(line)
    keys = keys_of(specs, args)
    return None if keys is None else [args[key.at] for key in keys]


BITOP = one_key(OW | UPDATE, 2) + key_range(3, -1, 1, READ)
ZDIFFSTORE = one_key(OW | UPDATE) + counted_keys(2, READ)
MIGRATE = one_key(RW | ACCESS | DELETE, 3) + keys_after(b"KEYS", -2, -1, RW | ACCESS | DELETE | INCOMPLETE)
GEORADIUS = one_key(READ) + keys_after(b"STORE", 6, 0, OW | UPDATE)
XREAD = keys_after(b"STREAMS", 1, -1, READ, 2)
SORT = [*one_key(READ), UnknownKeys(READ), UnknownKeys(OW | UPDATE)]


# What the reference's COMMAND GETKEYS answers.
@pytest.mark.parametrize(
    ("specs", "line", "expected"),
    [
        (one_key(READ), "GET a", [b"a"]),
        (key_range(1, -1, 2, OW), "MSET a 1 b 2", [b"a", b"b"]),
        (key_range(1, -1, 2, OW), "MSET a 1 b", [b"a", b"b"]),
        (key_range(1, -2, 1, RW), "BZPOPMIN a b 0", [b"a", b"b"]),
        (key_range(1, -2, 1, RW), "BZPOPMIN a", None),
        (BITOP, "BITOP NOT d a b", [b"d", b"a", b"b"]),
        (counted_keys(1, READ), "ZUNION 2 a b c", [b"a", b"b"]),
        (counted_keys(1, READ), "ZUNION 0 a", None),
        (counted_keys(1, READ), "ZUNION -1 a", None),
        (counted_keys(1, READ), "ZUNION 2 a", None),
        (counted_keys(1, READ), "ZUNION x a", None),
        (counted_keys(1, READ), "ZUNION", None),
        (counted_keys(1, READ), "ZUNION 99999999999999999999 a", None),
        (counted_keys(1, OW, 2), "MSETEX 2 a 1 b 2 NX", [b"a", b"b"]),
        (counted_keys(1, OW, 2), "MSETEX 3 a 1 b 2", None),
        (ZDIFFSTORE, "ZDIFFSTORE d 2 a b", [b"d", b"a", b"b"]),
        (ZDIFFSTORE, "ZDIFFSTORE d 5 a", None),
        (XREAD, "XREAD STREAMS x y 0 0", [b"x", b"y"]),
        (XREAD, "XREAD COUNT 1 streams x 0", [b"x"]),
        (XREAD, "XREAD COUNT 1 x 0", []),
        (keys_after(b"STREAMS", 4, -1, READ, 2), "XREADGROUP GROUP STREAMS b STREAMS x 0", [b"x"]),
        (GEORADIUS, "GEORADIUS a 1 2 3 km STORE b", [b"a", b"b"]),
        (GEORADIUS, "GEORADIUS a 1 2 3 km", [b"a"]),
        (MIGRATE, "MIGRATE h 1 k 0 1 KEYS a b", [b"k", b"a", b"b"]),
        (SORT, "SORT a BY x STORE d", [b"a"]),
    ],
)
def test_keys_in_arguments(specs: list[KeySpec], line: str, expected: list[bytes] | None) -> None:
    assert found(specs, line) == expected


def test_a_channel_is_no_key() -> None:
    assert not has_keys(one_key(NOT_KEY))
    assert not has_keys([])
    assert has_keys(BITOP)
    assert found(one_key(NOT_KEY), "SPUBLISH a b") == []


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        (one_key(READ), (1, 1, 1)),
        (BITOP, (2, -1, 1)),
        (one_key(READ) + one_key(OW, 2), (1, 2, 1)),
        (ZDIFFSTORE, (1, 1, 1)),
        (MIGRATE, (3, 3, 1)),
        (counted_keys(1, READ), (0, 0, 0)),
        (key_range(1, -1, 2, OW), (1, -1, 2)),
        ([], (0, 0, 0)),
    ],
)
def test_the_range_of_old(specs: list[KeySpec], expected: tuple[int, int, int]) -> None:
    assert legacy_range(specs) == expected


@pytest.mark.parametrize(
    ("specs", "line", "access"),
    [
        (set_key(), "SET a b", OW | UPDATE),
        (set_key(), "SET a GET", OW | UPDATE),
        (set_key(), "SET a b NX get", RW | ACCESS | UPDATE),
        (bitfield_key(), "BITFIELD a", RO | ACCESS),
        (bitfield_key(), "BITFIELD a GET u8 0 OVERFLOW SAT get u8 1", RO | ACCESS),
        (bitfield_key(), "BITFIELD a GET u8", RW | ACCESS | UPDATE),
        (bitfield_key(), "BITFIELD a GET u8 0 SET u8 0 1", RW | ACCESS | UPDATE),
        (one_key(RW | INSERT), "APPEND a b", RW | INSERT),
    ],
)
def test_what_is_done_to_a_key(specs: list[KeySpec], line: str, access: int) -> None:
    keys = keys_of(specs, words(line))
    assert keys is not None
    assert [key.access for key in keys] == [access]
