"""cjson, cmsgpack, struct, bit and math.random beside the reference, on random chunks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.differential.lua_sides import Both, same_host
from tests.differential.servers import Server


@pytest.fixture(scope="module")
def both_sides(servers: tuple[Server, Server]) -> Iterator[Both]:
    made = Both(servers[0])
    yield made
    made.wire.close()


# --------------------------------------------------------------------------------------------------------------- cjson

tokens = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"',
        '"a"',
        '"b"',
        '"k"',
        '"\\n"',
        '"\\u00e9"',
        '"\\ud83d\\ude00"',
        '"\\ud83d"',
        '"\\x"',
        '"\\u12"',
        "true",
        "false",
        "null",
        "nan",
        "inf",
        "-inf",
        "NaN",
        "Infinity",
        "infinity",
        "nul",
        "tru",
        "0",
        "1",
        "-1",
        "01",
        "-01",
        "1.5",
        "-.5",
        ".5",
        "1e5",
        "1e",
        "1e+",
        "1E-3",
        "0x10",
        "0x",
        "0x1p4",
        "-0x1F",
        "+1",
        "-",
        "+",
        "1.5abc",
        "12345678901234567890",
        "1e400",
        "1.",
        "nan(1)",
        "nan(",
        "-nan",
        "x",
        "\\",
        "'",
        "/",
    ]
) | st.sampled_from([" ", "\n", "\t", "\x0b", "\x00", "\x7f", '"a\x00b"', '"a\x01b"', '"a b"', "", "é"])
documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)
styles = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " : ")])


@given(st.lists(tokens, max_size=9).map("".join), st.booleans())
@same_host
def test_decode_of_scraps(both_sides: Both, text: str, lenient: bool) -> None:
    both_sides.check(
        b"cjson.decode_invalid_numbers(%s) return all(pcall(cjson.decode,ARGV[1]))"
        % (b"true" if lenient else b"false"),
        text.encode(),
    )


@given(documents, styles, st.booleans(), st.integers(0, 60), st.binary(max_size=1))
@same_host
def test_decode_of_documents(
    both_sides: Both, value: Any, style: tuple[str, str], ascii_only: bool, at: int, extra: bytes
) -> None:
    text = json.dumps(value, separators=style, ensure_ascii=ascii_only).encode()
    script = b"cjson.decode_invalid_numbers(true) return all(pcall(cjson.decode,ARGV[1]))"
    both_sides.check(script, text)
    both_sides.check(script, text[:at])
    both_sides.check(script, text[:at] + extra + text[at:])


# Tables with one string key at most: their order is not the same on both sides.
scalars = (
    st.integers(-(2**31), 2**31).map(str)
    | st.floats(allow_nan=False, allow_infinity=False).map(lambda number: f"{number!r}")
    | st.sampled_from(
        [
            "nil",
            "true",
            "false",
            "cjson.null",
            "1/0",
            "-1/0",
            "0/0",
            "-0.0",
            "2^53",
            "2^63",
            "1e15",
            "print",
            "'a\"\\\\/\\0\\31\\127'",
            "''",
        ]
    )
    | st.sampled_from(["math.floor", "coroutine.create(function() end)"])
)
tables = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: "{" + ",".join(items) + "}")
        | inner.map(lambda item: "{k=" + item + "}")
        | st.tuples(
            st.sampled_from(["1", "2", "3", "10", "11", "25", "0", "-1", "1.5", "true", "2^31", "1e300", "1/0"]), inner
        ).map(lambda pair: "{[" + pair[0] + "]=" + pair[1] + "}")
    ),
    max_leaves=8,
)
numbers = st.sampled_from(
    [
        "nil",
        "true",
        "false",
        "'on'",
        "'off'",
        "'null'",
        "'x'",
        "{}",
        "0",
        "1",
        "3",
        "10",
        "14",
        "15",
        "2.7",
        "-1",
        "2^31",
        "'5'",
    ]
)


@given(
    tables,
    st.integers(1, 14),
    st.sampled_from(["false", "true", "'null'"]),
    st.sampled_from(["false", "true"]),
    st.integers(0, 3),
    st.integers(0, 12),
)
@same_host
def test_encode(
    both_sides: Both, value: str, precision: int, invalid: str, convert: str, ratio: int, safe: int
) -> None:
    value = value.replace("print", "pcall")
    both_sides.check(
        f"cjson.encode_number_precision({precision}) cjson.encode_invalid_numbers({invalid}) cjson.encode_sparse_array({convert},{ratio},{safe}) "
        f"return all(pcall(cjson.encode,{value}))".encode()
    )


@given(
    st.sampled_from(
        [
            "encode_sparse_array",
            "encode_max_depth",
            "decode_max_depth",
            "encode_number_precision",
            "encode_keep_buffer",
            "encode_invalid_numbers",
            "decode_invalid_numbers",
        ]
    ),
    st.lists(numbers, max_size=4),
)
@same_host
def test_settings(both_sides: Both, name: str, values: list[str]) -> None:
    script = f"local c=cjson.new() return {{all(c.{name}({','.join(values)})),all(c.{name}())}}"
    both_sides.check(script.encode())


# ------------------------------------------------------------------------------------------------------------ cmsgpack


@given(st.lists(tables, max_size=3))
@same_host
def test_pack(both_sides: Both, values: list[str]) -> None:
    text = ",".join(values).replace("print", "pcall")
    both_sides.check(f"local ok,r=pcall(cmsgpack.pack,{text or 'nil'}) return ok and hex(r) or r".encode())
    both_sides.check(f"local ok,r=pcall(cmsgpack.pack,{text or 'nil'}) return all(pcall(cmsgpack.unpack,r))".encode())


codes = st.sampled_from(
    [
        b"\x01",
        b"\x7f",
        b"\xff",
        b"\xe0",
        b"\x80",
        b"\x81",
        b"\x90",
        b"\x91",
        b"\x92",
        b"\xa0",
        b"\xa1a",
        b"\xc0",
        b"\xc1",
        b"\xc2",
        b"\xc3",
        b"\xc4",
        b"\xca?\xc0\x00\x00",
        b"\xca\x7f\x80\x00\x00",
        b"\xcb" + bytes(8),
        b"\xcb\x7f\xf8" + bytes(6),
        b"\xcc\xff",
        b"\xcd\xff\xff",
        b"\xce\xff\xff\xff\xff",
        b"\xcf" + b"\xff" * 8,
        b"\xcf\x7f" + b"\xff" * 7,
        b"\xd0\x80",
        b"\xd1\x80\x00",
        b"\xd2\x80\x00\x00\x00",
        b"\xd3\x80" + bytes(7),
        b"\xd9\x01a",
        b"\xda\x00\x01a",
        b"\xdb\x00\x00\x00\x01a",
        b"\xdc\x00\x01",
        b"\xdd\x00\x00\x00\x01",
        b"\xde\x00\x01",
        b"\xdf\x00\x00\x00\x01",
        b"\xd4\x00\x00",
        b"\xc7\x01\x00\x00",
    ]
) | st.binary(max_size=3)


@given(st.lists(codes, max_size=6).map(b"".join), st.integers(-2, 5), st.integers(-2, 8))
@same_host
def test_unpack(both_sides: Both, data: bytes, limit: int, offset: int) -> None:
    both_sides.check(b"return all(pcall(cmsgpack.unpack,ARGV[1]))", data)
    both_sides.check(b"return all(pcall(cmsgpack.unpack_one,ARGV[1],%d))" % offset, data)
    both_sides.check(b"return all(pcall(cmsgpack.unpack_limit,ARGV[1],%d,%d))" % (limit, offset), data)


# -------------------------------------------------------------------------------------------------------------- struct

items = st.sampled_from(
    [
        ">",
        "<",
        "!",
        "!1",
        "!2",
        "!4",
        "!8",
        "!3",
        "!16",
        "b",
        "B",
        "h",
        "H",
        "l",
        "L",
        "T",
        "i",
        "i1",
        "i2",
        "i3",
        "i5",
        "i7",
        "i8",
        "I",
        "I3",
        "I4",
        "I8",
        "I16",
        "i32",
        "i33",
        "f",
        "d",
        "s",
        "c",
        "c0",
        "c3",
        "x",
        "z",
        "=",
        "!",
        "i99999999999",
    ]
) | st.just(" ")
values = st.sampled_from(
    [
        "0",
        "1",
        "-1",
        "255",
        "-129",
        "1.9",
        "-1.9",
        "2^31",
        "2^32+5",
        "2^53",
        "2^63",
        "-2^63",
        "2^64",
        "1e300",
        "0/0",
        "1/0",
        "0.1",
        "1e-45",
        "3.5e38",
        "'abc'",
        "'a'",
        "''",
        "'5'",
        "nil",
        "{}",
        "1e-310",
    ]
)


@given(st.lists(items, max_size=6).map("".join), st.lists(values, max_size=6))
@same_host
def test_struct_pack(both_sides: Both, text: str, arguments: list[str]) -> None:
    given_values = "".join("," + value for value in arguments)
    both_sides.check(f"local ok,r=pcall(struct.pack,'{text}'{given_values}) return ok and hex(r) or r".encode())
    both_sides.check(f"return struct.pack('{text}'{given_values})".encode())
    both_sides.check(f"return all(pcall(struct.size,'{text}'))".encode())


@given(st.lists(items, max_size=5).map("".join), st.binary(max_size=24), st.integers(-2, 12))
@same_host
def test_struct_unpack(both_sides: Both, text: str, data: bytes, position: int) -> None:
    both_sides.check(f"return all(pcall(struct.unpack,'{text}',ARGV[1]))".encode(), data)
    both_sides.check(f"return all(pcall(struct.unpack,'{text}',ARGV[1],{position}))".encode(), data)


# ----------------------------------------------------------------------------------------------------- bit, math.random

operands = (
    st.integers(-(2**33), 2**33).map(str)
    | st.floats(-(2.0**51), 2.0**51, allow_subnormal=False).map(repr)
    | st.sampled_from(
        [
            "2^31",
            "-2^31",
            "0.5",
            "1.5",
            "2.5",
            "-0.5",
            "2^51+1",
            "2^52+1",
            "1e300",
            "0/0",
            "1/0",
            "'7'",
            "'0x1f'",
            "'x'",
            "nil",
            "{}",
        ]
    )
)


@given(
    st.sampled_from(
        ["tobit", "tohex", "bnot", "band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror", "bswap"]
    ),
    st.lists(operands, max_size=4),
)
@same_host
def test_bit(both_sides: Both, name: str, arguments: list[str]) -> None:
    both_sides.check(f"return all(bit.{name}({','.join(arguments)}))".encode())
    both_sides.check(f"return all(pcall(bit.{name}{''.join(',' + value for value in arguments)}))".encode())


bounds = st.integers(-(2**32), 2**32).map(str) | st.sampled_from(
    ["0", "1", "6", "1.9", "-1.9", "2^31", "-2^31", "'9'", "'x'", "nil"]
)


@given(bounds, st.lists(st.lists(bounds, max_size=3), max_size=4))
@same_host
def test_random(both_sides: Both, seed: str, draws: list[list[str]]) -> None:
    calls = " ".join(f"o[#o+1]=all(pcall(math.random{''.join(',' + bound for bound in draw)}))" for draw in draws)
    both_sides.check(
        f"local o={{}} o[1]=all(pcall(math.randomseed,{seed})) math.randomseed(1) {calls} o[#o+1]=all(math.random()) return o".encode()
    )
