"""The Lua library cmsgpack: MessagePack, as text in Lua."""

from __future__ import annotations

from typing import Final

SOURCE: Final = rb"""
local tools = ...
local bad_argument, check_number, check_string = tools.bad_argument, tools.check_number, tools.check_string
local single_bytes, double_bytes, single_from, double_from =
  tools.single_bytes, tools.double_bytes, tools.single_from, tools.double_from
local char, byte, sub = string.char, string.byte, string.sub
local concat, floor, huge, unpack = table.concat, math.floor, math.huge, unpack
local next, type, rawget, select, error = next, type, rawget, select, error

local DEEPEST = 16    -- tables below become nil
-- Levels of arrays and maps that the reference reads before its own stack ends.
local READ_LEVELS = 2660
local LIMIT = 2 ^ 63

---------------------------------------------------------------- pack
local out, used

local function head(...)
  used = used + 1
  out[used] = char(...)
end

local function pack_integer(number)
  if number >= 0 then
    if number < 128 then head(number)
    elseif number < 256 then head(0xCC, number)
    elseif number < 65536 then head(0xCD, floor(number / 256), number % 256)
    else
      local low = number % 4294967296
      local a, b, c, d = floor(low / 16777216), floor(low / 65536) % 256, floor(low / 256) % 256, low % 256
      if number < 4294967296 then head(0xCE, a, b, c, d)
      else
        local high = (number - low) / 4294967296
        head(0xCF, floor(high / 16777216), floor(high / 65536) % 256, floor(high / 256) % 256, high % 256, a, b, c, d)
      end
    end
  elseif number >= -32 then head(256 + number)
  elseif number >= -128 then head(0xD0, 256 + number)
  elseif number >= -32768 then
    number = number + 65536
    head(0xD1, floor(number / 256), number % 256)
  else
    local low = number % 4294967296
    local a, b, c, d = floor(low / 16777216), floor(low / 65536) % 256, floor(low / 256) % 256, low % 256
    if number >= -2147483648 then head(0xD2, a, b, c, d)
    else
      local high = floor(number / 4294967296) % 4294967296
      head(0xD3, floor(high / 16777216), floor(high / 65536) % 256, floor(high / 256) % 256, high % 256, a, b, c, d)
    end
  end
end

local function pack_number(number)
  if number == floor(number) and number >= -LIMIT and number < LIMIT then return pack_integer(number) end
  if number == number then
    local a, b, c, d = single_bytes(number)
    if single_from(a, b, c, d) == number then return head(0xCA, a, b, c, d) end
  end
  head(0xCB, double_bytes(number))
end

-- The head of a thing with a length: one byte up to `short`, else with 8 (if there is a code for it), 16 or 32 bits.
local function pack_length(length, fix, short, code8, code16, code32)
  if length <= short then head(fix + length)
  elseif code8 and length <= 255 then head(code8, length)
  elseif length <= 65535 then head(code16, floor(length / 256), length % 256)
  else
    head(code32, floor(length / 16777216), floor(length / 65536) % 256, floor(length / 256) % 256, length % 256)
  end
end

local pack_value

-- The length if the keys are exactly 1 to n, else nil; and the number of keys.
local function array_length(value)
  local count, greatest, is_array = 0, 0, true
  for key in next, value do
    count = count + 1
    if type(key) ~= 'number' or key < 1 or floor(key) ~= key then is_array = false
    elseif key > greatest then greatest = key end
  end
  return is_array and greatest == count and count or nil, count
end

local function pack_table(value, level)
  if level == DEEPEST then return head(0xC0) end
  local length, count = array_length(value)
  if length then
    pack_length(length, 0x90, 15, nil, 0xDC, 0xDD)
    for index = 1, length do pack_value(rawget(value, index), level + 1) end
    return
  end
  pack_length(count, 0x80, 15, nil, 0xDE, 0xDF)
  for key, item in next, value do
    pack_value(key, level + 1)
    pack_value(item, level + 1)
  end
end

function pack_value(value, level)
  local kind = type(value)
  if kind == 'string' then
    pack_length(#value, 0xA0, 31, 0xD9, 0xDA, 0xDB)
    used = used + 1
    out[used] = value
  elseif kind == 'number' then pack_number(value)
  elseif kind == 'table' then pack_table(value, level)
  elseif kind == 'boolean' then head(value and 0xC3 or 0xC2)
  else head(0xC0) end
end

local function pack(...)
  local count = select('#', ...)
  if count == 0 then bad_argument(0, 'MessagePack pack needs input.') end
  out, used = {}, 0
  for index = 1, count do pack_value((select(index, ...)), 0) end
  local pieces = out
  out = nil
  return concat(pieces, '', 1, used)
end

---------------------------------------------------------------- unpack
tools.releases[pack] = function() out = nil end

local MISSING, BAD, DEEP = 'Missing bytes in input.', 'Bad data format in input.',
  'stack overflow (in function mp_decode_to_lua_array)'
local DEEP_MAP = 'stack overflow (in function mp_decode_to_lua_hash)'
local NO_KEY, NAN_KEY = 'table index is nil', 'table index is NaN'

local function unsigned(text, pos, size)
  local number = 0
  for at = pos, pos + size - 1 do number = number * 256 + byte(text, at) end
  return number
end

local function signed(text, pos, size)
  local number = unsigned(text, pos, size)
  if number >= 2 ^ (size * 8 - 1) then return number - 2 ^ (size * 8) end
  return number
end

-- 64 bits: the halves are joined with one rounding.
local function signed64(text, pos)
  local high, low = unsigned(text, pos, 4), unsigned(text, pos + 4, 4)
  if high >= 2147483648 then high = high - 4294967296 end
  return high * 4294967296 + low
end

-- Codes that stand for a value with a fixed number of bytes after them.
local SIZES = {[0xCA] = 4, [0xCB] = 8, [0xCC] = 1, [0xCD] = 2, [0xCE] = 4, [0xCF] = 8, [0xD0] = 1, [0xD1] = 2,
  [0xD2] = 4,
  [0xD3] = 8, [0xD9] = 1, [0xDA] = 2, [0xDB] = 4, [0xDC] = 2, [0xDD] = 4, [0xDE] = 2, [0xDF] = 4}

local read_value

local function read_array(text, pos, length, level)
  if level > READ_LEVELS then return nil, nil, DEEP end
  local result = {}
  for index = 1, length do
    local value, after, wrong = read_value(text, pos, level + 1)
    if wrong then return nil, nil, wrong end
    result[index] = value
    pos = after
  end
  return result, pos
end

local function read_map(text, pos, length, level)
  if level > READ_LEVELS then return nil, nil, DEEP_MAP end
  local result = {}
  for _ = 1, length do
    local key, value, after, wrong
    key, after, wrong = read_value(text, pos, level + 1)
    if wrong then return nil, nil, wrong end
    value, after, wrong = read_value(text, after, level + 1)
    if wrong then return nil, nil, wrong end
    if key == nil then return nil, nil, NO_KEY end
    if key ~= key then return nil, nil, NAN_KEY end
    result[key] = value
    pos = after
  end
  return result, pos
end

local function read_string(text, pos, length)
  if pos + length - 1 > #text then return nil, nil, MISSING end
  return sub(text, pos, pos + length - 1), pos + length
end

-- The value at `pos` and the position after it; or nil, nil and what is wrong.
function read_value(text, pos, level)
  local code = byte(text, pos)
  if not code then return nil, nil, MISSING end
  pos = pos + 1
  if code < 0x80 then return code, pos end
  if code >= 0xE0 then return code - 256, pos end
  if code < 0x90 then return read_map(text, pos, code - 0x80, level) end
  if code < 0xA0 then return read_array(text, pos, code - 0x90, level) end
  if code < 0xC0 then return read_string(text, pos, code - 0xA0) end
  if code == 0xC0 then return nil, pos end
  if code == 0xC2 then return false, pos end
  if code == 0xC3 then return true, pos end
  local size = SIZES[code]
  if not size then return nil, nil, BAD end
  local after = pos + size
  if after - 1 > #text then return nil, nil, MISSING end
  if code == 0xCA then return single_from(byte(text, pos, pos + 3)), after end
  if code == 0xCB then return double_from(byte(text, pos, pos + 7)), after end
  if code == 0xCF or code == 0xD3 then return signed64(text, pos), after end
  if code >= 0xD0 and code <= 0xD2 then return signed(text, pos, size), after end
  local number = unsigned(text, pos, size)
  if code <= 0xCE then return number, after end
  if code <= 0xDB then return read_string(text, after, number) end
  if code <= 0xDD then return read_array(text, after, number, level) end
  return read_map(text, after, number, level)
end

-- Up to `limit` values from the offset, all if both are 0: what is wrong (or nil), the values, their count,
-- and the next offset or -1.
local function read_values(text, limit, offset)
  local values, count, pos, length = {}, 0, offset + 1, #text
  while pos <= length and (limit == 0 and offset == 0 or count < limit) do
    local value, after, wrong = read_value(text, pos, 1)
    if wrong then return wrong end
    count = count + 1
    values[count] = value
    pos = after
  end
  return nil, values, count, pos > length and -1 or pos - 1
end

-- Raise at the caller of the library's function; errors of a table's keys have no position.
local function raise(wrong)
  error(wrong, (wrong == NO_KEY or wrong == NAN_KEY) and 0 or 3)
end

local MOST = 7000

local function unpack_all(...)
  local text = check_string(1, ...)
  local wrong, values, count = read_values(text, 0, 0)
  if wrong then raise(wrong) end
  if count > MOST then error('too many results to unpack', 2) end
  return unpack(values, 1, count)
end

-- A number truncated as a conversion to 64 bits leaves it.
local function integer(number)
  if number ~= number or number >= LIMIT or number < -LIMIT then return -LIMIT end
  return number < 0 and -floor(-number) or floor(number)
end

-- Its text as a 32-bit integer.
local function shown(number)
  number = number % 4294967296
  return number >= 2147483648 and number - 4294967296 or number
end

-- What is wrong with these, or nil.
local function check_range(text, limit, offset)
  if offset < 0 or limit < 0 then
    return 'Invalid request to unpack with offset of ' .. shown(offset) .. ' and limit of ' .. #text .. '.'
  end
  if offset > #text then
    return 'Start offset ' .. shown(offset) .. ' greater than input length ' .. #text .. '.'
  end
end

local function unpack_one(...)
  local offset = 0
  if select('#', ...) >= 2 and select(2, ...) ~= nil then offset = integer(check_number(2, ...)) end
  local text = check_string(1, ...)
  local wrong, values, count, after = check_range(text, 1, offset), nil, 0, -1
  if not wrong then wrong, values, count, after = read_values(text, 1, offset) end
  if wrong then raise(wrong) end
  return after, unpack(values, 1, count)
end

local function unpack_limit(...)
  local limit, offset = integer(check_number(2, ...)), 0
  if select('#', ...) >= 3 and select(3, ...) ~= nil then offset = integer(check_number(3, ...)) end
  local text = check_string(1, ...)
  local wrong, values, count, after = check_range(text, limit, offset), nil, 0, -1
  if not wrong then wrong, values, count, after = read_values(text, limit, offset) end
  if wrong then raise(wrong) end
  if count > MOST then error('too many results to unpack', 2) end
  if limit == 0 and offset == 0 then return unpack(values, 1, count) end
  return after, unpack(values, 1, count)
end

return {pack = pack, unpack = unpack_all, unpack_one = unpack_one, unpack_limit = unpack_limit, _NAME = 'cmsgpack',
  _VERSION = 'lua-cmsgpack 0.4.0', _COPYRIGHT = 'redpoll', _DESCRIPTION = 'MessagePack for scripts'}
"""
