"""The Lua side of the runtime, first half: globals that scripts see, and the hook that watches long scripts.

The text runs once in each runtime, together with that of `sandbox_calls.py`.  It keeps Lua's own functions in locals,
builds the environments from them, and returns the functions that Python calls.  Afterwards the runtime's real globals
are emptied.

How tables are made read-only: stock Lua has no such flag, so scripts see an empty *proxy* of each table, whose
metatable reads from the real table and refuses writes.  The built-in functions that bypass metatables (`next`,
`rawset`, `table.insert` ...) are wrapped: they know every proxy.

How errors of redis.call get their values: a Python callback can only raise an exception, which Lua sees as a userdata.
Every place where a script could catch it (pcall, xpcall, coroutine.resume, the handler of uncaught errors) turns it
into the table that the reference would show.

Frames of this text have the source `=redpoll`.  A location is never taken from them.
"""

from __future__ import annotations

from typing import Final

GLOBALS: Final = rb"""
local as_function, call, pcall_, tick, explain, sha1hex, log, setresp, set_repl, acl_check_cmd, register, versions = ...

local assert, error, getmetatable, ipairs, loadstring, load, next, pairs, pcall, rawequal, rawget, rawset, select,
      setmetatable, tonumber, tostring, type, unpack, xpcall, setfenv, getfenv, newproxy, collectgarbage, gcinfo =
      assert, error, getmetatable, ipairs, loadstring, load, next, pairs, pcall, rawequal, rawget, rawset, select,
      setmetatable, tonumber, tostring, type, unpack, xpcall, setfenv, getfenv, newproxy, collectgarbage, gcinfo
local string, table, math, coroutine, os = string, table, math, coroutine, os
local cjson, cmsgpack, struct, bit, releases = cjson, cmsgpack, struct, bit, releases
local byte, format, find, match = string.byte, string.format, string.find, string.match
local getinfo, sethook = debug.getinfo, debug.sethook
local insert = table.insert
local yield, running, status, resume, create, wrap =
      coroutine.yield, coroutine.running, coroutine.status, coroutine.resume, coroutine.create, coroutine.wrap
local version = _VERSION

local REFUSAL = 'Attempt to modify a readonly table'

-- Read-only tables.

local sealed = setmetatable({}, {__mode = 'k'})   -- proxy -> the real table
local shown = setmetatable({}, {__mode = 'k'})    -- proxy -> what getmetatable returns

local function refuse()
  error(REFUSAL, 2)
end

local function seal(real)
  local proxy = setmetatable({}, {__index = real, __newindex = refuse})
  sealed[proxy] = real
  return proxy
end

-- `bad argument #1 to 'insert' (table expected, got nil)`, at the caller of the wrapper that calls this.
local function complain(n, name, what)
  local called = getinfo(2, 'n').name
  if not called then
    local caller = getinfo(3, 'S')
    called = caller and caller.what == 'C' and '?' or name
  end
  error("bad argument #" .. n .. " to '" .. called .. "' (" .. what .. ')', 3)
end

local function name_of(count, n, value)
  return n > count and 'no value' or type(value)
end

-- Errors as scripts see them.

local killed   -- the message that ends the script, through every pcall

local function public(e)
  if type(e) == 'userdata' then
    local text, counted = explain(e)
    if text then
      if counted == 1 then
        return {err = text, ignore_error_stats_update = true}
      elseif counted == 0 then
        return {err = text}
      elseif counted == 3 then
        killed = text
      end
      return text
    end
  end
  return e
end

local function caught(ok, ...)
  if ok then
    return true, ...
  end
  local e = public((...))
  if killed then
    error(killed, 0)
  end
  if type(e) == 'table' then
    local err = rawget(sealed[e] or e, 'err')
    if type(err) == 'string' or type(err) == 'number' then
      return false, err
    end
    return false, e, err
  end
  return false, e
end

local function script_pcall(...)
  if select('#', ...) == 0 then
    return false, 'attempt to call a boolean value'
  end
  return caught(pcall(...))
end

local function passed(ok, ...)
  if not ok and killed then
    error(killed, 0)
  end
  return ok, ...
end

local function script_xpcall(...)
  local f, h = ...
  if select('#', ...) < 2 then
    complain(2, 'xpcall', 'value expected')
  end
  return passed(xpcall(f, function(e)
    e = public(e)
    if killed then
      return e
    end
    return h(e)
  end))
end

-- Coroutines: each has a hook of its own.

local hook
local EVERY = 100000

local function hooked(f)
  return function(...)
    sethook(hook, '', EVERY)
    return f(...)
  end
end

local function is_lua_function(f)
  return type(f) == 'function' and getinfo(f, 'S').what ~= 'C'
end

local function script_create(f)
  if not is_lua_function(f) then
    complain(1, 'create', 'Lua function expected')
  end
  return create(hooked(f))
end

local function script_wrap(f)
  if not is_lua_function(f) then
    complain(1, 'wrap', 'Lua function expected')
  end
  return wrap(hooked(f))
end

local function resumed(ok, ...)
  if ok then
    return true, ...
  end
  local e = public((...))
  if killed then
    error(killed, 0)
  end
  return false, e
end

local function script_resume(...)
  local co = ...
  if type(co) ~= 'thread' then
    complain(1, 'resume', 'coroutine expected')
  end
  return resumed(resume(...))
end

hook = function()
  local why = tick()
  if why then
    killed = why
    error(why, 0)
  end
end

-- Wrapped built-ins.

local function script_next(...)
  local t, k = ...
  local real = sealed[t]
  if real then
    return next(real, k)
  end
  if type(t) ~= 'table' then
    complain(1, 'next', 'table expected, got ' .. name_of(select('#', ...), 1, t))
  end
  return next(t, k)
end

local function script_pairs(...)
  local t = ...
  if sealed[t] then
    return script_next, t, nil
  end
  if type(t) ~= 'table' then
    complain(1, 'pairs', 'table expected, got ' .. name_of(select('#', ...), 1, t))
  end
  return next, t, nil
end

local function script_rawget(...)
  local t, k = ...
  local real = sealed[t]
  if real then
    return rawget(real, k)
  end
  if type(t) ~= 'table' then
    complain(1, 'rawget', 'table expected, got ' .. name_of(select('#', ...), 1, t))
  end
  if select('#', ...) < 2 then
    complain(2, 'rawget', 'value expected')
  end
  return rawget(t, k)
end

local function script_rawset(...)
  local t, k, v = ...
  if sealed[t] then
    error(REFUSAL, 0)
  end
  if type(t) ~= 'table' then
    complain(1, 'rawset', 'table expected, got ' .. name_of(select('#', ...), 1, t))
  end
  for n = 2, 3 do
    if select('#', ...) < n then
      complain(n, 'rawset', 'value expected')
    end
  end
  return rawset(t, k, v)
end

local function script_getmetatable(...)
  local value = ...
  if sealed[value] then
    return shown[value]
  end
  if rawequal(value, cjson.null) then
    return nil
  end
  if select('#', ...) == 0 then
    complain(1, 'getmetatable', 'value expected')
  end
  return getmetatable(value)
end

local function script_setmetatable(...)
  local t, mt = ...
  if sealed[t] then
    error(REFUSAL, 0)
  end
  if type(t) ~= 'table' then
    complain(1, 'setmetatable', 'table expected, got ' .. name_of(select('#', ...), 1, t))
  end
  if mt ~= nil and type(mt) ~= 'table' or select('#', ...) < 2 then
    complain(2, 'setmetatable', 'nil or table expected')
  end
  local old = getmetatable(t)
  if old ~= nil and type(old) ~= 'table' or type(old) == 'table' and rawget(old, '__metatable') ~= nil then
    error('cannot change a protected metatable', 2)
  end
  return setmetatable(t, mt)
end

local function script_insert(t, ...)
  local count = select('#', ...)
  if sealed[t] then
    error(REFUSAL, 0)
  end
  if type(t) ~= 'table' then
    complain(1, 'insert', 'table expected, got ' .. (t == nil and count == 0 and 'no value' or type(t)))
  end
  if count == 1 then
    rawset(t, #t + 1, (...))
    return
  end
  if count ~= 2 then
    error("wrong number of arguments to 'insert'", 2)
  end
  local at = ...
  if not tonumber(at) then
    complain(2, 'insert', 'number expected, got ' .. type(at))
  end
  return insert(t, ...)
end

local function script_foreach(...)
  local t, f = ...
  if type(t) ~= 'table' then
    complain(1, 'foreach', 'table expected, got ' .. name_of(select('#', ...), 1, t))
  end
  if type(f) ~= 'function' then
    complain(2, 'foreach', 'function expected, got ' .. name_of(select('#', ...), 2, f))
  end
  return table.foreach(sealed[t] or t, f)
end

local function script_collectgarbage(...)
  local what = ...
  if what == nil or what == 'collect' or what == 'count' or what == 'step' then
    return collectgarbage(...)
  end
  if what == 'stop' or what == 'restart' or what == 'setpause' or what == 'setstepmul' then
    return 0   -- the collector belongs to all scripts
  end
  if type(what) == 'string' or type(what) == 'number' then
    complain(1, 'collectgarbage', "invalid option '" .. what .. "'")
  end
  complain(1, 'collectgarbage', 'string expected, got ' .. type(what))
end

-- Environments.

local function copy(from, into)
  for k, v in pairs(from) do
    into[k] = v
  end
  return into
end

local function missing(...)
  local _, name = ...
  if select('#', ...) ~= 2 then
    error('Wrong number of arguments to luaProtectedTableError', 2)
  end
  if type(name) ~= 'string' and type(name) ~= 'number' then
    error('Second argument to luaProtectedTableError must be a string or number', 2)
  end
  error("Script attempted to access nonexistent global variable '" .. name .. "'", 2)
end

local function error_reply(...)
  local text = ...
  if select('#', ...) ~= 1 or type(text) ~= 'string' then
    return {err = 'ERR wrong number or type of arguments'}
  end
  if byte(text) == 45 then
    text = string.sub(text, 2)
  end
  text = string.gsub(text, '[\r\n]+$', '')
  if not find(text, ' ', 1, true) then
    text = 'ERR ' .. text
  end
  return {err = text}
end

local function status_reply(...)
  local text = ...
  if select('#', ...) ~= 1 or type(text) ~= 'string' then
    return {err = 'ERR wrong number or type of arguments'}
  end
  return {ok = text}
end

-- Where an error was raised: the innermost function, or the one below it if that is built in.
local function is_ours(info)
  return info ~= nil and info.source == '=redpoll'
end

local function place_of(level)
  local info = getinfo(level + 1, 'Sl')
  while info and info.what == 'tail' do
    -- Our xpcall called the handler.
    level = level + 1
    info = getinfo(level + 1, 'Sl')
  end
  if info and (info.what == 'C' or is_ours(info)) then
    level = level + 1
    info = getinfo(level + 1, 'Sl')
    while info do
      if info.what == 'tail' or is_ours(info) or info.what == 'C' and is_ours(getinfo(level + 2, 'S')) then
        level = level + 1
        info = getinfo(level + 1, 'Sl')
      else
        break
      end
    end
  end
  while info and info.what == 'tail' do
    level = level + 1
    info = getinfo(level + 1, 'Sl')
  end
  return info
end

local function handler(e)
  e = public(e)
  if killed then
    e = {err = killed}
    if find(killed, 'not enough memory', 1, true) then
      return e
    end
  elseif type(e) ~= 'table' then
    e = {err = 'ERR ' .. string.gsub(tostring(e), '^redpoll:%d+: ', '')}
  elseif sealed[e] then
    return {err = 'ERR err_handler_def:10: ' .. REFUSAL, source = '@err_handler_def', line = 10}
  end
  local info = place_of(2)
  if info then
    e.source = info.source
    e.line = info.currentline
  end
  return e
end

local strings = seal(string)

local function put_loaders(real, proxy)
  local function ready(f, message)
    if f then
      setfenv(f, proxy)
      return f
    end
    return nil, message
  end
  real.loadstring = function(...)
    local text, name = ...
    if type(text) == 'number' then
      text = tostring(text)
    elseif type(text) ~= 'string' then
      complain(1, 'loadstring', 'string expected, got ' .. name_of(select('#', ...), 1, text))
    end
    if name == nil then
      name = text
    elseif type(name) ~= 'string' and type(name) ~= 'number' then
      complain(2, 'loadstring', 'string expected, got ' .. type(name))
    end
    return ready(loadstring(text, name))
  end
  real.load = function(...)
    local read, name = ...
    if name ~= nil and type(name) ~= 'string' and type(name) ~= 'number' then
      complain(2, 'load', 'string expected, got ' .. type(name))
    end
    if type(read) ~= 'function' then
      complain(1, 'load', 'function expected, got ' .. name_of(select('#', ...), 1, read))
    end
    local fresh, ended = true, false
    local f, message = load(function()
      -- Precompiled code is refused at its first byte, however much may follow.
      local piece = not ended and read() or nil
      if fresh and type(piece) == 'string' and piece ~= '' then
        fresh, ended = false, byte(piece) == 27
      end
      return piece
    end, name)
    if killed then
      error(killed, 0)
    end
    return ready(f, public(message))
  end
end

local base = {
  assert = assert, error = error, ipairs = ipairs, rawequal = rawequal, select = select, tonumber = tonumber,
  tostring = tostring, type = type, unpack = unpack, gcinfo = gcinfo, _VERSION = version,
  pcall = script_pcall, xpcall = script_xpcall, next = script_next, pairs = script_pairs, rawget = script_rawget,
  rawset = script_rawset, getmetatable = script_getmetatable, setmetatable = script_setmetatable,
  collectgarbage = script_collectgarbage,
}
local tables = {
  string = strings,
  math = seal(math),
  os = seal({clock = os.clock}),
  table = seal(copy({insert = script_insert, foreach = script_foreach}, copy(table, {}))),
  coroutine = seal({
    create = script_create, wrap = script_wrap, resume = script_resume, yield = yield, running = running,
    status = status,
  }),
  cmsgpack = seal(cmsgpack),
  struct = seal(struct),
  bit = seal(bit),
}
local api_base = {
  call = as_function(call), pcall = as_function(pcall_), error_reply = error_reply, status_reply = status_reply,
  sha1hex = as_function(sha1hex), log = as_function(log), setresp = as_function(setresp),
  set_repl = as_function(set_repl), acl_check_cmd = as_function(acl_check_cmd),
  LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
  REPL_NONE = 0, REPL_AOF = 1, REPL_REPLICA = 2, REPL_SLAVE = 2, REPL_ALL = 3,
}
versions(function(name, value) api_base[name] = value end)

local function add_insecure(real, proxy)
  real.newproxy = newproxy
  real.getfenv = function(f)
    if f == 0 then
      return proxy
    end
    if f == nil then
      f = 1
    end
    if type(f) == 'number' then
      f = f + 1
    end
    local env = getfenv(f)
    return sealed[env] and env or proxy
  end
  real.setfenv = function(f, env)
    if type(f) == 'number' then
      if f == 0 then
        error("'setfenv' cannot change environment of given object", 2)
      end
      f = f + 1
    elseif type(f) == 'function' and is_ours(getinfo(f, 'S')) then
      error("'setfenv' cannot change environment of given object", 2)
    end
    return setfenv(f, env)
  end
end

local function new_environment(for_eval, insecure)
  local real = copy(tables, copy(base, {}))
  local proxy = setmetatable({}, {__index = real, __newindex = refuse})
  sealed[proxy] = real
  shown[proxy] = seal({__index = missing})
  setmetatable(real, {__index = missing})
  rawset(real, '_G', proxy)
  put_loaders(real, proxy)
  if insecure then
    add_insecure(real, proxy)
  end
  real.cjson = seal(cjson.new())
  local api = copy(api_base, {})
  if for_eval then
    api.breakpoint = function() return false end
    api.debug = function() end
    api.replicate_commands = function() return true end
    real.KEYS, real.ARGV = {}, {}
    rawset(real, '__redis__err__handler', handler)
    rawset(real, '__server__err__handler', handler)
  end
  real.redis = seal(api)
  real.server = real.redis
  return real, proxy
end

"""
