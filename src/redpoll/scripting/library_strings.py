"""Lua's own functions of strings and tables, made safe: none crashes the process or runs on without end.

Lua's pattern matcher is written in C and backtracks: no hook ends it, and a pattern of very many items overflows the
stack.  So each pattern is weighed once: how often its items may try again decides how long a subject the C matcher
gets.
Beyond that the matcher of `library_patterns` takes over.

The rest: unpack checks its range (CVE-2025-46817), rep builds long strings by doubling, a plain search of a long
needle and a sort of a long table run in Lua, insert does not count down from nowhere.
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = rb"""
local tools, patterns = ...
local parse, weigh, is_cheap, pattern_of = patterns.parse, patterns.weigh, patterns.is_cheap, patterns.pattern_of
local search, captured, expand, cache = patterns.search, patterns.captured, patterns.expand, patterns.cache
local bad_argument, argument_text, check_number, check_string, getinfo =
  tools.bad_argument, tools.argument_text, tools.check_number, tools.check_string, tools.getinfo
local find, match, gmatch, gsub, rep, dump = string.find, string.match, string.gmatch, string.gsub, string.rep,
  string.dump
local byte, sub, char, concat, sort, insert = string.byte, string.sub, string.char, table.concat, table.sort,
  table.insert
local native_unpack = unpack
local type, select, error, pcall, floor = type, select, error, pcall, math.floor
local rawset, rawget = rawset, rawget

local MOST_CAPTURES = 32

---------------------------------------------------------------- calls that fail

-- Call a function in C with arguments that it may refuse: the message gets the caller's position, and the name as the
-- caller has it.  Called directly by a function of the library.
local function protected(native, ...)
  local results = {pcall(native, ...)}
  if results[1] then return native_unpack(results, 2, MOST_CAPTURES + 3) end
  local message = results[2]
  if type(message) ~= 'string' then error(message, 0) end
  local _, _, index, what = find(message, "^bad argument #(%d+) to '%?' %((.*)%)$")
  if index then bad_argument(index + 0, what, 1) end
  error(message, 3)
end

---------------------------------------------------------------- find and match

local function start_of(init, length)
  init = init or 1
  if init < 0 then init = length + init + 1 end
  if not (init >= 1) then return 1 end
  if init > length + 1 then return length + 1 end
  return floor(init)
end

-- Search a long text for a long plain needle in linear time (the one in C needs their product).
local function find_plain(text, needle, init)
  local length = #needle
  local failure, matched = {0}, 0
  for pos = 2, length do
    local code = byte(needle, pos)
    while matched > 0 and byte(needle, matched + 1) ~= code do matched = failure[matched] end
    if byte(needle, matched + 1) == code then matched = matched + 1 end
    failure[pos] = matched
  end
  matched = 0
  for pos = init, #text do
    local code = byte(text, pos)
    while matched > 0 and byte(needle, matched + 1) ~= code do matched = failure[matched] end
    if byte(needle, matched + 1) == code then matched = matched + 1 end
    if matched == length then return pos - length + 1, pos end
  end
  return nil
end

local function safe_find(...)
  local text, pattern, init, plain = ...
  if type(text) ~= 'string' or type(pattern) ~= 'string' or init ~= nil and type(init) ~= 'number' then
    if type(text) ~= 'string' then text = check_string(1, ...) end
    if type(pattern) ~= 'string' then pattern = check_string(2, ...) end
    if init ~= nil then init = check_number(3, ...) end
  end
  local parsed = cache[pattern]
  if parsed == nil then parsed = pattern_of(pattern) end
  if plain or parsed == false or parsed.plain then
    if #pattern > 100 and #pattern * #text > 1e9 then return find_plain(text, pattern, start_of(init, #text)) end
    return find(text, pattern, init, true)
  end
  if parsed.wrong then
    if #text > 20 or #pattern > 100 then error(parsed.wrong, 2) end
    return (protected(find, text, pattern, init))
  end
  if #text <= 40 and parsed.choices < 3 or is_cheap(parsed, text) then return find(text, pattern, init) end
  local from, stop = search(3, parsed, text, start_of(init, #text))
  if not from then return nil end
  if parsed.captures == 0 then return from, stop - 1 end
  return from, stop - 1, captured(parsed, from, stop)
end

local function safe_match(...)
  local text, pattern, init = ...
  if type(text) ~= 'string' or type(pattern) ~= 'string' or init ~= nil and type(init) ~= 'number' then
    if type(text) ~= 'string' then text = check_string(1, ...) end
    if type(pattern) ~= 'string' then pattern = check_string(2, ...) end
    if init ~= nil then init = check_number(3, ...) end
  end
  local parsed = cache[pattern]
  if parsed == nil then parsed = pattern_of(pattern) end
  if parsed == false then
    if #pattern > 100 and #pattern * #text > 1e9 then
      return find_plain(text, pattern, start_of(init, #text)) and pattern or nil
    end
    return match(text, pattern, init)
  end
  if parsed.wrong then
    if #text > 20 or #pattern > 100 then error(parsed.wrong, 2) end
    return (protected(match, text, pattern, init))
  end
  if #text <= 40 and parsed.choices < 3 or is_cheap(parsed, text) then return match(text, pattern, init) end
  local from, stop = search(3, parsed, text, start_of(init, #text))
  if not from then return nil end
  return captured(parsed, from, stop)
end

---------------------------------------------------------------- gmatch and gsub

local function safe_gmatch(...)
  local text, pattern = ...
  if type(text) ~= 'string' then text = check_string(1, ...) end
  if type(pattern) ~= 'string' then pattern = check_string(2, ...) end
  local parsed = pattern_of(pattern)
  if not parsed then
    if #pattern <= 100 or #pattern * #text <= 1e9 then return gmatch(text, pattern) end
    error('pattern too complex', 2)
  end
  if parsed.wrong then
    if #text > 20 or #pattern > 100 then return function() error(parsed.wrong, 2) end end
    local iterator = gmatch(text, pattern)
    return function() return (protected(iterator)) end
  end
  if sub(pattern, 1, 1) ~= '^' and is_cheap(parsed, text) then return gmatch(text, pattern) end
  if parsed.anchored then   -- here ^ is an ordinary character
    parsed = parse('%' .. pattern)
    if not parsed then return gmatch('', 'x') end
    weigh(parsed)
  end
  local pos = 1
  return function()
    if pos > #text + 1 then return nil end
    local from, stop = search(3, parsed, text, pos)
    if not from then
      pos = #text + 2
      return nil
    end
    pos = stop > from and stop or stop + 1
    return captured(parsed, from, stop)
  end
end

-- What a replacement may be, else the error of the one in C, `level` levels up.
local function replacement_text(value, original, level)
  if not value then return original end
  if type(value) == 'string' or type(value) == 'number' then return value end
  error('invalid replacement value (a ' .. type(value) .. ')', level)
end

local function gsub_in_lua(parsed, text, replacement, most)
  local kind = type(replacement)
  local parts, used, count, pos, length = {}, 0, 0, 1, #text
  while count < most do
    local from, stop = search(4, parsed, text, pos, true)
    if from then
      count = count + 1
      local original = sub(text, from, stop - 1)
      local value, wrong
      if kind == 'string' then
        value, wrong = expand(parsed, replacement, from, stop)
        if wrong then error(wrong, 3) end
      elseif kind == 'table' then value = replacement[(captured(parsed, from, stop))]
      else value = replacement(captured(parsed, from, stop)) end
      used = used + 1
      parts[used] = replacement_text(value, original, 4)
      if stop > from then pos = stop end
    end
    if not from or stop == from then
      if pos > length then break end
      used = used + 1
      parts[used] = sub(text, pos, pos)
      pos = pos + 1
    end
    if parsed.anchored then break end
  end
  used = used + 1
  parts[used] = sub(text, pos)
  return concat(parts, '', 1, used), count
end

local function safe_gsub(...)
  local text, pattern, replacement, most = ...
  if type(text) ~= 'string' then text = check_string(1, ...) end
  if type(pattern) ~= 'string' then pattern = check_string(2, ...) end
  if most ~= nil then most = floor(check_number(4, ...)) end
  if type(replacement) == 'number' then replacement = replacement .. '' end
  local kind = type(replacement)
  if kind ~= 'string' and kind ~= 'table' and kind ~= 'function' then
    bad_argument(3, 'string/function/table expected')
  end
  local parsed = pattern_of(pattern)
  if parsed and parsed.wrong then
    if #text > 20 or #pattern > 100 then error(parsed.wrong, 2) end
    local a, b = protected(gsub, text, pattern, replacement, most)
    return a, b
  end
  if not parsed and #pattern > 100 and #pattern * #text > 1e9 then error('pattern too complex', 2) end
  if not parsed or #text <= 40 and parsed.choices < 3 or is_cheap(parsed, text) then
    if kind == 'function' then
      return gsub(text, pattern, function(...) return replacement_text(replacement(...), false, 5) end, most)
    elseif kind == 'table' then
      return gsub(text, pattern, function(key) return replacement_text(replacement[key], false, 5) end, most)
    elseif not find(replacement, '%', 1, true) then return gsub(text, pattern, replacement, most) end
    local a, b = protected(gsub, text, pattern, replacement, most)
    return a, b
  end
  local a, b = gsub_in_lua(parsed, text, replacement, most or #text + 1)
  return a, b
end

---------------------------------------------------------------- the rest

local function safe_rep(...)
  local text, count = ...
  if type(text) ~= 'string' then text = check_string(1, ...) end
  if type(count) ~= 'number' then count = check_number(2, ...) end
  -- The count is cut to 32 bits.
  if not (count > -2147483649 and count < 2147483648) then
    if count ~= count or count >= 2 ^ 63 or count < -2 ^ 63 then return '' end
    count = (count < 0 and -floor(-count) or floor(count)) % 4294967296
    if count >= 2147483648 then return '' end
  end
  local length = #text
  if length == 0 or count < 1 then return '' end
  if count * length < 100000 or length > 1000 then return rep(text, count) end
  -- Blocks of about 4 KB: the one in C copies each piece with a call.
  count = floor(count)
  local each = floor(4096 / length)
  local rest = count % each
  return rep(rep(text, each), (count - rest) / each) .. rep(text, rest)
end

local function safe_dump(...)
  local value = ...
  if type(value) ~= 'function' then bad_argument(1, argument_text('function', select('#', ...) > 0, value)) end
  local info = getinfo(value, 'S')
  if info.what == 'C' or info.source == '=redpoll' then error('unable to dump given function', 2) end
  return dump(value)
end

local MOST_RESULTS = 7990

local function safe_unpack(...)
  local list, from, to = ...
  if type(list) ~= 'table' then bad_argument(1, argument_text('table', select('#', ...) > 0, list)) end
  if from == nil and to == nil then
    if #list > MOST_RESULTS then error('too many results to unpack', 2) end
    return native_unpack(list)
  end
  from = from == nil and 1 or check_number(2, ...)
  to = to == nil and #list or check_number(3, ...)
  if to - from >= MOST_RESULTS or from ~= from or to ~= to then error('too many results to unpack', 2) end
  return native_unpack(list, from, to)
end

-- Long tables are sorted with a comparison in Lua, so that the hook sees it.
local LONG_TABLE = 20000

local function less(a, b) return a < b end

local function safe_sort(...)
  local list, order = ...
  if type(list) ~= 'table' then bad_argument(1, argument_text('table', select('#', ...) > 0, list)) end
  if order ~= nil and type(order) ~= 'function' then bad_argument(2, argument_text('function', true, order)) end
  if order == nil and #list > LONG_TABLE then order = less end
  local ok, wrong = pcall(sort, list, order)
  if ok then return end
  if wrong == 'invalid order function for sorting' then error(wrong, 2) end
  if order == less and type(wrong) == 'string' then wrong = gsub(wrong, '^redpoll:%d+: ', '') end
  error(wrong, 0)
end

local function safe_insert(...)
  local list = ...
  local count = select('#', ...)
  if type(list) ~= 'table' then bad_argument(1, argument_text('table', count > 0, list)) end
  if count == 2 then
    rawset(list, #list + 1, (select(2, ...)))
    return
  end
  if count ~= 3 then error("wrong number of arguments to 'insert'", 2) end
  local at = floor(check_number(2, ...))
  local last = #list + 1
  if at > last then last = at end
  for index = last, at + 1, -1 do rawset(list, index, rawget(list, index - 1)) end
  rawset(list, at, (select(3, ...)))
end

return {
  string = {find = safe_find, match = safe_match, gmatch = safe_gmatch, gfind = safe_gmatch, gsub = safe_gsub,
    rep = safe_rep,
    dump = safe_dump},
  table = {sort = safe_sort, insert = safe_insert},
  unpack = safe_unpack,
}
"""
