"""Payloads: every one of a real server comes out again, and whatever is done to one, it is read or refused."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.persistence.contents import GOLDEN

from redpoll.persistence import codes
from redpoll.persistence.crc64 import crc64
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.payload import FOOTER_BYTES, dumped, version_of
from redpoll.persistence.source import Source
from redpoll.persistence.value_reader import ValueReader
from redpoll.persistence.value_writer import UnwritableError
from redpoll.types.kinds import HASH_VOLATILE, STRING_RAW, EncodingLimits
from redpoll.types.stream import Stream
from redpoll.types.value import Value
from redpoll.types.zset import ZSet

VERSIONS = {"valkey-9.1.2": codes.VALKEY_80, "valkey-dev-rdb11": codes.REDIS_11, "redis-7.0.15": codes.REDIS_10}


def payloads(origin: str) -> list[bytes]:
    keys = json.loads((GOLDEN / origin / "dumps.json").read_text())
    return [bytes.fromhex(text) for db in keys.values() for text in db.values()]


def read(payload: bytes, version: int = codes.VALKEY_80) -> tuple[Value | None, bytes | None]:
    """What a payload holds; its checksum is not looked at."""
    reader = ValueReader(EncodingLimits())
    reader.version = version
    source = Source(payload, len(payload) - FOOTER_BYTES)
    value = reader.read(source, source.byte())
    return value, reader.text


def again(value: Value | None, text: bytes | None, version: int, compress: bool = False) -> bytes:
    if value is None:
        assert text is not None
        return dumped(STRING_RAW, text, None, version, compress)
    return dumped(value.kind, b"", value, version, compress)


def rows_of(value: Value) -> list[list[bytes]]:
    """The items, in an order that does not depend on tables."""
    rows = value.rows()
    width = int(value.row_width())
    found = [rows[n : n + width] for n in range(0, len(rows), width)]
    return found if isinstance(value, (ZSet, Stream)) or value.kind in (3, 4) else sorted(found)


@pytest.mark.parametrize("origin", VERSIONS)
@pytest.mark.parametrize("compress", [False, True])
def test_payloads_of_real_servers_come_out_again(origin: str, compress: bool) -> None:
    version = VERSIONS[origin]
    same = 0
    for payload in payloads(origin):
        assert version_of(payload, False, True) == version
        value, text = read(payload)
        made = again(value, text, version, compress)
        assert version_of(made, False, True) == version
        same += made == payload
        other, other_text = read(made)
        if value is None:
            assert other_text == text
        else:
            assert other is not None and rows_of(other) == rows_of(value)
            if isinstance(value, ZSet):
                value.check()
            if isinstance(value, Stream) and value.blocks is not None:
                value.blocks.check()
    assert same > 60


def test_a_format_of_redis_has_no_deadlines_of_fields() -> None:
    timed = next(payload for payload in payloads("valkey-9.1.2") if payload[0] == codes.HASH_TIMES)
    value, _ = read(timed)
    assert value is not None and value.kind == HASH_VOLATILE
    with pytest.raises(UnwritableError, match="Valkey 9"):
        again(value, None, codes.REDIS_11)


def test_payloads_to_come_are_read_when_asked_for() -> None:
    for payload in payloads("redis-dev-rdb12"):
        assert version_of(payload, False, True) == 0
        assert version_of(payload, True, True) == 12
        value, text = read(payload, 12)
        assert value is not None or text is not None


def test_a_payload_that_ends_anywhere_is_damaged() -> None:
    for payload in payloads("valkey-9.1.2"):
        if len(payload) < 400:
            body = payload[:-FOOTER_BYTES]
            for end in range(len(body)):
                with pytest.raises(DamagedError):
                    read(body[:end] + bytes(FOOTER_BYTES))


def test_footers() -> None:
    good = dumped(STRING_RAW, b"hello", None, codes.VALKEY_80, False)
    assert good.hex() == "000568656c6c6f5000ac5816e7fb6647fe"
    assert version_of(good, False, True) == 80
    for bad in (b"", good[:9], good[2:], good[:-1] + b"\0", good[:-8] + bytes(8)):
        assert version_of(bad, False, True) == 0
    assert version_of(good[:-8] + bytes(8), False, False) == 80
    for version in (0, 12, 79, 81, 65535):
        body = good[:-10] + version.to_bytes(2, "little")
        sealed = body + (crc64(0, body, 0, len(body)) & (1 << 64) - 1).to_bytes(8, "little")
        assert version_of(sealed, False, True) == 0
        assert version_of(sealed, True, True) == version


ALL = [payload for origin in (*VERSIONS, "redis-dev-rdb12") for payload in payloads(origin) if len(payload) < 2000]


def mutated(payload: bytes, draw: random.Random) -> bytes:
    """The value of a payload, changed in a few places."""
    data = bytearray(payload[:-FOOTER_BYTES])
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data))
        way = draw.randrange(5)
        if way == 0:
            data[at] = draw.randrange(256)
        elif way == 1:
            data[at] ^= 1 << draw.randrange(8)
        elif way == 2:
            del data[at : at + draw.randint(1, 4)]
        elif way == 3:
            data[at:at] = bytes(draw.randrange(256) for _ in range(draw.randint(1, 4)))
        else:
            data[at] = draw.choice([0, 1, 63, 64, 127, 128, 129, 192, 193, 195, 240, 254, 255])
        if not data:
            data = bytearray(b"\0")
    return bytes(data) + bytes(FOOTER_BYTES)


def fuzz(seed: int, count: int) -> int:
    """Read that many changed payloads; how many were taken.  What is read must be whole."""
    draw = random.Random(seed)
    taken = 0
    for _ in range(count):
        payload = mutated(draw.choice(ALL), draw)
        try:
            value, text = read(payload, draw.choice([80, 12, 10]))
        except DamagedError as damage:
            assert 0 <= damage.offset <= len(payload) and damage.reason
            continue
        if value is not None or text is not None:
            taken += 1
            made = again(value, text, codes.VALKEY_80)
            other, _ = read(made)
            if value is not None:
                assert other is not None and rows_of(other) == rows_of(value)
    return taken


def test_changed_payloads_are_read_or_damaged() -> None:
    assert fuzz(1, 3000) > 100


@pytest.mark.slow
def test_many_changed_payloads_are_read_or_damaged() -> None:
    for seed in range(100):
        fuzz(seed + 100, 100_000)


@given(st.binary(max_size=100))
def test_anything_at_all_is_read_or_damaged(data: bytes) -> None:
    try:
        read(data + bytes(FOOTER_BYTES))
    except DamagedError as damage:
        assert damage.reason
