"""The Lua library struct: values packed into bytes by a format, as text in Lua."""

from __future__ import annotations

from typing import Final

SOURCE: Final = rb"""
local tools = ...
local bad_argument, argument_text, check_number, check_string =
  tools.bad_argument, tools.argument_text, tools.check_number, tools.check_string
local single_bytes, double_bytes, single_from, double_from =
  tools.single_bytes, tools.double_bytes, tools.single_from, tools.double_from
local char, byte, sub, find, rep, reverse = string.char, string.byte, string.sub, string.find, string.rep,
  string.reverse
local concat, floor, unpack, frexp = table.concat, math.floor, unpack, math.frexp
local type, tonumber, select, error = type, tonumber, select, error

local WORD, HALF = 4294967296, 2147483648
local LARGEST = 32
local FIXED = {b = 1, B = 1, h = 2, H = 2, l = 8, L = 8, T = 8, f = 4, d = 8, x = 1}
local SIGNED = {b = true, h = true, l = true, i = true}

-- The digits at `pos` as a number (`default` without any), and the position after them.  Returns what is wrong as
-- third.
local function read_count(format, pos, default)
  local _, last = find(format, '^%d+', pos)
  if not last then return default, pos end
  local number = 0
  for at = pos, last do
    local digit = byte(format, at) - 48
    if number > (HALF - 1) / 10 or number * 10 > HALF - 1 - digit then return 0, pos, 'integral size overflow' end
    number = number * 10 + digit
  end
  return number, last + 1
end

-- The item at `pos`: its letter, its size, and the position after it; or nil and what is wrong.
-- `state` holds big (endian) and align.
local function read_item(format, pos, state)
  local letter = sub(format, pos, pos)
  local size, wrong = FIXED[letter] or 0, nil
  pos = pos + 1
  if letter == 'i' or letter == 'I' then
    size, pos, wrong = read_count(format, pos, 4)
    if not wrong and size > LARGEST then
      wrong = 'integral size ' .. size .. ' is larger than limit of ' .. LARGEST
    end
  elseif letter == 'c' then
    size, pos, wrong = read_count(format, pos, 1)
  elseif letter == '!' then
    local align
    align, pos, wrong = read_count(format, pos, 8)
    if not wrong then
      if align == 0 or frexp(align) ~= 0.5 then wrong = 'alignment ' .. align .. ' is not a power of 2' end
      state.align = align
    end
  elseif letter == '>' then state.big = true
  elseif letter == '<' then state.big = false end
  if wrong then return nil, wrong end
  return letter, size, pos
end

-- Zero bytes before an item at offset `pos`.
local function padding(letter, size, pos, state)
  if letter == 'c' or letter == 's' or letter == 'x' or size == 0 then return 0 end
  local align = size < state.align and size or state.align
  if align <= 1 then return 0 end
  -- (align - (pos AND (align - 1))) AND (align - 1); the size need not be a power of two.
  local mask, result, bit = align - 1, 0, 1
  local a, m = pos, mask
  while m > 0 do
    if m % 2 == 1 and a % 2 == 1 then result = result + bit end
    a, m, bit = floor(a / 2), floor(m / 2), bit * 2
  end
  a, m, bit = align - result, mask, 1
  result = 0
  while m > 0 do
    if m % 2 == 1 and a % 2 == 1 then result = result + bit end
    a, m, bit = floor(a / 2), floor(m / 2), bit * 2
  end
  return result
end

local CONTROL = {['>'] = true, ['<'] = true, ['!'] = true, [' '] = true}
local DATA = {b = true, B = true, h = true, H = true, l = true, L = true, T = true, i = true, I = true, f = true,
  d = true,
  s = true, c = true, x = true}

-- The low 64 bits of a number, truncated, as two halves.  What has none is -2^63 for signed conversion, else 0.
local function halves(number)
  local negative = number < 0
  if number ~= number or number <= -2 ^ 63 then return HALF, 0 end
  if number >= 2 ^ 64 then return 0, 0 end
  number = floor(negative and -number or number)
  local low = number % WORD
  local high = (number - low) / WORD
  if not negative then return high, low end
  if low == 0 then return (WORD - high) % WORD, 0 end
  return WORD - 1 - high, WORD - low
end

local function integer_bytes(number, size, big)
  local high, low = halves(number)
  local text = char(low % 256, floor(low / 256) % 256, floor(low / 65536) % 256, floor(low / 16777216), high % 256,
    floor(high / 256) % 256, floor(high / 65536) % 256, floor(high / 16777216))
  if size < 8 then text = sub(text, 1, size) elseif size > 8 then text = text .. rep('\0', size - 8) end
  if big then return reverse(text) end
  return text
end

local function read_integer(text, size, is_signed, big)
  if big then text = reverse(text) end
  local high, low = 0, 0
  for at = (size < 4 and size or 4), 1, -1 do low = low * 256 + byte(text, at) end
  for at = (size < 8 and size or 8), 5, -1 do high = high * 256 + byte(text, at) end
  if is_signed and size > 0 then
    if size <= 4 then
      if low >= 2 ^ (size * 8 - 1) then low = low - 2 ^ (size * 8) end
    else
      local width = (size < 8 and size or 8) - 4
      if high >= 2 ^ (width * 8 - 1) then high = high - 2 ^ (width * 8) end
    end
  end
  return high * WORD + low
end

-- A missing value counts as nil: the reference puts a nil after the arguments.
local function given_number(index, ...)
  local value = select(index, ...)
  if type(value) == 'number' then return value end
  local number = type(value) == 'string' and tonumber(value)
  if number then return number end
  bad_argument(index, argument_text('number', true, value), 1)
end

local function given_string(index, ...)
  local value = select(index, ...)
  if type(value) == 'string' then return value end
  if type(value) == 'number' then return value .. '' end
  bad_argument(index, argument_text('string', true, value), 1)
end

local function pack(...)
  local format = check_string(1, ...)
  local out, used, total, argument = {}, 0, 0, 2
  local state = {align = 1, big = false}
  local pos, length = 1, find(format, '%z') or #format + 1
  while pos < length do
    local letter, size, after = read_item(format, pos, state)
    if not letter then error(size, 2) end
    pos = after
    local fill = padding(letter, size, total, state)
    if fill > 0 then
      used = used + 1
      out[used] = rep('\0', fill)
      total = total + fill
    end
    local piece
    if letter == 'f' then
      piece = char(single_bytes(given_number(argument, ...)))
      argument = argument + 1
      if not state.big then piece = reverse(piece) end
    elseif letter == 'd' then
      piece = char(double_bytes(given_number(argument, ...)))
      argument = argument + 1
      if not state.big then piece = reverse(piece) end
    elseif letter == 'c' or letter == 's' then
      piece = given_string(argument, ...)
      if letter == 's' then piece = piece .. '\0'
      else
        if size == 0 then size = #piece end
        if #piece < size then bad_argument(argument + 1, 'string too short') end
        piece = sub(piece, 1, size)
      end
      argument = argument + 1
    elseif letter == 'x' then piece = '\0'
    elseif DATA[letter] then
      piece = integer_bytes(given_number(argument, ...), size, state.big)
      argument = argument + 1
    elseif not CONTROL[letter] then bad_argument(1, "invalid format option '" .. letter .. "'") end
    if piece then
      used = used + 1
      out[used] = piece
      total = total + #piece
    end
  end
  return concat(out, '', 1, used)
end

local MOST = 7000

local function unpack_values(...)
  local format, data = check_string(1, ...), check_string(2, ...)
  local pos = 1
  if select('#', ...) >= 3 and select(3, ...) ~= nil then
    pos = check_number(3, ...)
    pos = pos < 0 and -floor(-pos) or floor(pos)
    if pos == 0 then bad_argument(3, 'offset must be 1 or greater') end
  end
  local values, count = {}, 0
  local state = {align = 1, big = false}
  local at, length, offset = 1, find(format, '%z') or #format + 1, pos - 1
  while at < length do
    -- For a control item this comes before its own errors.
    if not DATA[sub(format, at, at)] and (offset < 0 or offset > #data) then
      bad_argument(2, 'data string too short')
    end
    local letter, size, after = read_item(format, at, state)
    if not letter then error(size, 2) end
    at = after
    offset = offset + padding(letter, size, offset, state)
    if offset < 0 or offset > #data or size > #data - offset then bad_argument(2, 'data string too short') end
    if letter == 'c' then
      if size == 0 then
        local last = values[count]
        if count == 0 or type(last) ~= 'number' then error("format 'c0' needs a previous size", 2) end
        size = last < 0 and -floor(-last) or floor(last)
        count = count - 1
        if size < 0 or size > #data - offset then bad_argument(2, 'data string too short') end
      end
      count = count + 1
      values[count] = sub(data, offset + 1, offset + size)
    elseif letter == 's' then
      local stop = find(data, '\0', offset + 1, true)
      if not stop then error('unfinished string in data', 2) end
      size = stop - offset
      count = count + 1
      values[count] = sub(data, offset + 1, stop - 1)
    elseif letter == 'f' or letter == 'd' then
      local text = sub(data, offset + 1, offset + size)
      if not state.big then text = reverse(text) end
      count = count + 1
      values[count] = letter == 'f' and single_from(byte(text, 1, 4)) or letter == 'd' and double_from(byte(text, 1, 8))
    elseif letter ~= 'x' and DATA[letter] then
      count = count + 1
      values[count] = read_integer(sub(data, offset + 1, offset + size), size, SIGNED[letter], state.big)
    elseif not DATA[letter] and not CONTROL[letter] then
      bad_argument(1, "invalid format option '" .. letter .. "'")
    end
    offset = offset + size
    if count > MOST then error('too many results to unpack', 2) end
  end
  values[count + 1] = offset + 1
  return unpack(values, 1, count + 1)
end

local function size(...)
  local format = check_string(1, ...)
  local state = {align = 1, big = false}
  local total, pos, length = 0, 1, find(format, '%z') or #format + 1
  while pos < length do
    local letter, bytes, after = read_item(format, pos, state)
    if not letter then error(bytes, 2) end
    pos = after
    total = total + padding(letter, bytes, total, state)
    if letter == 's' then bad_argument(1, "option 's' has no fixed size") end
    if letter == 'c' and bytes == 0 then bad_argument(1, "option 'c0' has no fixed size") end
    if not DATA[letter] and not CONTROL[letter] then
      if not find(letter, '%w') then bad_argument(1, "invalid format option '" .. letter .. "'") end
      bytes = 0
    end
    total = total + bytes
  end
  return total
end

return {pack = pack, unpack = unpack_values, size = size}
"""
