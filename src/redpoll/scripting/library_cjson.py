"""The Lua library cjson: JSON to tables and back, as text in Lua.

Lua is the faster side here: a table costs about 1 µs to build from Python, and nothing that may fail for want of memory
happens outside a protected call.  The chunk gets the helpers of `libraries.PRELUDE` and returns the table `cjson`.

Two readers.  The fast one jumps from quote to quote with plain searches.  If it meets anything unusual (an error, a
NUL, a strange number, a strict setting) it gives up, and the exact reader, a lexer with tokens and positions, starts
anew.
The loops over arrays and objects repeat the cases of strings and numbers: a call for each item would cost more than
the item.
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = rb"""
local tools = ...
local bad_argument, argument_text, null = tools.bad_argument, tools.argument_text, tools.null
local find, byte, sub, char, format, gsub = string.find, string.byte, string.sub, string.char, string.format,
  string.gsub
local concat, floor, huge = table.concat, math.floor, math.huge
local next, type, tonumber, rawget, select, error, pairs = next, type, tonumber, rawget, select, error, pairs
local infinite = -huge

-- Levels that the reference reaches before its own stack ends, whatever the setting says.
local ENCODE_LEVELS, DECODE_LEVELS = 7997, 7998
local GREATEST = 2147483647

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
  if #key <= 64 then
    if key_count >= 1000 then key_text, key_count = {}, 0 end
    key_text[key] = text
    key_count = key_count + 1
  end
  return text
end

-- Small integers as text: a table is ten times as fast as formatting.
local SMALL = {}
for number = 1, 255 do SMALL[number] = format('%d', number) end

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
  local precision, number_format, number_text = 14, '%.14g', SMALL
  local keep_buffer, encode_invalid, decode_invalid = true, false, true

  ---------------------------------------------------------------- encode
  local out, used  -- pieces of the document

  -- The text of a number that is no small integer; nil if it has none.
  local function encode_number(value)
    if value ~= value or value == huge or value == infinite then
      if encode_invalid == false then return nil end
      if encode_invalid == 'null' then return 'null' end
      return value ~= value and 'nan' or value == huge and 'inf' or '-inf'
    end
    if value == 0 then return 1 / value < 0 and '-0' or '0' end
    if precision == 14 then return value end
    return format(number_format, value)
  end

  -- The greatest index if `value` is written as an array, else nil; false if it is too sparse.  `key` is its first key.
  local function array_length(value, key)
    local count, greatest = 0, 0
    while key ~= nil do
      if type(key) ~= 'number' or key < 1 or key > GREATEST or floor(key) ~= key then return nil end
      if key > greatest then greatest = key end
      count = count + 1
      key = next(value, key)
    end
    if ratio > 0 and greatest > count * ratio and greatest > safe then
      if convert then return nil end
      return false
    end
    return greatest
  end

  local encode_table

  -- Write a value that is no string and no number.  Returns what is wrong, or nil.
  local function encode_other(value, depth)
    local kind = type(value)
    if kind == 'table' then return encode_table(value, depth) end
    used = used + 1
    if value == nil or value == null then out[used] = 'null'
    elseif kind == 'boolean' then out[used] = value and 'true' or 'false'
    else return 'Cannot serialise ' .. kind .. ': type not supported' end
  end

  local NOT_FINITE = 'Cannot serialise number: must not be NaN or Inf'

  local function encode_array(value, length, depth)
    local o, n = out, used + 1
    o[n] = '['
    for index = 1, length do
      local item = rawget(value, index)
      local kind = type(item)
      if index > 1 then n = n + 1 o[n] = ',' end
      if kind == 'string' then
        if find(item, '[%c"\\/]') then item = gsub(item, '[%c"\\/]', ESCAPES) end
        o[n + 1] = '"' o[n + 2] = item o[n + 3] = '"'
        n = n + 3
      elseif kind == 'number' then
        n = n + 1
        item = number_text[item] or encode_number(item)
        if not item then return NOT_FINITE end
        o[n] = item
      else
        used = n
        local wrong = encode_other(item, depth + 1)
        if wrong then return wrong end
        n = used
      end
    end
    o[n + 1] = ']'
    used = n + 1
  end

  function encode_table(value, depth)
    if depth > encode_depth or depth > ENCODE_LEVELS then
      return 'Cannot serialise, excessive nesting (' .. depth .. ')'
    end
    local first = next(value)
    if first == nil then
      used = used + 1
      out[used] = '{}'
      return
    end
    if not key_text[first] and type(first) == 'number' then
      local length = array_length(value, first)
      if length then return encode_array(value, length, depth) end
      if length == false then return 'Cannot serialise table: excessively sparse array' end
    end
    local o, n = out, used + 1
    local start = n + 1
    o[n] = '{'
    for key, item in next, value do
      local text = key_text[key]
      if not text then
        local kind = type(key)
        if kind == 'string' then text = remember_key(key)
        elseif kind == 'number' then
          text = encode_number(key)
          if not text then return NOT_FINITE end
          text = ',"' .. text .. '":'
        else return 'Cannot serialise ' .. kind .. ': table key must be a number or string' end
      end
      n = n + 1
      o[n] = text
      local kind = type(item)
      if kind == 'string' then
        if find(item, '[%c"\\/]') then item = gsub(item, '[%c"\\/]', ESCAPES) end
        o[n + 1] = '"' o[n + 2] = item o[n + 3] = '"'
        n = n + 3
      elseif kind == 'number' then
        n = n + 1
        item = number_text[item] or encode_number(item)
        if not item then return NOT_FINITE end
        o[n] = item
      else
        used = n
        local wrong = encode_other(item, depth + 1)
        if wrong then return wrong end
        n = used
      end
    end
    o[start] = sub(o[start], 2)
    o[n + 1] = '}'
    used = n + 1
  end

  -- One list of pieces for all calls: it keeps its room.  A long one is left to the collector.
  local pieces = {}
  local function encode(...)
    if select('#', ...) ~= 1 then bad_argument(1, 'expected 1 argument') end
    local value = ...
    local kind, wrong = type(value), nil
    out, used = pieces, 0
    if kind == 'string' then
      return '"' .. gsub(value, '[%c"\\/]', ESCAPES) .. '"'
    elseif kind == 'number' then
      value = encode_number(value)
      if not value then error(NOT_FINITE, 2) end
      return value .. ''
    end
    wrong = encode_other(value, 1)
    if used > 2000 then pieces = {} end
    local list = out
    out = nil
    if wrong then error(wrong, 2) end
    return concat(list, '', 1, used)
  end

  ---------------------------------------------------------------- decode, exactly
  local text

  -- The token at `pos`: kind, value, where it starts, and the position after it.  Kinds that are no token of the
  -- grammar are the texts of what is wrong.
  local function token(pos)
    local at = find(text, '[^ \n\r\t]', pos) or #text + 1
    local code = byte(text, at) or 0
    if code == 34 then
      local value, after, where = unescape(text, at + 1)
      if not value then return after, nil, where end
      return 'T_STRING', value, at, after + 1
    elseif code == 0 then return 'T_END', nil, at, at
    elseif code == 44 then return 'T_COMMA', nil, at, at + 1
    elseif code == 58 then return 'T_COLON', nil, at, at + 1
    elseif code == 91 then return 'T_ARR_BEGIN', nil, at, at + 1
    elseif code == 93 then return 'T_ARR_END', nil, at, at + 1
    elseif code == 123 then return 'T_OBJ_BEGIN', nil, at, at + 1
    elseif code == 125 then return 'T_OBJ_END', nil, at, at + 1
    elseif find(text, '^true', at) then return 'T_BOOLEAN', true, at, at + 4
    elseif find(text, '^false', at) then return 'T_BOOLEAN', false, at, at + 5
    elseif find(text, '^null', at) then return 'T_NULL', null, at, at + 4
    elseif find(text, '^[%d-]', at) then
      if not decode_invalid and (find(text, '^-?0[xX%d]', at) or find(text, '^-[iI][nN][fF]', at)
          or find(text, '^-[nN][aA][nN]', at)) then
        return 'invalid number', nil, at
      end
    elseif not decode_invalid or not (code == 43 or find(text, '^[iI][nN][fF]', at)
        or find(text, '^[nN][aA][nN]', at)) then
      return 'invalid token', nil, at
    end
    local value, after = read_number(text, at)
    if not value then return 'invalid number', nil, at end
    return 'T_NUMBER', value, at, after
  end

  local function expected(what, kind, at)
    return 'Expected ' .. what .. ' but found ' .. kind .. ' at character ' .. at
  end

  -- The value of a token already read, and the position after it; or nil, nil and what is wrong.
  local function exact_value(kind, value, at, pos, depth)
    if kind == 'T_STRING' or kind == 'T_NUMBER' or kind == 'T_BOOLEAN' or kind == 'T_NULL' then return value, pos end
    if kind ~= 'T_OBJ_BEGIN' and kind ~= 'T_ARR_BEGIN' then return nil, nil, expected('value', kind, at) end
    depth = depth + 1
    if depth > decode_depth or depth > DECODE_LEVELS then
      return nil, nil, 'Found too many nested data structures (' .. depth .. ') at character ' .. at
    end
    local result, count, is_object = {}, 0, kind == 'T_OBJ_BEGIN'
    local finish = is_object and 'T_OBJ_END' or 'T_ARR_END'
    local wrong
    kind, value, at, pos = token(pos)
    if kind == finish then return result, pos end
    while true do
      local key
      if is_object then
        if kind ~= 'T_STRING' then return nil, nil, expected('object key string', kind, at) end
        key = value
        kind, value, at, pos = token(pos)
        if kind ~= 'T_COLON' then return nil, nil, expected('colon', kind, at) end
        kind, value, at, pos = token(pos)
      else
        count = count + 1
        key = count
      end
      value, pos, wrong = exact_value(kind, value, at, pos, depth)
      if wrong then return nil, nil, wrong end
      result[key] = value
      kind, value, at, pos = token(pos)
      if kind == finish then return result, pos end
      if kind ~= 'T_COMMA' then
        return nil, nil, expected(is_object and 'comma or object end' or 'comma or array end', kind, at)
      end
      kind, value, at, pos = token(pos)
    end
  end

  local function exact_document()
    local kind, value, at, pos = token(1)
    local result, after, wrong = exact_value(kind, value, at, pos, 0)
    if wrong then return nil, wrong end
    kind, value, at = token(after)
    if kind ~= 'T_END' then return nil, expected('the end', kind, at) end
    return result
  end

  ---------------------------------------------------------------- decode, fast
  -- These return a value and the position after it, or nil and nil: then the exact reader tells what is wrong.
  local escape  -- where the next backslash is
  local FAR = 2 ^ 53

  local function skip(pos)
    pos = find(text, '[^ \n\r\t]', pos)
    if pos then return pos, byte(text, pos) end
    return nil, 0
  end

  local function escaped_string(pos)
    local value, closing = unescape(text, pos)
    if value then escape = find(text, '\\', closing, true) or FAR return value, closing end
  end

  local read_object, read_array

  -- A value that is neither a string nor a plain number.
  local function read_other(pos, code, depth)
    if code == 123 then return read_object(pos + 1, depth + 1) end
    if code == 91 then return read_array(pos + 1, depth + 1) end
    if code == 116 and sub(text, pos, pos + 3) == 'true' then return true, pos + 4 end
    if code == 102 and sub(text, pos, pos + 4) == 'false' then return false, pos + 5 end
    if code == 110 and sub(text, pos, pos + 3) == 'null' then return null, pos + 4 end
    if code >= 48 and code <= 57 or code == 45 then return read_number(text, pos) end
  end

  function read_object(pos, depth)
    if depth > decode_depth or depth > DECODE_LEVELS then return nil end
    local result = {}
    local code = byte(text, pos)
    if code ~= 34 then
      pos, code = skip(pos)
      if code == 125 then return result, pos + 1 end
    end
    while code == 34 do
      local quote = find(text, '"', pos + 1, true)
      if not quote then return nil end
      local key
      if quote < escape then key = sub(text, pos + 1, quote - 1)
      else
        key, quote = escaped_string(pos + 1)
        if not key then return nil end
      end
      local colon, third
      colon, code, third = byte(text, quote + 1, quote + 3)
      pos = quote + 2
      if colon ~= 58 then
        pos, colon = skip(quote + 1)
        if colon ~= 58 then return nil end
        pos, code = skip(pos + 1)
      elseif code == 32 and third and third > 32 then pos, code = quote + 3, third
      elseif not code or code <= 32 then pos, code = skip(pos) end
      local value
      if code == 34 then
        quote = find(text, '"', pos + 1, true)
        if not quote then return nil end
        if quote < escape then value = sub(text, pos + 1, quote - 1)
        else
          value, quote = escaped_string(pos + 1)
          if not value then return nil end
        end
        pos = quote + 1
      else
        local _, last, digits
        if code <= 57 then _, last, digits = find(text, '^(%-?%d+%.?%d*)[,}]', pos) end
        if digits then value, pos = digits * 1, last
        else
          value, pos = read_other(pos, code, depth)
          if not pos then return nil end
        end
      end
      result[key] = value
      local mark
      mark, code, third = byte(text, pos, pos + 2)
      if mark ~= 44 and mark ~= 125 then
        pos, mark = skip(pos)
        if not pos then return nil end
        code, third = byte(text, pos + 1, pos + 2)
      end
      if mark == 125 then return result, pos + 1 end
      if mark ~= 44 then return nil end
      if code == 34 then pos = pos + 1
      elseif code == 32 and third == 34 then pos, code = pos + 2, 34
      else pos, code = skip(pos + 1) end
    end
  end

  function read_array(pos, depth)
    if depth > decode_depth or depth > DECODE_LEVELS then return nil end
    local result, count = {}, 0
    local code
    pos, code = skip(pos)
    if code == 93 then return result, pos + 1 end
    while pos do
      local value
      if code == 34 then
        local quote = find(text, '"', pos + 1, true)
        if not quote then return nil end
        if quote < escape then value = sub(text, pos + 1, quote - 1)
        else
          value, quote = escaped_string(pos + 1)
          if not value then return nil end
        end
        pos = quote + 1
      else
        local _, last, digits
        if code <= 57 then _, last, digits = find(text, '^(%-?%d+%.?%d*)[],]', pos) end
        if digits then value, pos = digits * 1, last
        else
          value, pos = read_other(pos, code, depth)
          if not pos then return nil end
        end
      end
      count = count + 1
      result[count] = value
      local mark
      mark, code = byte(text, pos, pos + 1)
      if mark ~= 44 and mark ~= 93 then
        pos, mark = skip(pos)
        if not pos then return nil end
        code = byte(text, pos + 1)
      end
      if mark == 93 then return result, pos + 1 end
      if mark ~= 44 then return nil end
      pos = pos + 1
      if not code or code <= 32 then pos, code = skip(pos) end
    end
  end

  local function decode(...)
    if select('#', ...) ~= 1 then bad_argument(1, 'expected 1 argument') end
    local document = ...
    if type(document) ~= 'string' then
      if type(document) ~= 'number' then bad_argument(1, argument_text('string', true, document)) end
      document = document .. ''
    end
    text = document
    local result, after, wrong
    if decode_invalid and not find(document, '\0', 1, true) then
      escape = find(document, '\\', 1, true) or FAR
      local pos, code = skip(1)
      if code == 123 then result, after = read_object(pos + 1, 1)
      elseif code == 91 then result, after = read_array(pos + 1, 1) end
      if after and (after > #document or not skip(after)) then
        text = nil
        return result
      end
    elseif #document >= 2 and (byte(document, 1) == 0 or byte(document, 2) == 0) then
      error('JSON parser does not support UTF-16 or UTF-32', 2)
    end
    result, wrong = exact_document()
    text = nil
    if wrong then error(wrong, 2) end
    return result
  end

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
    number_text = precision >= 3 and SMALL or {}
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
    return encode_invalid
  end

  local function decode_invalid_numbers(...)
    too_many(select('#', ...), 1)
    decode_invalid = switch(1, (...), decode_invalid)
    return decode_invalid
  end

  return {encode = encode, decode = decode, null = null, new = new_library, encode_sparse_array = encode_sparse_array,
    encode_max_depth = encode_max_depth, decode_max_depth = decode_max_depth,
    encode_number_precision = encode_number_precision, encode_keep_buffer = encode_keep_buffer,
    encode_invalid_numbers = encode_invalid_numbers, decode_invalid_numbers = decode_invalid_numbers,
    _NAME = 'cjson', _VERSION = '2.1.0'}
end

return new_library()
"""
