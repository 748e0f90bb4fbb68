"""cjson.decode of documents of shapes that it has learned, beside a fresh `cjson.new()` that has learned none."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.scripting.lua_host import GOLDEN, LuaHost

SHOW = json.loads((GOLDEN / "preludes.json").read_text())["show"].encode()
BESIDE = (
    SHOW
    + b"""
local function answer(decode, text)
  local ok, found = pcall(decode, text)
  if ok then return show(found) end
  return 'wrong: ' .. found
end
for index = 1, #ARGV do
  local found, plain = answer(cjson.decode, ARGV[index]), answer(cjson.new().decode, ARGV[index])
  if found ~= plain then return index .. ': ' .. found .. ' but ' .. plain end
end
return 'same'
"""
)
HOST = LuaHost()


def same(*documents: bytes) -> None:
    assert HOST.eval(BESIDE, *documents) == "same", documents


ORDER: dict[str, Any] = {
    "id": 1,
    "name": "tea, green",
    "price": 4.5,
    "paid": True,
    "note": None,
    "tags": ["a", "b"],
    "at": {"x": -1, "y": 2.5, "z": {"deep": [1, {"id": 7, "k": "v"}]}},
    "last": "x",
}


def test_documents_of_one_shape() -> None:
    same(*(json.dumps(ORDER | {"id": number, "last": str(number)}).encode() for number in range(40)))


@pytest.mark.parametrize(
    "odd",
    [
        {"name": 'a "quoted" word'},
        {"name": "\\"},
        {"name": "é\n\u20ac\U0001f600"},
        {"name": None},
        {"name": 7},
        {"name": ["x"]},
        {"price": 4},
        {"price": -1.5e300},
        {"price": "4.5"},
        {"paid": None},
        {"paid": 0},
        {"note": "a word"},
        {"tags": []},
        {"tags": {}},
        {"tags": None},
        {"tags": [1, None, "\t"]},
        {"at": {}},
        {"at": {"x": -1, "y": 2.5, "z": "no object"}},
        {"last": '"'},
        {"last": [[]]},
        {"more": 1},
    ],
)
def test_an_odd_one_among_documents_of_one_shape(odd: dict[str, Any]) -> None:
    for separators in [(",", ":"), (", ", ": "), (" ,\n", "\t: ")]:
        plain, other = (json.dumps(each, separators=separators).encode() for each in (ORDER, ORDER | odd))
        same(*[plain] * 3, other, plain, *[other] * 9, plain, other)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1.2.3,"b":"x"}',
        b'{"a":1.,"b":"x"}',
        b'{"a":1e5,"b":"x"}',
        b'{"a":0x10,"b":"x"}',
        b'{"a":-0,"b":"x"}',
        b'{"a":01,"b":"x"}',
        b'{"a":nan,"b":"x"}',
        b'{"a":truest,"b":"x"}',
        b'{"a":1,"b":"x"',
        b'{"a":1,"b":"x',
        b'{"a":1,"b":"x"]',
        b'{"a":1,"b":"x",}',
        b'{"a":1,"b":"x"}}',
        b'{"a":1,"b":"x"} x',
        b'{"a":1,"b":"\x00"}',
        b'{"a":1,"b":"\xff\xfe"}',
        b'{"a":1,"b":"\x01\n"}',
        b'{"a":1,"b":"\\u12"}',
        b'{"a":1,"b":"\\"}',
        b'{"a":1,"a":2}',
        b'{"a":1,"b":2,"b":3}',
        b'{"a":1,"\\u0062":"x"}',
        b'{"a":1 ,"b":"x"}',
        b'{ "a":1,"b":"x" }',
        b'{"a":1,"b":{}}',
        b'{"a":1,"b":[}',
        b'{"a":1,"b":{"c":}}',
    ],
)
def test_strange_texts_where_a_shape_is_known(text: bytes) -> None:
    plain = [b'{"a":1,"b":"x"}'] * 3
    same(*plain, text, *[text] * 10, *plain)
    nested = [b'{"z":[' + each + b'],"o":' + each + b',"t":1}' for each in (plain[0], text)]
    same(*[nested[0]] * 3, nested[1], nested[0], *[nested[1]] * 10)


leaves = st.sampled_from([0, 1, -7, 4.5, -0.25, 1e300, True, False, None, "", "a", 'b"', "\\n", "é", "x" * 70])
keys = st.sampled_from(["id", "name", "k", "é", "", 'q"', "]", "%d", "a b"])
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5))


def changed(value: Any, draw: random.Random) -> Any:
    """The same value with some of its parts exchanged."""
    if isinstance(value, dict):
        return {key: changed(item, draw) for key, item in value.items() if draw.random() < 0.95}
    if isinstance(value, list):
        return [changed(item, draw) for item in value] * draw.choice([1, 1, 1, 2])
    return draw.choice([value, value, value, 5, 2.5, "w", None, True, "\\"])


@given(st.dictionaries(keys, values, min_size=1, max_size=6), st.integers(0, 1 << 30), st.booleans())
def test_random_documents_of_similar_shapes(value: dict[str, Any], seed: int, compact: bool) -> None:
    draw = random.Random(seed)
    separators = (",", ":") if compact else (", ", ": ")
    texts = [
        json.dumps(changed(value, draw), separators=separators, ensure_ascii=draw.random() < 0.5).encode()
        for _ in range(12)
    ]
    cut = draw.randrange(1 + len(texts[-1]))
    same(*texts, texts[-1][:cut], texts[-1][:cut] + b"}" + texts[-1][cut:], *texts)


def test_more_members_and_captures_than_one_pattern_has() -> None:
    for count in (29, 30, 31, 39, 40, 41, 60, 300):
        rows = [{f"k{number}": number + more for number in range(count)} for more in (0, 1, 2, 3)]
        rows.append(rows[0] | {f"k{count - 1}": "late"})
        same(*(json.dumps(row).encode() for row in rows))


def test_many_shapes_are_forgotten() -> None:
    texts = [f'[{{"key{number}":{number},"b":[1]}},{{"key{number}":0,"b":[1]}}]'.encode() for number in range(1500)]
    same(*texts, *texts[:50], *texts[-50:])


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b"1" * 300_000 + b"x",
        b'{"a":1,"b":' + b"1" * 300_000 + b"x",
        b'{"a":1,"b":' + b"1." * 150_000 + b"x",
        b'{"a":' + b"1" * 300_000 + b'x,"b":2}',
        b'{"a":1.5,"b":"' + b"x" * 300_000,
        b'{"a":1,"b":"' + b'x","b":"' * 40_000,
    ],
)
def test_a_long_text_takes_time_in_proportion(text: bytes) -> None:
    began = time.process_time()
    same(*[b'{"a":1,"b":2}', b'{"a":1.5,"b":"x"}', b'{"a":1,"b":"x"}'] * 3, text)
    assert time.process_time() - began < 2
