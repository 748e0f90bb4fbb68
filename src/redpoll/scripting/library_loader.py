"""The functions that compile Lua text, made safe: no precompiled code, and no code that crashes lupa's Lua 5.1.5.

A walk over the dump of a compiled script looks for two things:

* Tail calls.  Lua drops the frame of a function that ends in `return f(x)`.  If `f` is written in C, the frame stays,
  and the error messages of `f` name the caller's line.  Our functions are written in Lua.  So that their messages name
  the line too, a tail call becomes a call (the return that follows it is there already) if its function was read from
  a table, a global, or a local variable other than a parameter.  Calls of upvalues and parameters, by which functions
  recurse without end, stay tail calls.
* Functions with `...` and more than three other parameters are refused: called with fewer arguments, they write behind
  the end of the stack (CVE-2014-5461; up to three the reserve of the stack suffices).

Grammar of a dump of Lua 5.1 (little-endian, 8-byte sizes):
    dump      header (12 bytes) function
    function  string int int byte byte byte byte code constants int function... lines locals names
    string    size bytes     code  int (4 bytes)...     constants  int (type value)...

The name of a chunk is cut at a NUL: Lua makes its own copy of the text up to there, and the collector may free a copy
that nobody holds while the chunk is parsed (CVE-2025-49844).
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = rb"""
local tools = ...
local bad_argument, argument_text = tools.bad_argument, tools.argument_text
local native_string, dump = loadstring, string.dump
local byte, sub, find, gsub, char, concat = string.byte, string.sub, string.find, string.gsub, string.char, table.concat
local match = string.match
local type, select, floor, pcall, error = type, select, math.floor, pcall, error

local MOST_FIXED = 3
-- The parser walks chains of these once for each link: time grows with the square.
local MOST_LINKS = 10000
local LONG_TEXT = 30000

local MOVE, CALL, TAILCALL = 0, 28, 29
-- Instructions that load the function of a call; true: from a table or a global.
local LOADERS = {[0] = false, [1] = false, [2] = false, [3] = false, [4] = false, [5] = true, [6] = true, [11] = true,
  [28] = false, [36] = false, [37] = false}

local code, at, edits, count

local function integer()
  local a, b, c, d = byte(code, at, at + 3)
  at = at + 4
  return a + b * 256 + c * 65536 + d * 16777216
end

local function skip_string()
  local a, b, c, d = byte(code, at, at + 3)
  at = at + 8 + a + b * 256 + c * 65536 + d * 16777216
end

-- Whether the function called by the instruction at `pos` was loaded from a table, a global or a local variable.
local function is_named(pos, start, parameters)
  local low, middle = byte(code, pos, pos + 1)
  local register = floor(low / 64) + middle % 64 * 4
  while pos > start do
    pos = pos - 4
    local a, b, c, d = byte(code, pos, pos + 3)
    local kind = LOADERS[a % 64]
    if kind ~= nil and floor(a / 64) + b % 64 * 4 == register then
      if a % 64 == MOVE then return floor(c / 128) + d * 2 >= parameters end
      return kind
    end
  end
  return false
end

-- Walk over one function and its inner ones.  Returns the line of one that is refused, or nil.
local function walk()
  skip_string()
  local line = integer()
  at = at + 4
  local _, parameters, vararg = byte(code, at, at + 2)
  at = at + 4
  if vararg > 0 and parameters > MOST_FIXED then return line end
  local start = at + 4
  local stop = integer() * 4 + start
  for pos = start, stop - 4, 4 do
    if byte(code, pos) % 64 == TAILCALL and is_named(pos, start, parameters) then
      count = count + 1
      edits[count] = pos
    end
  end
  at = stop
  for _ = 1, integer() do
    local kind = byte(code, at)
    at = at + 1
    if kind == 1 then at = at + 1
    elseif kind == 3 then at = at + 8
    elseif kind == 4 then skip_string() end
  end
  for _ = 1, integer() do
    local refused = walk()
    if refused then return refused end
  end
  local lines = integer()
  at = at + lines * 4
  for _ = 1, integer() do
    skip_string()
    at = at + 8
  end
  for _ = 1, integer() do skip_string() end
end

-- How Lua writes a place in a chunk: `[string "x = 1"]:1`.
local function place(chunk_name, line)
  local _, wrong = native_string(')', chunk_name)
  return match(wrong, "^(.*):1: unexpected symbol near '%)'$") .. ':' .. line
end

-- The function as it may run; or nil and what is wrong.
local function harden(compiled, chunk_name)
  code, at, edits, count = dump(compiled), 13, {}, 0
  local refused = walk()
  local text, places, used = code, edits, count
  code, edits = nil, nil
  if refused then
    return nil, place(chunk_name, refused) .. ": function with '...' has more than " .. MOST_FIXED
      .. ' other parameters'
  end
  if used == 0 then return compiled end
  local parts, from = {}, 1
  for index = 1, used do
    local pos = places[index]
    parts[index * 2 - 1] = sub(text, from, pos - 1)
    parts[index * 2] = char(byte(text, pos) - TAILCALL + CALL)
    from = pos + 1
  end
  parts[used * 2 + 1] = sub(text, from)
  return native_string(concat(parts), chunk_name)
end

local WORDS = {'%f[%w]and%f[%W]', '%f[%w]or%f[%W]', '%f[%w]elseif%f[%W]', '%.%.'}

local function is_too_long(text)
  local total = 0
  for index = 1, #WORDS do total = total + select(2, gsub(text, WORDS[index], '')) end
  return total > MOST_LINKS
end

local function cut(text)
  local stop = find(text, '\0', 1, true)
  if stop then return sub(text, 1, stop - 1) end
  return text
end

-- Compile text under a name without NUL.  The caller holds both.
local function compile(text, chunk_name)
  if byte(text) == 27 then text = ' ' .. text end   -- then precompiled code is a syntax error
  if #text > LONG_TEXT and is_too_long(text) then
    return nil, place(chunk_name, 1) .. ': control structure too long'
  end
  local compiled, wrong = native_string(text, chunk_name)
  if not compiled then return nil, wrong end
  if find(text, 'return', 1, true) or find(text, '...', 1, true) then return harden(compiled, chunk_name) end
  return compiled
end

local function safe_loadstring(...)
  local text, chunk_name = ...
  if type(text) == 'number' then text = text .. '' end
  if type(text) ~= 'string' then bad_argument(1, argument_text('string', select('#', ...) > 0, text)) end
  if chunk_name == nil then chunk_name = text end
  if type(chunk_name) == 'number' then chunk_name = chunk_name .. '' end
  if type(chunk_name) ~= 'string' then bad_argument(2, argument_text('string', true, chunk_name)) end
  chunk_name = cut(chunk_name)
  if sub(chunk_name, 1, 8) == '=redpoll' then chunk_name = '= redpoll' end
  return compile(text, chunk_name)
end

local function safe_load(...)
  local reader, chunk_name = ...
  if chunk_name == nil then chunk_name = '=(load)' end
  if type(chunk_name) == 'number' then chunk_name = chunk_name .. '' end
  if type(chunk_name) ~= 'string' then bad_argument(2, argument_text('string', true, chunk_name)) end
  if type(reader) ~= 'function' then bad_argument(1, argument_text('function', select('#', ...) > 0, reader)) end
  chunk_name = cut(chunk_name)
  if sub(chunk_name, 1, 8) == '=redpoll' then chunk_name = '= redpoll' end
  local pieces, used = {}, 0
  while true do
    local ok, piece = pcall(reader)
    if not ok then return nil, piece end
    if piece == nil or piece == '' then break end
    if type(piece) == 'number' then piece = piece .. '' end
    if type(piece) ~= 'string' then return nil, 'reader function must return a string' end
    used = used + 1
    pieces[used] = piece
  end
  return compile(concat(pieces, '', 1, used), chunk_name)
end

return {loadstring = safe_loadstring, load = safe_load}
"""
