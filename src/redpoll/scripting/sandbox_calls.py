"""The Lua side of the runtime, second half: running scripts and functions, their results, tables of replies.

It follows the text of `sandbox.py` in one chunk, and uses its locals.
"""

from __future__ import annotations

from typing import Final

CALLS: Final = rb"""
-- Results for Python: a string, number, boolean or nil as it is, else a code and what belongs to it.

local FLAT, ERROR, TREE = 1, 2, 3
local MOST = 4000
local STACK_LEVELS = 7995
local rest, rest_at   -- further items of a long result

local function spell(out, n, v, level)
  local kind = type(v)
  if kind == 'string' or kind == 'number' then
    out[n + 1], out[n + 2] = 0, v
    return n + 2
  end
  if kind == 'boolean' then
    out[n + 1] = v and 1 or 2
    return n + 1
  end
  if kind ~= 'table' then
    out[n + 1] = 3
    return n + 1
  end
  if level > STACK_LEVELS then
    out[n + 1], out[n + 2], out[n + 3] = 4, 'ERR reached lua stack limit', 0
    return n + 3
  end
  v = sealed[v] or v
  local field = rawget(v, 'err')
  if type(field) == 'string' then
    out[n + 1], out[n + 2] = 4, field
    out[n + 3] = rawget(v, 'ignore_error_stats_update') and 1 or 0
    return n + 3
  end
  field = rawget(v, 'ok')
  if type(field) == 'string' then
    out[n + 1], out[n + 2] = 5, field
    return n + 2
  end
  field = rawget(v, 'double')
  if type(field) == 'number' then
    -- lupa passes -0 as the integer 0.
    out[n + 1], out[n + 2] = 6, field == 0 and 1 / field < 0 and '-0' or field
    return n + 2
  end
  field = rawget(v, 'map')
  if type(field) == 'table' then
    local head, count = n + 1, 0
    out[head], n = 9, n + 2
    for k, value in next, field do
      n = spell(out, n, k, level + 1)
      n = spell(out, n, value, level + 1)
      count = count + 1
    end
    out[head + 1] = count
    return n
  end
  field = rawget(v, 'set')
  if type(field) == 'table' then
    local head, count = n + 1, 0
    out[head], n = 10, n + 2
    for k in next, field do
      n = spell(out, n, k, level + 1)
      count = count + 1
    end
    out[head + 1] = count
    return n
  end
  field = rawget(v, 'big_number')
  if type(field) == 'string' then
    out[n + 1], out[n + 2] = 7, field
    return n + 2
  end
  field = rawget(v, 'verbatim_string')
  if type(field) == 'table' then
    local how, text = rawget(field, 'format'), rawget(field, 'string')
    if type(how) == 'string' and type(text) == 'string' then
      out[n + 1], out[n + 2], out[n + 3] = 8, how, text
      return n + 3
    end
  end
  local head, count = n + 1, 0
  out[head], n = 11, n + 2
  while true do
    local value = rawget(v, count + 1)
    if value == nil then
      break
    end
    n = spell(out, n, value, level + 1)
    count = count + 1
  end
  out[head + 1] = count
  return n
end

local function deliver(ok, v)
  rest = nil
  if ok then
    local kind = type(v)
    if kind == 'string' or kind == 'number' or kind == 'boolean' then
      return v
    end
    if kind ~= 'table' then
      return nil
    end
    local n = 0
    if rawget(v, 1) ~= nil and rawget(v, 'err') == nil and rawget(v, 'ok') == nil and rawget(v, 'double') == nil
       and rawget(v, 'map') == nil and rawget(v, 'set') == nil and rawget(v, 'big_number') == nil
       and rawget(v, 'verbatim_string') == nil then
      while true do
        local item = rawget(v, n + 1)
        local what = type(item)
        if what == 'string' or what == 'number' then
          n = n + 1
        elseif what == 'nil' then
          if n <= MOST then
            return FLAT, unpack(v, 1, n)
          end
          break
        else
          break
        end
      end
    end
    local out = {}
    n = spell(out, 0, v, 1)
    if n <= MOST then
      return TREE, n, unpack(out, 1, n)
    end
    rest, rest_at = out, MOST + 1
    return TREE, n, unpack(out, 1, MOST)
  end
  local err = rawget(v, 'err')
  if err == nil and getmetatable(v) ~= nil then
    local known, value = pcall(function() return v.err end)
    err = known and value or nil
  end
  if type(err) == 'number' then
    err = tostring(err)
  elseif type(err) ~= 'string' then
    err = 'ERR unknown error'
  end
  err = match(err, '^[^%z]*')
  local source, line = rawget(v, 'source'), rawget(v, 'line')
  if source and line then
    err = err .. ' script: on ' .. source .. ':' .. line .. '.'
  end
  return ERROR, err, rawget(v, 'ignore_error_stats_update') and 1 or 0
end

local function more()
  local from = rest_at
  rest_at = from + MOST
  return unpack(rest, from, from + MOST - 1)
end

-- What Python calls.

local eval_real, eval_env, function_real, function_env
local scripts = {}      -- number -> function
local fed, fed_count = {}, 0

local function run(id, count, ...)
  if count == 0 then
    eval_real.KEYS, eval_real.ARGV = {}, {...}
  elseif count == 1 then
    eval_real.KEYS, eval_real.ARGV = {(...)}, {select(2, ...)}
  else
    eval_real.KEYS, eval_real.ARGV = {unpack({...}, 1, count)}, {select(count + 1, ...)}
  end
  return deliver(xpcall(scripts[id], handler))
end

local function run_function(id, count, ...)
  local keys, args
  if count == 0 then
    keys, args = {}, {...}
  else
    keys, args = {unpack({...}, 1, count)}, {select(count + 1, ...)}
  end
  local f = scripts[id]
  return deliver(xpcall(function() return f(keys, args) end, handler))
end

-- Long argument lists come in pieces.
local function feed(...)
  local count = select('#', ...)
  local piece = {...}
  for n = 1, count do
    fed[fed_count + n] = piece[n]
  end
  fed_count = fed_count + count
end

local function run_fed(id, count, is_function)
  local keys, args = {}, {}
  for n = 1, count do
    keys[n] = fed[n]
  end
  for n = count + 1, fed_count do
    args[n - count] = fed[n]
  end
  fed, fed_count = {}, 0
  local f = scripts[id]
  if is_function then
    return deliver(xpcall(function() return f(keys, args) end, handler))
  end
  eval_real.KEYS, eval_real.ARGV = keys, args
  return deliver(xpcall(f, handler))
end

local function compile(id, text)
  local f, message = loadstring(text, '@user_script')
  if not f then
    return message
  end
  scripts[id] = setfenv(f, eval_env)
end

local function forget(id)
  scripts[id] = nil
end

local function forget_all()
  for id in next, scripts do
    if id > 0 then
      scripts[id] = nil
    end
  end
end

local function renew_eval(insecure)
  eval_real, eval_env = new_environment(true, insecure)
end

-- Function libraries.

local register_function = as_function(register)
local loading_env

local function renew_functions(insecure)
  function_real, function_env = new_environment(false, insecure)
  local api, small = sealed[function_real.redis], {register_function = register_function}
  for name, value in pairs(api) do
    if find(name, '^LOG_') or find(name, 'VERSION') or name == 'SERVER_NAME' or name == 'log' then
      small[name] = value
    end
  end
  local real = setmetatable({redis = false, server = false}, {__index = missing})
  setmetatable(small, {__index = missing})
  local proxy = seal(small)
  real.redis, real.server = proxy, proxy
  loading_env = seal(real)
end

local function loading_error(e)
  e = public(e)
  if type(e) == 'table' then
    local err = rawget(sealed[e] or e, 'err')
    if type(err) == 'string' or type(err) == 'number' then
      return tostring(err)
    end
    return 'ERR unknown error'
  end
  return 'ERR ' .. tostring(e)
end

-- Returns nothing, or a number for the phase that failed and the message.
local function load_library(text)
  local f, message = loadstring(text, '@user_function')
  if not f then
    return 1, message
  end
  local env = setmetatable({}, {__index = sealed[loading_env], __newindex = refuse})
  sealed[env] = sealed[loading_env]
  setfenv(f, env)
  local ok, e = xpcall(f, loading_error)
  local mt = getmetatable(env)
  mt.__index = function_real
  sealed[env] = function_real
  if killed then
    return 3, killed
  end
  if not ok then
    return 2, e
  end
end

local function keep_function(id, f)
  scripts[id] = f
end

local function fields(t)
  local out, n = {}, 0
  t = sealed[t] or t
  for k, v in next, t do
    out[n + 1], out[n + 2] = k, v
    n = n + 2
    if n > 64 then
      break
    end
  end
  return unpack(out, 1, n)
end

local function items(t)
  t = sealed[t] or t
  local n = 0
  while n < 64 and rawget(t, n + 1) ~= nil do
    n = n + 1
  end
  return n, unpack(t, 1, n)
end

-- Tables of replies.

local function array(...)
  return {...}
end

local function long_array(t, at, ...)
  local piece = {...}
  for n = 1, select('#', ...) do
    t[at + n] = piece[n]
  end
  return t
end

local function status_table(text)
  return {ok = text}
end

local function error_table(text, counted)
  if counted then
    return {err = text, ignore_error_stats_update = true}
  end
  return {err = text}
end

local tokens, token_at

local function take()
  local code = tokens[token_at]
  local value = tokens[token_at + 1]
  token_at = token_at + 2
  if code == 0 then
    return value
  elseif code == 1 then
    local t = {}
    for n = 1, value do
      t[n] = take()
    end
    return t
  elseif code == 2 then
    local t = {}
    for _ = 1, value do
      local k = take()
      local v = take()
      if k ~= nil then
        t[k] = v
      end
    end
    return {map = t}
  elseif code == 3 then
    local t = {}
    for _ = 1, value do
      local k = take()
      if k ~= nil then
        t[k] = true
      end
    end
    return {set = t}
  elseif code == 4 then
    return {ok = value}
  elseif code == 5 then
    return {err = value, ignore_error_stats_update = true}
  elseif code == 6 then
    return {double = value}
  elseif code == 7 then
    return {big_number = value}
  elseif code == 8 then
    local how = tokens[token_at]
    token_at = token_at + 1
    return {verbatim_string = {format = how, string = value}}
  end
end

local token_count = 0

local function add_tokens(...)
  if token_count == 0 then
    tokens = {...}
  else
    long_array(tokens, token_count, ...)
  end
  token_count = token_count + select('#', ...)
end

local function tree(...)
  add_tokens(...)
  token_at, token_count = 1, 0
  local made = take()
  tokens = nil
  return made
end

-- lupa refers to tables that Python gets by numbers in the registry.  So that it never needs memory for that, enough
-- free numbers are made now: luaL_ref takes the first of a list that begins at 0.
do
  local registry = debug.getregistry()
  for n = #registry + 1, #registry + 8100 do
    registry[n] = registry[0] or 0
    registry[0] = n
  end
end

local function begin()
  killed = nil
end

local function watch(every)
  if every > 0 then
    EVERY = every
    sethook(hook, '', every)
  else
    sethook()
  end
end

local function garbage()
  return collectgarbage('count')
end

-- Drop what scripts and libraries have left behind: arguments, results, half documents.
local function release()
  eval_real.KEYS, eval_real.ARGV = {}, {}
  fed, fed_count, rest, tokens, token_count = {}, 0, nil, nil, 0
  for _, drop in next, releases do drop() end
end

local function lock()
  -- Strings have one metatable, and it is read-only.
  local mt = getmetatable('')
  mt.__index = string
  mt.__metatable = seal({__index = strings})
  setfenv(1, {})
end

return run, run_function, feed, run_fed, more, compile, forget, forget_all, renew_eval, renew_functions, load_library,
       keep_function, fields, items, array, long_array, status_table, error_table, add_tokens, tree, begin,
       watch, garbage, release, lock
"""
