"""The matcher in Lua beside the one in C: the same matches, captures and messages for random patterns."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from lupa.lua51 import LuaRuntime  # type: ignore[import-untyped, unused-ignore]
from tests.unit.scripting.lua_host import LuaHost

from redpoll.scripting import library_patterns, library_strings
from redpoll.scripting.libraries import PRELUDE

subjects = st.text("ab()1 x=", max_size=12)
singles = st.sampled_from(["a", "b", ".", "%a", "%d", "[ab]", "[^a]", "%w", "%s", "%(", "[%d=]", "x", "%A", "="])
pieces = st.one_of(
    st.tuples(singles, st.sampled_from(["", "", "*", "+", "-", "?"])).map("".join),
    st.sampled_from(["(", ")", "()", "%b()", "%f[%w]", "%1", "$", "^", "%", "["]),
)
patterns = st.tuples(
    st.sampled_from(["", "^"]), st.lists(pieces, max_size=6).map("".join), st.sampled_from(["", "$"])
).map("".join)
replacements = st.sampled_from(["", "x", "<%0>", "%1", "%1%0", "%2", "%%", "a%"])

RUN = rb"""
local name, s, p, extra = ...
local function show(ok, ...)
  if not ok then return 'error: ' .. tostring((...)) end
  local out = {}
  for i = 1, select('#', ...) do out[i] = type((select(i, ...))) .. ':' .. tostring((select(i, ...))) end
  return table.concat(out, '|')
end
if name == 'gmatch' then
  local out, count = {}, 0
  local ok, wrong = pcall(function()
    for a, b, c in string.gmatch(s, p) do
      count = count + 1
      out[count] = show(true, a, b, c)
    end
  end)
  return table.concat(out, ';') .. (ok and '' or tostring(wrong))
end
return show(pcall(string[name], s, p, extra))
"""


def sources() -> tuple[bytes, bytes]:
    patterns_text = library_patterns.SOURCE.replace(
        b"local function is_cheap(parsed, subject)\n",
        b"local function is_cheap(parsed, subject)\n  do return false end\n",
    )
    strings_text = library_strings.SOURCE.replace(b"#text <= 40 and parsed.choices < 3 or ", b"")
    assert patterns_text != library_patterns.SOURCE
    assert strings_text != library_strings.SOURCE
    return patterns_text, strings_text


def native() -> Any:
    return LuaRuntime(encoding=None, register_eval=False).execute(b"return (loadstring((...)))", RUN)


def ours() -> Any:
    patterns_text, strings_text = sources()
    runtime = LuaRuntime(encoding=None, register_eval=False)
    tools = runtime.execute(PRELUDE, name=b"=redpoll")
    made = runtime.execute(
        strings_text, tools, runtime.execute(patterns_text, tools, name=b"=redpoll"), name=b"=redpoll"
    )
    runtime.execute(b"for k, v in pairs((...).string) do string[k] = v end", made)
    return runtime.execute(b"return (loadstring((...)))", RUN)


NATIVE, OURS = native(), ours()


def same(name: str, subject: str, pattern: str, extra: object = None) -> None:
    arguments = (name.encode(), subject.encode(), pattern.encode(), extra)
    theirs, found = NATIVE(*arguments), OURS(*arguments)
    # A malformed pattern is refused as soon as it is read; the matcher in C has to get there.
    if found.startswith(b"error: ") and not theirs.startswith(b"error: "):
        assert b"pattern" in found or b"capture" in found
        return
    assert found == theirs


@given(subjects, patterns, st.none() | st.integers(-14, 14))
def test_find_and_match(subject: str, pattern: str, init: int | None) -> None:
    same("find", subject, pattern, init)
    same("match", subject, pattern, init)


@given(subjects, patterns)
@example("^a", "^a")
@example("aa", "a-")
def test_gmatch(subject: str, pattern: str) -> None:
    arguments = (b"gmatch", subject.encode(), pattern.encode())
    theirs, found = NATIVE(*arguments), OURS(*arguments)
    if b"pattern" not in found + theirs and b"capture" not in found + theirs:
        assert found == theirs


@given(subjects, patterns, replacements)
def test_gsub(subject: str, pattern: str, replacement: str) -> None:
    same("gsub", subject, pattern, replacement.encode())


def test_limit_of_steps() -> None:
    reply = LuaHost().eval(b"return string.find(('a'):rep(300), 'a*a*a*a*a*b')", steps=10**9)
    assert reply == {"e": "ERR user_script:1: pattern too complex script: on @user_script:1."}
