"""Scripts run in lupa with the libraries alone: no server, no commands.  Replies have the form of the golden files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lupa.lua51 import LuaError, LuaMemoryError, LuaRuntime  # type: ignore[import-untyped, unused-ignore]

from redpoll.scripting.libraries import install
from redpoll.scripting.library_random import ScriptRandom

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "scripting"
MEMORY = 64 << 20

# Compile a script, run it as EVAL would, and spell the first result.
HOST = rb"""
local loadstring, xpcall, type, select, getinfo, tostring = loadstring, xpcall, type, select, debug.getinfo, tostring
redis = {call = function() end}
print = function() end   -- the output of the process belongs to the test
local rawget = rawget
local sethook, error = debug.sethook, error
local budget = 0
local tick
function tick()
  budget = budget - 1
  if budget < 0 then
    sethook(tick, '', 1)   -- from now on every instruction fails: no pcall keeps the script alive
    error('Too many steps', 0)
  end
end
local create, wrap = coroutine.create, coroutine.wrap
coroutine.create = function(f) return create(function(...) sethook(tick, '', 100000) return f(...) end) end
coroutine.wrap = function(f) return wrap(function(...) sethook(tick, '', 100000) return f(...) end) end

local function place()
  local level = 3
  local info = getinfo(level, 'Sl')
  if info and info.what == 'C' then
    level = level + 1
    info = getinfo(level, 'Sl')
  end
  while info do
    local below = getinfo(level + 1, 'S')
    local ours = info.source == '=redpoll' or info.what == 'tail'
    if not ours and not (info.what == 'C' and below and below.source == '=redpoll') then break end
    level = level + 1
    info = getinfo(level, 'Sl')
  end
  return info
end

local function handler(message)
  if type(message) == 'table' then
    message = rawget(message, 'err')
    if type(message) ~= 'string' then message = 'ERR unknown error' end
  else message = 'ERR ' .. tostring(message) end
  local info = place()
  if info then message = message .. ' script: on ' .. info.source .. ':' .. info.currentline .. '.' end
  return {message}
end

local function spell(value, depth)
  local kind = type(value)
  if kind == 'string' then return {'s', value} end
  if kind == 'number' then return {'n', value} end
  if kind == 'boolean' then return value and {'n', 1} or {'z'} end
  if kind ~= 'table' then return {'z'} end
  local out = {'a'}
  for index = 1, 100000 do
    local item = value[index]
    if item == nil then break end
    out[index + 1] = spell(item)
  end
  return out
end

return function(text, steps, ...)
  local f, wrong = loadstring(text, '@user_script')
  if not f then return {'e', 'ERR Error compiling script (new function): ' .. wrong} end
  KEYS, ARGV = {}, {...}
  budget = steps
  sethook(tick, '', 100000)
  local ok, value = xpcall(f, handler)
  sethook()
  if ok then return spell(value) end
  if type(value) == 'string' then return {'e', 'ERR ' .. value} end
  return {'e', value[1]}
end
"""


class LuaHost:
    """A runtime with the libraries, limited in memory."""

    def __init__(self, memory: int = MEMORY) -> None:
        self.runtime = LuaRuntime(
            encoding=None, register_eval=False, register_builtins=False, unpack_returned_tuples=True, max_memory=memory
        )
        self.random = ScriptRandom()
        install(self.runtime, self.random)
        self._sethook = self.runtime.execute(b"return debug.sethook")
        self._run = self.runtime.execute(HOST, name=b"=redpoll")
        self.runtime.execute(
            b"python, debug, io, package, require, module, newproxy, dofile, loadfile, getfenv, setfenv = nil"
        )

    def eval(self, script: bytes, *args: bytes, steps: int = 1000) -> Any:
        """The reply of the script, in the form of the golden files.  `steps` counts 100,000 instructions each."""
        try:
            return spell(self._run(script, steps, *args))
        except LuaError as error:
            self._sethook()
            if not isinstance(error, LuaMemoryError):
                return {"e": f"ERR {error}"}
            # Calls from Python into a full runtime end the process: it is emptied first.
            self.runtime.gccollect()
            return {"e": "ERR Error running script, not enough memory"}


def text_of(raw: bytes) -> Any:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"x": raw.hex()}


def spell(value: Any) -> Any:
    kind = value[1]
    if kind == b"s":
        return text_of(value[2])
    if kind == b"n":
        number = value[2]
        if number != number or number >= 2**63 or number < -(2**63):
            return -(2**63)
        return int(number)
    if kind == b"z":
        return None
    if kind == b"e":
        return {"e": text_of(value[2].replace(b"\r", b" ").replace(b"\n", b" ").split(b"\0")[0])}
    return [spell(value[index]) for index in range(2, len(value) + 1)]


def raw_of(text: Any) -> bytes:
    """The bytes of a text of the golden files."""
    return bytes.fromhex(text["x"]) if isinstance(text, dict) else str(text).encode()
