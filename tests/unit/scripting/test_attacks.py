"""Scripts that crash, stick or fill stock Lua end in a script error or a harmless reply; the process lives on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
MEMORY = 48 << 20
STEPS = 300

TOO_COMPLEX = "pattern too complex|Too many steps"
NO_MEMORY = "not enough memory"
LOOP = "Too many steps"

# name -> script, what the reply must look like
ATTACKS: dict[str, tuple[str, str]] = {
    # patterns: deep recursion in C
    "a? a million times": ("return string.find(('a'):rep(1e6), ('a?'):rep(1e6))", TOO_COMPLEX),
    "a- a million times": ("return string.match(('a'):rep(1e6), ('a-'):rep(1e6))", TOO_COMPLEX),
    "captures without end": ("return string.find('x', ('('):rep(1e6))", "too many captures"),
    "gsub of many items": ("return string.gsub(('a'):rep(1e5), ('a*'):rep(1e5), '')", TOO_COMPLEX),
    # patterns: time
    "two to the thirtieth": ("return string.find(('a'):rep(60), ('a?'):rep(60) .. ('a'):rep(60) .. 'b')", TOO_COMPLEX),
    "polynomial find": ("return string.find(('a'):rep(5000), 'a*a*a*a*a*b')", TOO_COMPLEX),
    "polynomial match": ("return string.match(('a'):rep(1e5), '.-.-.-.-b')", TOO_COMPLEX),
    "polynomial gsub": ("return string.gsub(('a'):rep(1e4), '.-.-.-.-b', 'x')", TOO_COMPLEX),
    "polynomial gmatch": ("for w in string.gmatch(('a'):rep(1e4), 'a*a*a*a*b') do end", TOO_COMPLEX),
    "starts times run": ("return string.find(('a'):rep(1e6), 'a+b')", TOO_COMPLEX),
    "balance from every start": ("return string.find(('('):rep(1e6), '%b()')", TOO_COMPLEX),
    "back references": ("return string.find(('a'):rep(1e5), '(.*)(.*)%1%2b')", TOO_COMPLEX),
    "long plain needle": ("return string.find(('a'):rep(1e6), ('a'):rep(3e5) .. 'b', 1, true)", f"null|{LOOP}"),
    "long needle of gsub": ("return (string.gsub(('a'):rep(1e6), ('a'):rep(3e5) .. 'b', ''))", TOO_COMPLEX),
    # memory
    "rep of a gigabyte": ("return #string.rep('x', 2^30)", NO_MEMORY),
    "rep of nothing": ("return #string.rep('', 2^31-1)", "^0$"),
    "rep of rep": ("local s = 'x' while true do s = s:rep(1000) end", NO_MEMORY),
    "doubling": ("local s = 'x' while true do s = s .. s end", NO_MEMORY),
    "endless table": ("local t = {} while true do t[#t+1] = {} end", NO_MEMORY),
    "gsub that grows": ("return #string.gsub(('a'):rep(1e6), 'a', ('b'):rep(1e6))", NO_MEMORY),
    "concat of much": ("local t = {} for i = 1, 1000 do t[i] = ('x'):rep(1e6) end return #table.concat(t)", "."),
    "concat of one long string often": (
        "local t, s = {}, ('x'):rep(1e6) for i = 1, 1000 do t[i] = s end return #table.concat(t)",
        NO_MEMORY,
    ),
    "concat over a wide range": ("return table.concat({}, ',', 1, 2^31 - 1)", "invalid value"),
    "format of long strings": (
        "local s = ('x'):rep(1e7) return #string.format('%s%s%s%s%s%s', s, s, s, s, s, s)",
        NO_MEMORY,
    ),
    "format with a wide field": ("return string.format('%999999999d', 1)", "invalid format"),
    "sparse array in JSON": (
        "cjson.encode_sparse_array(false, 0) return #cjson.encode({[2^31-1] = 1})",
        f"{NO_MEMORY}|{LOOP}",
    ),
    "deep JSON": ("cjson.decode_max_depth(2^31-1) return cjson.decode(('['):rep(1e6))", "Found too many nested"),
    "JSON of itself": (
        "cjson.encode_max_depth(2^31-1) local t = {} t[1] = t return cjson.encode(t)",
        "excessive nesting",
    ),
    "deep MessagePack": ("return cmsgpack.unpack(('\\145'):rep(1e6))", "stack overflow"),
    "long MessagePack array": ("return cmsgpack.unpack('\\221\\255\\255\\255\\255')", "Missing bytes"),
    "long MessagePack map": ("return cmsgpack.unpack('\\223\\255\\255\\255\\255')", "Missing bytes"),
    "many MessagePack values": ("return cmsgpack.unpack(('\\1'):rep(1e5))", "too many results"),
    "MessagePack of itself": ("local t = {} t[1] = t return #cmsgpack.pack(t)", "."),
    "wide MessagePack of itself": (
        "local t = {} for i = 1, 100 do t[i] = t end return #cmsgpack.pack(t)",
        f"{NO_MEMORY}|{LOOP}",
    ),
    "struct of much": ("return #struct.pack(('d'):rep(1e5), 1)", "number expected"),
    "struct size": ("return struct.size(('c2147483647'):rep(1e4))", "."),
    "struct count": ("return struct.unpack('c99999999999', '')", "integral size overflow"),
    "struct count at the edge": ("return struct.unpack('c2147483647', 'abc')", "data string too short"),
    "struct values": ("return struct.unpack(('b'):rep(1e5), ('x'):rep(1e5))", "too many results"),
    "struct offset": ("return struct.unpack('b', 'abc', 2^53)", "data string too short"),
    "struct offset that is not a number": ("return struct.unpack('b', 'abc', 0/0)", "."),
    "tohex of the least": ("return bit.tohex(1, -2147483648)", "00000001"),
    # stacks
    "unpack of an endless range": ("return unpack({}, 0, 2^31 - 1)", "too many results"),
    "unpack over the whole range": ("return unpack({}, -2^31, 2^31 - 1)", "too many results"),
    "unpack at the edge": ("return unpack({}, 2^31 - 2, 2^31 - 1)", "."),
    "unpack of not numbers": ("return unpack({}, 0/0, 1/0)", "too many results"),
    "recursion": ("local function f() return 1 + f() end return f()", "stack overflow"),
    "recursion through gsub": ("local function f(s) return (s:gsub('.', f)) end return f('a')", "C stack overflow"),
    "recursion through sort": ("local function f() table.sort({1, 2, 3}, f) end f()", "C stack overflow"),
    "recursion through pcall": ("local function f() return pcall(f) end return f()", "."),
    "recursion through coroutines": (
        "local function f() return coroutine.wrap(f)() end return f()",
        "C stack overflow",
    ),
    "recursion through metatables": (
        "local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k] end return t.x",
        "C stack overflow",
    ),
    "recursion through tostring": (
        "local t = setmetatable({}, {}) getmetatable(t).__tostring = function(t) return tostring(t) end return tostring(t)",
        "C stack overflow",
    ),
    "recursion through load": ("local function f() return load(f) end return f()", "."),
    "a metatable of itself": ("local t = {} t.__index = t setmetatable(t, t) return t.x", "loop in gettable"),
    "many parameters and dots": ("return loadstring('return function(a,b,c,d,...) end')", "^null$"),
    "many parameters and dots, message": (
        "return select(2, loadstring('\\n\\nreturn function(a,b,c,d,...) end', '@x'))",
        "x:3: function with",
    ),
    "many parameters and dots, place": (
        "return select(2, loadstring('return function(a,b,c,d,...) end'))",
        r"\[string .{2}return function\(a,b,c,d,\.\.\.\) end.{2}\]:1: function with",
    ),
    "many parameters and dots inside": (
        "local f = function() return function(a,b,c,d,e,...) return a end end return 1",
        "function with '...'",
    ),
    # compilation
    "parentheses": ("return select(2, loadstring(('('):rep(1e6)))", "too many syntax levels"),
    "braces": ("return select(2, loadstring('return ' .. ('{'):rep(1e6)))", "too many syntax levels"),
    "functions": ("return select(2, loadstring(('return function() '):rep(1e5)))", "too many syntax levels"),
    "concatenations": ("return select(2, loadstring('return ' .. ('a..'):rep(1e5) .. 'a'))", "too long|too many"),
    "a chain of and": ("return select(2, loadstring('return ' .. ('a and '):rep(6e4) .. 'a'))", "too long"),
    "a chain of elseif": (
        "return select(2, loadstring('if a then ' .. ('elseif a then '):rep(6e4) .. 'end'))",
        "too long",
    ),
    "locals": ("return select(2, loadstring(('local a '):rep(1e4)))", "200 local variables"),
    "upvalues": (
        "local t = {} for i = 1, 100 do t[i] = 'a' .. i end local n = table.concat(t, ',') return select(2, loadstring('local ' .. n .. ' return function() return ' .. n .. ' end'))",
        "upvalues",
    ),
    "constants": (
        "local t = {} for i = 1, 3e5 do t[i] = 'x' .. i end return select(2, loadstring('return ' .. table.concat(t, ',')))",
        ".",
    ),
    "a name with NUL": (
        "for i = 1, 300 do loadstring(('local s = \"q' .. i .. '\" '):rep(50), ('x'):rep(i) .. '\\0' .. i) end return 1",
        "^1$",
    ),
    # precompiled code
    "bytecode": ("return select(2, loadstring(string.dump(function() end)))", "unexpected symbol"),
    "bytecode by load": (
        "local s = string.dump(function() end) return select(2, load(function() local p = s s = nil return p end))",
        "unexpected symbol",
    ),
    "bytecode in pieces": (
        "local s, i = string.dump(function() end), 0 return select(2, load(function() i = i + 1 return s:sub(i, i) end))",
        "unexpected symbol",
    ),
    "bytecode after an empty piece": (
        "local s, i = string.dump(function() end), 0 return select(2, load(function() i = i + 1 return i > 1 and s or '' end))",
        "^null$",
    ),
    "dump of ours": ("return string.dump(cjson.encode)", "unable to dump"),
    "dump of a built-in": ("return string.dump(pcall)", "unable to dump"),
    # loops
    "endless loop": ("while true do end", LOOP),
    "endless loop in a coroutine": ("coroutine.wrap(function() while true do end end)()", LOOP),
    "endless loop in a gsub": ("return ('x'):gsub('x', function() while true do end end)", LOOP),
    "endless loop in a sort": ("table.sort({1, 2, 3}, function() while true do end end)", LOOP),
    "endless reader": ("return load(function() return ' ' end)", f"{LOOP}|{NO_MEMORY}|null"),
    "invalid order": (
        "local t = {} for i = 1, 1000 do t[i] = i % 7 end table.sort(t, function() return true end)",
        "invalid order function",
    ),
    "order of not numbers": ("local t = {} for i = 1, 1000 do t[i] = 0/0 end table.sort(t) return 1", "."),
    "insert far below": ("local t = {1} table.insert(t, -2^31, 1)", LOOP),
    "insert far above": ("local t = {1} table.insert(t, 2^31 - 1, 1) return 1", "^1$"),
    "random of everything": ("return math.random(-2^31, 2^31 - 1)", "."),
    # errors as objects
    "an error that raises an error": (
        "error(setmetatable({}, {__tostring = function() error('x') end}))",
        "unknown error",
    ),
    "an error without text": ("error(setmetatable({}, {__index = function() error('x') end}))", "unknown error"),
    "a handler that fails": ("return xpcall(function() error('a') end, function() error('b') end)", "."),
    "an error after an overflow": ("local function f() f() end pcall(f) return pcall(f)", "."),
    # ways out
    "python": ("return python", "^null$"),
    "library of files": ("return io or package or require or debug or dofile or loadfile", "^null$"),
    "commands of the system": (
        "return os.execute or os.remove or os.getenv or os.exit or os.rename or os.tmpname",
        "^null$",
    ),
    "the null": ("return tostring(getmetatable(cjson.null))", "false"),
    "attributes of the null": ("return cjson.null.__class__", "attempt to index"),
    "attributes of the generator": ("return math.random.__self__", "attempt to index"),
}


def run(scripts: list[str], memory: int = MEMORY, steps: int = STEPS) -> list[Any]:
    """The replies of a child process to these, one after the other.  Raises AssertionError if it ended."""
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join([*[path for path in sys.path if path], str(ROOT)])
    child = subprocess.run(
        [sys.executable, "-m", "tests.unit.scripting.child", str(memory), str(steps)],
        input="".join(script.encode().hex() + "\n" for script in scripts),
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
        check=False,
    )
    replies = [json.loads(line) for line in child.stdout.splitlines()]
    assert child.returncode == 0, f"ended by {child.returncode} at {scripts[len(replies)]!r}: {child.stderr[-500:]}"
    return replies


def pick(reply: Any) -> str:
    return str(reply["e"]) if isinstance(reply, dict) and "e" in reply else json.dumps(reply)


@pytest.fixture(scope="module")
def alive() -> set[str]:
    """The attacks that a single process survives, all in one go (each alone if it does not)."""
    try:
        replies = run([script for script, _ in ATTACKS.values()])
    except AssertionError:
        return set()
    assert len(replies) == len(ATTACKS)
    return {
        name
        for (name, (_, expected)), reply in zip(ATTACKS.items(), replies, strict=True)
        if re.search(expected, pick(reply))
    }


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_ends_in_a_reply(name: str, alive: set[str]) -> None:
    if name in alive:
        return
    script, expected = ATTACKS[name]
    (reply,) = run([script])
    assert re.search(expected, pick(reply))
