"""The recorded answers of the reference: cjson, cmsgpack, struct, bit, with the libraries alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.scripting.lua_dump import late_globals
from tests.unit.scripting.lua_host import GOLDEN, LuaHost, raw_of

from redpoll.scripting import (
    libraries,
    library_bit,
    library_cjson,
    library_cmsgpack,
    library_loader,
    library_patterns,
    library_random,
    library_strings,
    library_struct,
    sandbox,
    sandbox_calls,
)

PRELUDES: dict[str, str] = json.loads((GOLDEN / "preludes.json").read_text())
ROWS = [
    (group, row)
    for group in ("bit", "cjson", "cmsgpack", "struct")
    for row in json.loads((GOLDEN / f"{group}.json").read_text())
]


@pytest.mark.parametrize("group, row", ROWS, ids=[f"{group}-{index}" for index, (group, _) in enumerate(ROWS)])
def test_row_answers_as_recorded(group: str, row: dict[str, Any]) -> None:
    script = PRELUDES[row["prelude"]].encode() if "prelude" in row else b""
    found = LuaHost().eval(script + raw_of(row["script"]), *[raw_of(word) for word in row.get("args", [])])
    assert found == row["r"]


CHUNKS = {
    "prelude": libraries.PRELUDE,
    "bit": library_bit.SOURCE,
    "cjson": library_cjson.SOURCE,
    "cmsgpack": library_cmsgpack.SOURCE,
    "loader": library_loader.SOURCE,
    "patterns": library_patterns.SOURCE,
    "random": library_random.SOURCE,
    "strings": library_strings.SOURCE,
    "struct": library_struct.SOURCE,
    "sandbox": sandbox.GLOBALS + sandbox_calls.CALLS,
}


@pytest.mark.parametrize("name", CHUNKS)
def test_functions_of_the_libraries_use_no_globals(name: str) -> None:
    """`Runtime.close` empties the real globals: a function that reads one finds nil."""
    assert late_globals(CHUNKS[name]) == set()


def test_the_walk_over_a_dump_finds_globals_in_inner_functions() -> None:
    source = (
        b"local a, b = type, 1.5 local function f() return function() x = {true, nil, 2} return a(y.z, 'w') end end"
    )
    assert late_globals(b"print(a) " + source) == {b"x", b"y"}
