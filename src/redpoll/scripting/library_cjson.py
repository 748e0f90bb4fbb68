"""The Lua library cjson: JSON to tables and back, as text in Lua.

Lua is the faster side here: a table costs about 1 µs to build from Python, and nothing that may fail for want of memory
happens outside a protected call.  The chunk gets the helpers of `libraries.PRELUDE` and returns the table `cjson`.
`library_cjson_encode` has the writer, `library_cjson_decode` the readers; this file has what they share, and the
settings.
"""

from __future__ import annotations

from typing import Final

from redpoll.scripting.library_cjson_decode import DECODE, EXACT, FAST
from redpoll.scripting.library_cjson_encode import ENCODE
from redpoll.scripting.library_cjson_shapes import SHAPES

SHARED: Final = rb"""
local tools = ...
local bad_argument, argument_text, null = tools.bad_argument, tools.argument_text, tools.null
local find, byte, sub, char, format, gsub = string.find, string.byte, string.sub, string.char, string.format,
  string.gsub
local concat, floor, huge = table.concat, math.floor, math.huge
local next, type, tonumber, rawget, select, error, pairs = next, type, tonumber, rawget, select, error, pairs
local infinite = -huge
local match, loadstring, unpack = string.match, loadstring, unpack

-- Levels that the reference reaches before its own stack ends, whatever the setting says.
local ENCODE_LEVELS, DECODE_LEVELS = 7997, 7998
local GREATEST = 2147483647

-- What the writer keeps: keys, values, and their length as text.
local MOST_KEYS, MOST_VALUES, LONGEST_KEPT = 1000, 2000, 64
-- What the reader keeps: shapes in all, first keys that have none, depths with shapes; the greatest shape in bytes,
-- members.  A pattern ends after MOST_CAPTURES captures or a few more (Lua has 32); an array has at most MOST_ITEMS.
local MOST_SHAPES, MOST_MISSES, LEVELS, LONGEST_SHAPE, MOST_MEMBERS = 200, 1000, 16, 4096, 40
local MOST_CAPTURES, MOST_ITEMS, MOST_VARIABLES = 22, 8, 100
-- A shape is learned when so many objects have had none.
local LEARN_AT = {[2] = true, [8] = true, [32] = true, [128] = true, [512] = true, [2048] = true}
local MOST_CREDIT = 64
-- Characters that are not plain in a pattern.
local MAGIC = '[%^$()%%.%[%]*+%-?]'
local WORDS = {['true'] = true, ['false'] = false, null = null}
local FAR = 2 ^ 53

local ESCAPES = {['"'] = '\\"', ['\\'] = '\\\\', ['/'] = '\\/', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n',
  ['\r'] = '\\r', ['\t'] = '\\t', ['\127'] = '\\u007f'}
for code = 0, 31 do
  local letter = char(code)
  ESCAPES[letter] = ESCAPES[letter] or format('\\u%04x', code)
end
local UNESCAPES = {[34] = '"', [92] = '\\', [47] = '/', [98] = '\b', [102] = '\f', [110] = '\n', [114] = '\r',
  [116] = '\t'}

-- Keys repeat from document to document: `,"key":` is made once for the first thousand, then the memory starts anew.
local key_text, key_count = {}, 0
local function remember_key(key)
  local text = ',"' .. gsub(key, '[%c"\\/]', ESCAPES) .. '":'
  if #key <= LONGEST_KEPT then
    if key_count >= MOST_KEYS then key_text, key_count = {}, 0 end
    key_text[key] = text
    key_count = key_count + 1
  end
  return text
end

local function utf8(code)
  if code < 0x80 then return char(code) end
  if code < 0x800 then return char(0xC0 + floor(code / 0x40), 0x80 + code % 0x40) end
  if code < 0x10000 then
    return char(0xE0 + floor(code / 0x1000), 0x80 + floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
  end
  return char(0xF0 + floor(code / 0x40000), 0x80 + floor(code / 0x1000) % 0x40, 0x80 + floor(code / 0x40) % 0x40,
    0x80 + code % 0x40)
end

-- The character of a \u escape whose backslash is at `pos`, and the position after it; nil if it is none.
local function unicode(text, pos)
  local digits = sub(text, pos + 2, pos + 5)
  if not find(digits, '^%x%x%x%x') then return nil end
  local code = tonumber(digits, 16)
  if code < 0xD800 or code > 0xDFFF then return utf8(code), pos + 6 end
  if code > 0xDBFF or sub(text, pos + 6, pos + 7) ~= '\\u' then return nil end
  digits = sub(text, pos + 8, pos + 11)
  if not find(digits, '^%x%x%x%x') then return nil end
  local low = tonumber(digits, 16)
  if low < 0xDC00 or low > 0xDFFF then return nil end
  return utf8(0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00), pos + 12
end

-- A string with escapes that starts after the quote: the string and the position of the closing quote; or nil, what is
-- wrong, and where.
local function unescape(text, pos)
  local parts, count = {}, 0
  while true do
    local _, last = find(text, '^[^"\\%z]*', pos)
    if last >= pos then count = count + 1 parts[count] = sub(text, pos, last) end
    pos = last + 1
    local code = byte(text, pos)
    if code == 34 then return concat(parts, '', 1, count), pos end
    if code ~= 92 then return nil, 'unexpected end of string', pos end
    code = byte(text, pos + 1)
    local letter, after = UNESCAPES[code or 0], pos + 2
    if code == 117 then
      letter, after = unicode(text, pos)
      if not letter then return nil, 'invalid unicode escape code', pos end
    end
    if not letter then return nil, 'invalid escape code', pos end
    count = count + 1
    parts[count] = letter
    pos = after
  end
end

-- The longest number at `pos` as strtod reads it, and the position after it; nil if there is none.
local function read_number(text, pos)
  local _, at = find(text, '^[+-]?', pos)
  at = at + 1
  local _, last = find(text, '^0[xX]%x+%.?%x*', at)
  if not last then _, last = find(text, '^0[xX]%.%x+', at) end
  if last then
    local _, power = find(text, '^[pP][+-]?%d+', last + 1)
    last = power or last
  else
    _, last = find(text, '^%d+%.?%d*', at)
    if not last then _, last = find(text, '^%.%d+', at) end
    if last then
      local _, power = find(text, '^[eE][+-]?%d+', last + 1)
      last = power or last
    else
      _, last = find(text, '^[iI][nN][fF][iI][nN][iI][tT][yY]', at)
      if not last then _, last = find(text, '^[iI][nN][fF]', at) end
      if not last then
        _, last = find(text, '^[nN][aA][nN]', at)
        if last then
          local _, extra = find(text, '^%([%w_]*%)', last + 1)
          last = extra or last
        end
      end
    end
  end
  if not last then return nil end
  return tonumber(sub(text, pos, last)), last + 1
end

local function new_library()
  local convert, ratio, safe = false, 2, 10
  local encode_depth, decode_depth = 1000, 1000
  local precision, number_format = 14, '%.14g'
  local keep_buffer, encode_invalid, decode_invalid = true, false, true

  -- Values that were written before, as text: strings, numbers, booleans and null.
  local value_text, value_count
  local function forget_values()
    value_text, value_count = {[true] = 'true', [false] = 'false', [null] = 'null'}, 0
  end
  forget_values()
"""

SETTINGS: Final = rb"""
  ---------------------------------------------------------------- settings
  -- These run inside the functions of the library: an error is raised two levels up.
  local function integer(index, value, old, least, most)
    if value == nil then return old end
    local number = tonumber(value)
    if type(value) ~= 'number' and type(value) ~= 'string' or not number then
      bad_argument(index, argument_text('number', true, value), 1)
    end
    number = number < 0 and -floor(-number) or floor(number)
    if number >= least and number <= most then return number end
    bad_argument(1, 'expected integer between ' .. least .. ' and ' .. format('%d', most), 1)
  end

  local function switch(index, value, old, has_null)
    if value == nil then return old end
    if value == true or value == 'on' then return true end
    if value == false or value == 'off' then return false end
    if has_null and value == 'null' then return 'null' end
    if type(value) ~= 'string' and type(value) ~= 'number' then
      bad_argument(index, argument_text('string', true, value), 1)
    end
    bad_argument(index, "invalid option '" .. value .. "'", 1)
  end

  local function too_many(count, most)
    if count > most then bad_argument(most + 1, 'found too many arguments', 1) end
  end

  local function encode_sparse_array(...)
    too_many(select('#', ...), 3)
    local new_convert, new_ratio, new_safe = ...
    convert = switch(1, new_convert, convert)
    ratio = integer(2, new_ratio, ratio, 0, GREATEST)
    safe = integer(3, new_safe, safe, 0, GREATEST)
    return convert, ratio, safe
  end

  local function encode_max_depth(...)
    too_many(select('#', ...), 1)
    encode_depth = integer(1, (...), encode_depth, 1, GREATEST)
    return encode_depth
  end

  local function decode_max_depth(...)
    too_many(select('#', ...), 1)
    decode_depth = integer(1, (...), decode_depth, 1, GREATEST)
    return decode_depth
  end

  local function encode_number_precision(...)
    too_many(select('#', ...), 1)
    precision = integer(1, (...), precision, 1, 14)
    number_format = '%.' .. precision .. 'g'
    forget_values()
    return precision
  end

  local function encode_keep_buffer(...)
    too_many(select('#', ...), 1)
    keep_buffer = switch(1, (...), keep_buffer)
    return keep_buffer
  end

  local function encode_invalid_numbers(...)
    too_many(select('#', ...), 1)
    encode_invalid = switch(1, (...), encode_invalid, true)
    forget_values()
    return encode_invalid
  end

  local function decode_invalid_numbers(...)
    too_many(select('#', ...), 1)
    decode_invalid = switch(1, (...), decode_invalid)
    return decode_invalid
  end

  tools.releases[encode] = function()
    out, text, pieces = nil, nil, {}
    forget_values()
    forget_shapes()
  end

  return {encode = encode, decode = decode, null = null, new = new_library, encode_sparse_array = encode_sparse_array,
    encode_max_depth = encode_max_depth, decode_max_depth = decode_max_depth,
    encode_number_precision = encode_number_precision, encode_keep_buffer = encode_keep_buffer,
    encode_invalid_numbers = encode_invalid_numbers, decode_invalid_numbers = decode_invalid_numbers,
    _NAME = 'cjson', _VERSION = '2.1.0'}
end

return new_library()
"""

SOURCE: Final = SHARED + ENCODE + EXACT + FAST + SHAPES + DECODE + SETTINGS
