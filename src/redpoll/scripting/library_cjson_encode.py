"""cjson's writer: the part of the text of `library_cjson` that turns tables into JSON.

It walks the table, collects pieces of text in a list, and joins them.  Most time goes into calls of built-in functions,
so keys, strings and numbers that were written before are looked up in tables that keep their text.
"""

from __future__ import annotations

from typing import Final

ENCODE: Final = rb"""
  ---------------------------------------------------------------- encode
  local out, used  -- pieces of the document

  -- The text of a number; nil if it has none.
  local function encode_number(value)
    if value ~= value or value == huge or value == infinite then
      if encode_invalid == false then return nil end
      if encode_invalid == 'null' then return 'null' end
      return value ~= value and 'nan' or value == huge and 'inf' or '-inf'
    end
    if value == 0 then return 1 / value < 0 and '-0' or '0' end
    if precision == 14 then return value .. '' end
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

  local NOT_FINITE = 'Cannot serialise number: must not be NaN or Inf'
  local encode_table

  -- Write a value that `value_text` does not have.  Returns what is wrong, or nil.
  local function encode_value(value, depth)
    local kind = type(value)
    if kind == 'table' then return encode_table(value, depth) end
    local text
    if kind == 'string' then
      text = value
      if find(text, '[%c"\\/]') then text = gsub(text, '[%c"\\/]', ESCAPES) end
      text = '"' .. text .. '"'
    elseif kind == 'number' then
      text = encode_number(value)
      if not text then return NOT_FINITE end
    elseif value == nil then text = 'null'
    else return 'Cannot serialise ' .. kind .. ': type not supported' end
    used = used + 1
    out[used] = text
    -- Zero has two texts, NaN and nil are no keys.
    if #text <= LONGEST_KEPT and value ~= 0 and value == value and value ~= nil then
      if value_count >= MOST_VALUES then forget_values() end
      value_text[value] = text
      value_count = value_count + 1
    end
  end

  -- Write the items 1 to `length`, of which some are missing.
  local function encode_sparse(value, length, depth)
    used = used + 1
    out[used] = '['
    for index = 1, length do
      if index > 1 then
        used = used + 1
        out[used] = ','
      end
      local item = rawget(value, index)
      local text = value_text[item]
      if text then
        used = used + 1
        out[used] = text
      else
        local wrong = encode_value(item, depth + 1)
        if wrong then return wrong end
      end
    end
    used = used + 1
    out[used] = ']'
  end

  -- Write the items 1 to `length`, all of which are there.
  local function encode_dense(value, length, depth)
    local o, n, before = out, used, '['
    for index = 1, length do
      local item = value[index]
      local text = value_text[item]
      o[n + 1] = before
      before = ','
      if text then
        n = n + 2
        o[n] = text
      else
        used = n + 1
        local wrong = encode_value(item, depth + 1)
        if wrong then return wrong end
        n = used
      end
    end
    o[n + 1] = ']'
    used = n + 1
  end

  -- The number of items if the keys of `value` come as 1, 2, 3 ..., else nil.
  local function dense_length(value)
    local count = 0
    for key in next, value do
      count = count + 1
      if key ~= count then return nil end
    end
    return count
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
    if first == 1 then
      local length = dense_length(value)
      if length then return encode_dense(value, length, depth) end
    end
    if not key_text[first] and type(first) == 'number' then
      local length = array_length(value, first)
      if length then return encode_sparse(value, length, depth) end
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
      text = value_text[item]
      if text then
        n = n + 1
        o[n] = text
      else
        used = n
        local wrong = encode_value(item, depth + 1)
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
    local known = value_text[value]
    if known then return known end
    out, used = pieces, 0
    local wrong = encode_value(value, 1)
    local list = out
    if used > 2000 then pieces = {} end
    out = nil
    if wrong then error(wrong, 2) end
    local text = concat(list, '', 1, used)
    if #text > 65536 then pieces = {} end
    return text
  end

"""
