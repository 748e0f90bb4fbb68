"""The Lua library bit: operations on 32-bit integers, as text in Lua.

Lua 5.1 has no bitwise operators.  A table of all pairs of six bits answers AND in six look-ups; OR and XOR follow
from it.
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = rb"""
local tools = ...
local check_number = tools.check_number
local type, select, floor, frexp, format = type, select, math.floor, math.frexp, string.format
local sub, upper, abs, huge = string.sub, string.upper, math.abs, math.huge

local WORD = 4294967296
local ROUNDER = 6755399441055744  -- 1.5 * 2^52: adding it leaves the integer part in the low bits of the double

-- AND of every pair of six bits at [a * 64 + b].
local PAIRS = {}
for a = 0, 63 do
  for b = 0, 63 do
    local result, bit, x, y = 0, 1, a, b
    for _ = 1, 6 do
      if x % 2 == 1 and y % 2 == 1 then result = result + bit end
      x, y, bit = (x - x % 2) / 2, (y - y % 2) / 2, bit * 2
    end
    PAIRS[a * 64 + b] = result
  end
end

-- A number as an unsigned 32-bit integer: rounded half to even, modulo 2^32; beyond 2^51 whatever the low bits of the
-- double with ROUNDER added are.
local function unsigned(number)
  if number > -2251799813685248 and number < 2251799813685248 then
    return ((number + ROUNDER) - ROUNDER) % WORD
  end
  if number ~= number or number == huge or number == -huge then return 0 end
  local mantissa = frexp(abs(number + ROUNDER))
  return (mantissa * 9007199254740992) % WORD
end

local function signed(number)
  if number >= 2147483648 then return number - WORD end
  return number
end

local function both(a, b)
  local result, scale = 0, 1
  for _ = 1, 6 do
    local low, other = a % 64, b % 64
    result = result + PAIRS[low * 64 + other] * scale
    a, b, scale = (a - low) / 64, (b - other) / 64, scale * 64
  end
  return result
end

local bit = {}

function bit.tobit(...)
  local a = ...
  if type(a) ~= 'number' then a = check_number(1, ...) end
  return signed(unsigned(a))
end

function bit.bnot(...)
  local a = ...
  if type(a) ~= 'number' then a = check_number(1, ...) end
  return signed(WORD - 1 - unsigned(a))
end

-- The last argument that is no number is named, as in the reference, unless it is the first.
function bit.band(...)
  local a, b = ...
  if type(a) ~= 'number' then a = check_number(1, ...) end
  a = unsigned(a)
  local count = select('#', ...)
  if count == 2 and type(b) == 'number' then return signed(both(a, unsigned(b))) end
  for index = count, 2, -1 do a = both(a, unsigned(check_number(index, ...))) end
  return signed(a)
end

function bit.bor(...)
  local a = check_number(1, ...)
  a = unsigned(a)
  for index = select('#', ...), 2, -1 do
    local b = unsigned(check_number(index, ...))
    a = a + b - both(a, b)
  end
  return signed(a)
end

function bit.bxor(...)
  local a = check_number(1, ...)
  a = unsigned(a)
  for index = select('#', ...), 2, -1 do
    local b = unsigned(check_number(index, ...))
    a = a + b - 2 * both(a, b)
  end
  return signed(a)
end

function bit.lshift(...)
  local a, count = unsigned(check_number(1, ...)), unsigned(check_number(2, ...)) % 32
  return signed(a * 2 ^ count % WORD)
end

function bit.rshift(...)
  local a, count = unsigned(check_number(1, ...)), unsigned(check_number(2, ...)) % 32
  return signed(floor(a / 2 ^ count))
end

function bit.arshift(...)
  local a, count = unsigned(check_number(1, ...)), unsigned(check_number(2, ...)) % 32
  return floor(signed(a) / 2 ^ count)
end

local function rotate(a, count)
  local low = a % 2 ^ (32 - count)
  return signed(low * 2 ^ count + (a - low) / 2 ^ (32 - count))
end

function bit.rol(...)
  local a, count = unsigned(check_number(1, ...)), unsigned(check_number(2, ...)) % 32
  return rotate(a, count)
end

function bit.ror(...)
  local a, count = unsigned(check_number(1, ...)), unsigned(check_number(2, ...)) % 32
  return rotate(a, (32 - count) % 32)
end

function bit.bswap(...)
  local a = unsigned(check_number(1, ...))
  local first = a % 256
  a = (a - first) / 256
  local second = a % 256
  a = (a - second) / 256
  local third = a % 256
  return signed(first * 16777216 + second * 65536 + third * 256 + (a - third) / 256)
end

function bit.tohex(...)
  local a, count = unsigned(check_number(1, ...)), 8
  local _, digits = ...
  if digits ~= nil or select('#', ...) > 1 then count = signed(unsigned(check_number(2, ...))) end
  local text = format('%08x', a)
  if count < 0 then
    count = -count
    text = upper(text)
  end
  if count >= 8 then return text end
  return sub(text, 9 - count)
end

return bit
"""
