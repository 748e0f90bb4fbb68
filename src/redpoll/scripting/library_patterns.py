"""Patterns for the safe string functions: they are read, weighed, and matched in Lua if the matcher in C could run on
without end.

`weigh` counts what may make matching slow.  `is_cheap` says whether the matcher in C may have a subject: it estimates
the steps in the worst case from the longest runs in the subject.  The matcher in Lua gives the same matches.  It counts
its steps, and the hook of the runtime can end it.
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = rb"""
local tools = ...
local find, gsub, rep, byte, sub, char = string.find, string.gsub, string.rep, string.byte, string.sub, string.char
local native_unpack = unpack
local error, pcall, next, type = error, pcall, next, type

---------------------------------------------------------------- patterns

-- Steps that the matcher in C may need, by estimate, and that the one in Lua may make.
local NATIVE_STEPS, LUA_STEPS = 1e8, 1e7
local MOST_CHOICES = 100     -- items that may try again, in a pattern for the matcher in C
local MOST_ITEMS = 3000
local MOST_CAPTURES = 32
local PROBE = 200            -- a run of this length counts as long

-- The bytes that an item (`a`, `%a`, `[...]`, `.`) matches, as a table of byte to true.
local sets, set_count = {}, 0
local function set_of(item)
  local set = sets[item]
  if set then return set end
  set = {}
  for code = 0, 255 do
    if find(char(code), '^' .. item) then set[code] = true end
  end
  if set_count >= 200 then sets, set_count = {}, 0 end
  sets[item] = set
  set_count = set_count + 1
  return set
end

local function overlap(a, b)
  for code in next, a do
    if b[code] then return true end
  end
  return false
end

-- The end of the class that starts with [ at `pos`, or nil.
local function class_end(pattern, pos)
  pos = pos + 1
  if sub(pattern, pos, pos) == '^' then pos = pos + 1 end
  repeat
    local letter = sub(pattern, pos, pos)
    if letter == '' then return nil end
    pos = pos + 1
    if letter == '%' then pos = pos + 1 end
  until sub(pattern, pos, pos) == ']'
  return pos
end

-- Read a pattern into a list of items {kind, ...}; nil and what is wrong if it is malformed.
local function parse(pattern)
  local zero = find(pattern, '%z')
  if zero then pattern = sub(pattern, 1, zero - 1) end
  local items, used, open, captures, pos, length = {}, 0, {}, 0, 1, #pattern
  local closed = {}
  local anchored = sub(pattern, 1, 1) == '^'
  if anchored then pos = 2 end
  while pos <= length do
    local letter, following = sub(pattern, pos, pos), sub(pattern, pos + 1, pos + 1)
    local item
    if letter == '(' then
      captures = captures + 1
      if captures > MOST_CAPTURES then return nil, 'too many captures' end
      if following == ')' then
        item = {kind = 'position', index = captures}
        closed[captures] = true
        pos = pos + 2
      else
        item = {kind = 'open', index = captures}
        open[#open + 1] = captures
        pos = pos + 1
      end
    elseif letter == ')' then
      if #open == 0 then return nil, 'invalid pattern capture' end
      item = {kind = 'close', index = open[#open]}
      closed[open[#open]] = true
      open[#open] = nil
      pos = pos + 1
    elseif letter == '$' and pos == length then
      item = {kind = 'end'}
      pos = pos + 1
    elseif letter == '%' and following == 'b' then
      local first, last = byte(pattern, pos + 2, pos + 3)
      if not last then return nil, 'unbalanced pattern' end
      item = {kind = 'balance', first = first, last = last}
      pos = pos + 4
    elseif letter == '%' and following == 'f' then
      if sub(pattern, pos + 2, pos + 2) ~= '[' then return nil, "missing '[' after '%f' in pattern" end
      local stop = class_end(pattern, pos + 2)
      if not stop then return nil, "malformed pattern (missing ']')" end
      item = {kind = 'frontier', set = set_of(sub(pattern, pos + 2, stop))}
      pos = stop + 1
    elseif letter == '%' and find(following, '%d') then
      local index = following + 0
      if not closed[index] then return nil, 'invalid capture index' end
      item = {kind = 'back', index = index}
      pos = pos + 2
    else
      local stop = pos
      if letter == '%' then
        stop = pos + 1
        if following == '' then return nil, "malformed pattern (ends with '%')" end
      elseif letter == '[' then
        stop = class_end(pattern, pos)
        if not stop then return nil, "malformed pattern (missing ']')" end
      end
      local text = sub(pattern, pos, stop)
      if find(text, '^[%^$()*+?-]$') then text = '%' .. text end
      item = {kind = 'single', text = text}
      local quantifier = sub(pattern, stop + 1, stop + 1)
      if quantifier ~= '' and find(quantifier, '[*+?-]') then
        item.repeats = quantifier
        stop = stop + 1
      end
      pos = stop + 1
    end
    if used == MOST_ITEMS then return nil, 'pattern too complex' end
    used = used + 1
    items[used] = item
  end
  if #open > 0 then return nil, 'unfinished capture' end
  return {items = items, count = used, anchored = anchored, captures = captures}
end

-- The set of bytes with which the items from `index` must begin; nil if anything goes.
local function first_set(items, count, index)
  while index <= count do
    local item = items[index]
    if item.kind == 'single' then
      if not item.repeats or item.repeats == '+' then return set_of(item.text) end
      return nil
    elseif item.kind ~= 'open' and item.kind ~= 'close' and item.kind ~= 'position' then return nil end
    index = index + 1
  end
  return nil
end

-- Whether what follows `index` cannot fail: captures only, or the end after an item that takes all.
local function is_last(items, count, index)
  for at = index + 1, count do
    local kind = items[at].kind
    if kind == 'end' then return items[index].text == '.' and items[index].repeats ~= '-' end
    if kind ~= 'open' and kind ~= 'close' and kind ~= 'position' then return false end
  end
  return true
end

-- Weigh a parsed pattern: `choices` is how many items may try again; `runs` are those that may take many bytes for
-- nothing:
-- a sure one (what follows cannot begin inside its run) costs one run for each start, another multiplies what follows.
local function weigh(parsed)
  local items, count = parsed.items, parsed.count
  local choices, factor = 0, 1
  local runs, unbounded = {}, 0
  for index = 1, count do
    local item = items[index]
    local kind, repeats = item.kind, item.repeats
    if kind ~= 'single' then
      choices = choices + 1
      if kind == 'balance' or kind == 'back' then unbounded = unbounded + 1 end
    elseif repeats == '?' then
      choices = choices + 1
      local following = first_set(items, count, index + 1)
      if not is_last(items, count, index) and (not following or overlap(set_of(item.text), following)) then
        factor = factor * 2
      end
    elseif repeats then
      choices = choices + 1
      local following = first_set(items, count, index + 1)
      if not is_last(items, count, index) then
        local sure = following and not overlap(set_of(item.text), following)
        runs[#runs + 1] = {text = item.text, sure = sure}
      end
    end
  end
  parsed.choices, parsed.factor, parsed.runs, parsed.unbounded = choices, factor, runs, unbounded
end

-- Whether the matcher in C may have this subject.
local function is_cheap(parsed, subject)
  if parsed.choices > MOST_CHOICES then return false end
  local length = #subject + 1
  local steps, longest = parsed.factor, 1
  local runs = parsed.runs
  if not parsed.anchored then steps = steps * length end
  for _ = 1, parsed.unbounded do steps = steps * length end
  local quick = steps
  for index = 1, #runs do
    if not runs[index].sure then quick = quick * length elseif longest < length then longest = length end
  end
  if quick * longest <= NATIVE_STEPS then return true end
  if #runs == 0 then return parsed.unbounded == 0 and steps <= 1e9 end
  -- Too dear if the subject were one long run; look whether it has long runs at all.
  if length > 2e6 then return false end
  longest = 1
  for index = 1, #runs do
    local run = runs[index]
    if not run.probe then run.probe = rep(run.text, PROBE) end
    local bound = find(subject, run.probe) and length or PROBE
    if not run.sure then steps = steps * bound elseif longest < bound then longest = bound end
  end
  return steps * longest <= NATIVE_STEPS
end

local SPECIAL = '[%^$*+?.%([%%-]'

-- Whether a pattern is more than plain text.  Plain searches are a hundred times as fast as a set.
local function is_special(pattern)
  if #pattern <= 200 then return find(pattern, SPECIAL) end
  for index = 1, 10 do
    if find(pattern, sub('^$*+?.([%-', index, index), 1, true) then return true end
  end
  return false
end

local cache, cached = {}, 0

-- The weighed pattern; false if it has nothing special, or with `wrong` what is malformed.
local function pattern_of(pattern)
  local known = cache[pattern]
  if known ~= nil then return known end
  known = false
  if is_special(pattern) then
    local parsed, wrong = parse(pattern)
    if parsed then weigh(parsed) else parsed = {wrong = wrong} end
    known = parsed
  elseif find(pattern, ')', 1, true) then   -- find takes this as plain text
    known = {wrong = 'invalid pattern capture', plain = true}
  end
  if #pattern <= 200 then
    if cached >= 500 then
      for old in next, cache do cache[old] = nil end
      cached = 0
    end
    cache[pattern] = known
    cached = cached + 1
  end
  return known
end

---------------------------------------------------------------- the matcher in Lua

local subject, items, item_count, steps, starts, stops

local POSITION = -1

local function try(index, pos)
  while true do
    steps = steps + 1
    if steps > LUA_STEPS then error({}, 0) end
    if index > item_count then return pos end
    local item = items[index]
    local kind = item.kind
    if kind == 'single' then
      local set, repeats = item.set, item.repeats
      if not repeats then
        if not set[byte(subject, pos)] then return nil end
        pos = pos + 1
      elseif repeats == '?' then
        if set[byte(subject, pos)] then
          local found = try(index + 1, pos + 1)
          if found then return found end
        end
      elseif repeats == '-' then
        while true do
          local found = try(index + 1, pos)
          if found then return found end
          if not set[byte(subject, pos)] then return nil end
          pos = pos + 1
        end
      else
        local _, last = find(subject, item.run, pos)
        steps = steps + (last - pos) / 16
        for stop = last + 1, repeats == '+' and pos + 1 or pos, -1 do
          local found = try(index + 1, stop)
          if found then return found end
        end
        return nil
      end
    elseif kind == 'open' or kind == 'position' then
      starts[item.index] = pos
      stops[item.index] = kind == 'position' and POSITION or nil
    elseif kind == 'close' then
      stops[item.index] = pos
    elseif kind == 'end' then
      if pos <= #subject then return nil end
    elseif kind == 'balance' then
      if byte(subject, pos) ~= item.first then return nil end
      local depth = 1
      repeat
        pos = pos + 1
        local code = byte(subject, pos)
        if not code then return nil end
        if code == item.last then depth = depth - 1 elseif code == item.first then depth = depth + 1 end
        steps = steps + 0.1
      until depth == 0
      pos = pos + 1
    elseif kind == 'frontier' then
      if item.set[pos > 1 and byte(subject, pos - 1) or 0] or not item.set[byte(subject, pos) or 0] then return nil end
    else
      local text = sub(subject, starts[item.index], stops[item.index] - 1)
      if stops[item.index] == POSITION or sub(subject, pos, pos + #text - 1) ~= text then return nil end
      pos = pos + #text
    end
    index = index + 1
  end
end

-- Bytes looked up behind the end are nil, and a table takes no nil as key for reading: every set answers false there.
local function prepare(parsed)
  if parsed.prepared then return end
  for index = 1, parsed.count do
    local item = parsed.items[index]
    if item.kind == 'single' then
      item.set = set_of(item.text)
      item.run = '^' .. item.text .. '*'
    end
  end
  parsed.prepared = true
end

-- The match at or after `init`: start and end (exclusive), or nil.  Captures are left in `starts` and `stops`.
local function search(parsed, text, init, only_here)
  prepare(parsed)
  subject, items, item_count, steps = text, parsed.items, parsed.count, 0
  local pos, length = init, #text
  while true do
    starts, stops = {}, {}
    local stop = try(1, pos)
    if stop then return pos, stop end
    pos = pos + 1
    if pos > length + 1 or only_here or parsed.anchored then return nil end
  end
end

local function capture(index)
  if stops[index] == POSITION then return starts[index] end
  return sub(subject, starts[index], stops[index] - 1)
end

local function captured(parsed, from, stop)
  if parsed.captures == 0 then return sub(subject, from, stop - 1) end
  local values = {}
  for index = 1, parsed.captures do values[index] = capture(index) end
  return native_unpack(values, 1, parsed.captures)
end

-- `search` for the functions below: a pattern that needs too many steps is an error at the caller of those.
local function watched_search(level, ...)
  local ok, from, stop = pcall(search, ...)
  if ok then return from, stop end
  if type(from) == 'table' then error('pattern too complex', level) end
  error(from, 0)
end

-- The text for a match in the matcher in Lua; what is wrong comes second.
local function expand(parsed, replacement, from, stop)
  local whole = sub(subject, from, stop - 1)
  local wrong
  local text = gsub(replacement, '%%(.?)', function(letter)
    if letter == '0' then return whole end
    if not find(letter, '%d') then return letter == '' and '\0' or letter end
    local index = letter + 0
    if index == 1 and parsed.captures == 0 then return whole end
    if index > parsed.captures then wrong = 'invalid capture index' return '' end
    return capture(index)
  end)
  return text, wrong
end

tools.releases[watched_search] = function() subject, items, starts, stops = nil, nil, nil, nil end

return {
  parse = parse, weigh = weigh, is_cheap = is_cheap, pattern_of = pattern_of, cache = cache, search = watched_search,
    captured = captured,
  expand = expand,
}
"""
