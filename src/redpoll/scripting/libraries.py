"""The libraries of Lua scripts: cjson, cmsgpack, struct, bit, and safe versions of Lua's own string functions.

`install` makes them in a fresh runtime, before its globals are taken away.  All are text in Lua, loaded once under the
chunk name `=redpoll`.  No library calls Python but math.random, whose state outlives the runtime.

Errors.  A built-in of the reference puts the caller's position before its message and names itself as the caller wrote
it.  Functions in Lua do the same with `error(message, 2)` and `debug.getinfo`, as long as the caller's frame is there:
a tail call (`return cjson.encode(x)`) would remove it, but `library_loader` turns such calls into plain ones.
"""

from __future__ import annotations

from typing import Final, Protocol

from redpoll.scripting import (
    library_bit,
    library_cjson,
    library_cmsgpack,
    library_loader,
    library_patterns,
    library_random,
    library_strings,
    library_struct,
)
from redpoll.scripting.library_random import ScriptRandom

CHUNK_NAME: Final = b"=redpoll"


class LuaRuntime(Protocol):
    """What is used of lupa's LuaRuntime."""

    def execute(self, lua_code: bytes, *args: object, name: bytes | None = None) -> object: ...


# Helpers that every library gets.  Levels count from the function of the library: `bad_argument` must be called by it
# directly, or with one more for each Lua function between.
PRELUDE: Final = rb"""
local getinfo, newproxy, getmetatable, setmetatable = debug.getinfo, newproxy, getmetatable, setmetatable
local error, type, select, tonumber = error, type, select, tonumber
local tools = {}

-- Raise `bad argument #index to 'name' (what)` at the caller, with the name that the caller used.
local function bad_argument(index, what, deeper)
  local level = 2 + (deeper or 0)
  local info = getinfo(level, 'n')
  local name = info and info.name or '?'
  if info and info.namewhat == 'method' then
    index = index - 1
    if index == 0 then error("calling '" .. name .. "' on bad self (" .. what .. ')', level + 1) end
  end
  error('bad argument #' .. index .. " to '" .. name .. "' (" .. what .. ')', level + 1)
end
tools.bad_argument = bad_argument

-- `number expected, got nil`
local function argument_text(wanted, present, value)
  return wanted .. ' expected, got ' .. (present and type(value) or 'no value')
end
tools.argument_text = argument_text

-- The argument at `index` of those given, as a number; called by the function of the library with all of its arguments.
function tools.check_number(index, ...)
  local value = select(index, ...)
  if type(value) == 'number' then return value end
  local number = type(value) == 'string' and tonumber(value)
  if number then return number end
  bad_argument(index, argument_text('number', select('#', ...) >= index, value), 1)
end

-- The same as a string; a number is taken as its text.
function tools.check_string(index, ...)
  local value = select(index, ...)
  if type(value) == 'string' then return value end
  if type(value) == 'number' then return value .. '' end
  bad_argument(index, argument_text('string', select('#', ...) >= index, value), 1)
end

-- cjson.null: a userdata that shows itself as the reference's null pointer does.
tools.null = newproxy(true)
local metatable = getmetatable(tools.null)
metatable.__tostring = function() return 'userdata: (nil)' end
metatable.__metatable = false

tools.getinfo = getinfo

-- Functions that empty what an instance of a library keeps between calls.  Each has a weak key: another function of the
-- instance.  A call that ended with an error can have kept so much that the next script has no room.
tools.releases = setmetatable({}, {__mode = 'k'})

-- Doubles and singles as bytes, most significant first.
local floor, ldexp, frexp, huge = math.floor, math.ldexp, math.frexp, math.huge
local find, tostring = string.find, tostring

-- Split a positive finite number for a format with `bits` of fraction and this bias: biased exponent and fraction.
local function split(number, bits, bias)
  local mantissa, exponent = frexp(number)
  exponent = exponent - 1 + bias
  local scaled
  if exponent <= 0 then
    exponent = 0
    scaled = ldexp(number, bits + bias - 1)
  else
    scaled = (mantissa * 2 - 1) * 2 ^ bits
  end
  local whole = floor(scaled)
  local rest = scaled - whole
  if rest > 0.5 or rest == 0.5 and whole % 2 == 1 then whole = whole + 1 end
  if whole >= 2 ^ bits then exponent, whole = exponent + 1, 0 end
  return exponent, whole
end

-- Not a number with its sign bit clear, and set (which 0 / 0 leaves depends on the machine).
local positive_nan, negative_nan = 0 / 0, -(0 / 0)
if find(tostring(positive_nan), '-', 1, true) then positive_nan, negative_nan = negative_nan, positive_nan end

local function sign_of(number)
  if number ~= number then return find(tostring(number), '-', 1, true) and 128 or 0 end
  return (number < 0 or number == 0 and 1 / number < 0) and 128 or 0
end

function tools.single_bytes(number)
  local sign = sign_of(number)
  if number ~= number then return sign + 127, 192, 0, 0 end
  if number < 0 then number = -number end
  local exponent, fraction = 255, 0
  if number == 0 then exponent = 0
  elseif number < huge then exponent, fraction = split(number, 23, 127) end
  if exponent > 255 then exponent, fraction = 255, 0 end
  return sign + floor(exponent / 2), exponent % 2 * 128 + floor(fraction / 65536), floor(fraction / 256) % 256,
  fraction % 256
end

function tools.double_bytes(number)
  local sign = sign_of(number)
  if number ~= number then return sign + 127, 248, 0, 0, 0, 0, 0, 0 end
  if number < 0 then number = -number end
  local exponent, fraction = 2047, 0
  if number == 0 then exponent = 0
  elseif number < huge then exponent, fraction = split(number, 52, 1023) end
  local low = fraction % 4294967296
  local high = (fraction - low) / 4294967296
  return sign + floor(exponent / 16), exponent % 16 * 16 + floor(high / 65536), floor(high / 256) % 256, high % 256,
    floor(low / 16777216), floor(low / 65536) % 256, floor(low / 256) % 256, low % 256
end

local function join(sign, exponent, fraction, bits, bias, most)
  local number
  if exponent == most and fraction ~= 0 then return sign and negative_nan or positive_nan end
  if exponent == most then number = huge
  elseif exponent == 0 then number = ldexp(fraction, 1 - bias - bits)
  else number = ldexp(fraction / 2 ^ bits + 1, exponent - bias) end
  if sign then return -number end
  return number
end

function tools.single_from(a, b, c, d)
  return join(a >= 128, a % 128 * 2 + floor(b / 128), b % 128 * 65536 + c * 256 + d, 23, 127, 255)
end

function tools.double_from(a, b, c, d, e, f, g, h)
  local fraction = ((b % 16 * 256 + c) * 256 + d) * 4294967296 + ((e * 256 + f) * 256 + g) * 256 + h
  return join(a >= 128, a % 128 * 16 + floor(b / 16), fraction, 52, 1023, 2047)
end

return tools
"""

INSTALL: Final = rb"""
local tools, cjson, cmsgpack, struct, bit, random, strings, loader = ...
_G.releases = tools.releases
_G.cjson, _G.cmsgpack, _G.struct, _G.bit = cjson, cmsgpack, struct, bit
math.random, math.randomseed = random.random, random.randomseed
for name, replacement in pairs(strings.string) do string[name] = replacement end
for name, replacement in pairs(strings.table) do table[name] = replacement end
unpack, loadstring, load = strings.unpack, loader.loadstring, loader.load
os = {clock = os.clock}
"""


def install(runtime: LuaRuntime, random: ScriptRandom) -> None:
    """Make the globals cjson, cmsgpack, struct and bit, and replace Lua's own functions by the safe ones.

    Replaced: math.random and randomseed, unpack, loadstring, load, and the functions of string and table that
    `library_strings` lists; os keeps its clock.  Scripts must be compiled with the new loadstring.  The stock `debug`,
    `newproxy`, `string`, `table` and `math` must still be there.  A further environment takes `cjson.new()`, which has
    its own settings, and shares the rest.
    """

    def run(source: bytes, *args: object) -> object:
        return runtime.execute(source, *args, name=CHUNK_NAME)

    tools = run(PRELUDE)
    generator = run(library_random.SOURCE, tools, random.draw, random.seed)
    run(
        INSTALL,
        tools,
        run(library_cjson.SOURCE, tools),
        run(library_cmsgpack.SOURCE, tools),
        run(library_struct.SOURCE, tools),
        run(library_bit.SOURCE, tools),
        generator,
        run(library_strings.SOURCE, tools, run(library_patterns.SOURCE, tools)),
        run(library_loader.SOURCE, tools),
    )
