"""The generator behind math.random: 48 bits, linear congruential, the same sequence as the reference's.

One generator serves scripts and functions for the whole life of the process; SCRIPT FLUSH does not reset it.  The Lua
side
draws 31 bits at a time and makes the ranges.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

_MASK: Final = (1 << 48) - 1
_FACTOR: Final = 0x5DEECE66D
_START: Final = 0x1234ABCD330E


class ScriptRandom:
    """The state, 48 bits."""

    def __init__(self) -> None:
        self.state: i64 = _START

    def draw(self) -> int:
        """Advance and return the upper 31 bits."""
        # The product needs 83 bits: the factor's 11 upper bits are multiplied apart.
        state = self.state
        low: i64 = (state & 0xFFFFFF) * _FACTOR
        high: i64 = ((state >> 24) * _FACTOR) & 0xFFFFFF
        state = (low + (high << 24) + 0xB) & _MASK
        self.state = state
        return state >> 17

    def seed(self, low: int) -> None:
        """Start anew from `low`, 0 to 2^32 - 1."""
        self.state = (low << 16) | 0x330E


SOURCE: Final = rb"""
local tools, draw, seed = ...
draw, seed = python.as_function(draw), python.as_function(seed)
local check_number, bad_argument = tools.check_number, tools.bad_argument
local select, floor, huge, error = select, math.floor, math.huge, error

local GREATEST = 2147483647
local WORD = 4294967296

-- A number truncated to the signed 32-bit integer that C's conversion by way of 64 bits leaves; 0 where that is
-- undefined.
local function integer(number)
  if number ~= number or number >= 2 ^ 63 or number < -2 ^ 63 then return 0 end
  number = (number < 0 and -floor(-number) or floor(number)) % WORD
  if number >= 2147483648 then return number - WORD end
  return number
end

-- A difference or sum of 32-bit integers wraps.
local function wrap(number)
  number = number % WORD
  if number >= 2147483648 then return number - WORD end
  return number
end

local function random(...)
  local fraction = draw() % GREATEST / GREATEST   -- also if the arguments are wrong
  local count, low = select('#', ...), 1
  if count == 0 then return fraction end
  local high
  if count == 1 then
    high = integer(check_number(1, ...))
    if low > high then bad_argument(1, 'interval is empty') end
  elseif count == 2 then
    low, high = integer(check_number(1, ...)), integer(check_number(2, ...))
    if low > high then bad_argument(2, 'interval is empty') end
  else error('wrong number of arguments', 2) end
  return floor(fraction * wrap(high - low + 1)) + low
end

local function randomseed(...)
  local number = check_number(1, ...)
  seed(integer(number) % WORD)
end

return {random = random, randomseed = randomseed}
"""
