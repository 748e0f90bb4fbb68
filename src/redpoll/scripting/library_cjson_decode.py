"""cjson's readers: the part of the text of `library_cjson` that turns JSON into tables.

Two readers.  The fast one jumps from quote to quote with plain searches, and knows the shapes of objects that it has
seen (`library_cjson_shapes`).  If it meets anything unusual (an error, a NUL, a strange number, a strict setting) it
gives up, and the exact reader, a lexer with tokens and positions, starts anew.
The loops over arrays and objects repeat the cases of strings and numbers: a call for each item would cost more than
the item.
"""

from __future__ import annotations

from typing import Final

EXACT: Final = rb"""
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
"""

FAST: Final = rb"""
  ---------------------------------------------------------------- decode, fast
  -- These return a value and the position after it, or nil and nil: then the exact reader tells what is wrong.
  local document = {escape = FAR}  -- where the next backslash is
  local is_learning = false        -- whether a shape is being described
  local credit = MOST_CREDIT       -- how many shapes may be learned now

  local function skip(pos)
    pos = find(text, '[^ \n\r\t]', pos)
    if pos then return pos, byte(text, pos) end
    return nil, 0
  end

  local function escaped_string(pos)
    local value, closing = unescape(text, pos)
    if value then document.escape = find(text, '\\', closing, true) or FAR return value, closing end
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

  -- Read the members of an object from the first quote at `pos` on into `result`.
  local function read_members(result, pos, depth)
    local code = 34
    while code == 34 do
      local quote = find(text, '"', pos + 1, true)
      if not quote then return nil end
      local key
      if quote < document.escape then key = sub(text, pos + 1, quote - 1)
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
        if quote < document.escape then value = sub(text, pos + 1, quote - 1)
        else
          value, quote = escaped_string(pos + 1)
          if not value then return nil end
        end
        pos = quote + 1
      else
        local _, last, digits
        if code <= 57 then _, last, digits = find(text, '^(%-?%d[%d.]*)[,}]', pos) end
        value = digits and tonumber(digits)
        if value then pos = last
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

  -- The same from the end of a value on.
  local function resume(result, pos, depth)
    local mark, code
    pos, mark = skip(pos)
    if mark == 125 then return result, pos + 1 end
    if mark ~= 44 then return nil end
    pos, code = skip(pos + 1)
    if code ~= 34 then return nil end
    return read_members(result, pos, depth)
  end
"""

DECODE: Final = rb"""
  function read_array(pos, depth)
    if depth > decode_depth or depth > DECODE_LEVELS then return nil end
    local result, count = {}, 0
    local reader  -- of the shape that the last item had
    local is_deep = depth >= decode_depth or depth >= DECODE_LEVELS
    local code = byte(text, pos)
    if not code or code <= 32 then pos, code = skip(pos) end
    if code == 93 then return result, pos + 1 end
    while pos do
      local value
      if code == 34 then
        local quote = find(text, '"', pos + 1, true)
        if not quote then return nil end
        if quote < document.escape then value = sub(text, pos + 1, quote - 1)
        else
          value, quote = escaped_string(pos + 1)
          if not value then return nil end
        end
        pos = quote + 1
      elseif code == 123 then
        local after = 0
        if reader and not is_deep then value, after = reader(text, pos + 1, depth + 1) end
        if after == 0 then value, after, reader = read_object(pos + 1, depth + 1) end
        if not after then return nil end
        pos = after
      else
        local _, last, digits
        if code <= 57 then _, last, digits = find(text, '^(%-?%d[%d.]*)[],]', pos) end
        value = digits and tonumber(digits)
        if value then pos = last
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
    local given = ...
    if type(given) ~= 'string' then
      if type(given) ~= 'number' then bad_argument(1, argument_text('string', true, given)) end
      given = given .. ''
    end
    text = given
    local result, after, wrong
    if decode_invalid and not find(given, '\0', 1, true) then
      document.escape = find(given, '\\', 1, true) or FAR
      is_learning = false
      if credit < MOST_CREDIT then credit = credit + 1 end
      local pos, code = skip(1)
      if code == 123 then result, after = read_object(pos + 1, 1)
      elseif code == 91 then result, after = read_array(pos + 1, 1) end
      if after and (after > #given or not skip(after)) then
        text = nil
        return result
      end
    elseif #given >= 2 and (byte(given, 1) == 0 or byte(given, 2) == 0) then
      error('JSON parser does not support UTF-16 or UTF-32', 2)
    end
    result, wrong = exact_document()
    text = nil
    if wrong then error(wrong, 2) end
    return result
  end
"""
