"""The recorded answers of the reference: cjson, cmsgpack, struct, bit, with the libraries alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.scripting.lua_host import GOLDEN, LuaHost, raw_of

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
