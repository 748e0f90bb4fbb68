"""cjson's fast reader, second part: objects whose shape has been seen before.

Documents of one program look alike.  After an object has been read twice, `learn` describes its *shape*: the text
around the values of its members, as Lua patterns, and a function that matches the patterns and builds the table in one
expression.  The next object at the same depth with the same first key tries that function first:

    {"id":7,"name":"tea","tags":["a"]}     the object
    ^"id":(%-?%d+),"name":"([^"]*)","tags":%[     its first pattern, up to a value that is read by another function
    return {["id"]=v1*1,["name"]=v2,["tags"]=v3},at+1

Nothing is read twice: if a later pattern fails, `resume` goes on from there with the members read so far; if the first
one fails, nothing is lost but the time.  Patterns never match an escape (a match must end before the next backslash);
strings that had one, objects and arrays are read by functions.  A pattern has no choice of how to match: it takes time
proportional to the text, also if it fails.

The first shape of a key has short arrays of scalars in its patterns too, and takes only the forms of numbers that it
has seen; the next one is less strict.

Bounds: two shapes for each first key and depth, 200 in all, of objects up to 4096 bytes and 40 members.  The more often
shapes of one first key fail, the more seldom a new one is learned; and there is one for each document on average.
"""

from __future__ import annotations

from typing import Final

SHAPES: Final = rb"""
  ---------------------------------------------------------------- decode, by shapes
  local levels, shape_count, miss_count = {}, 0, 0
  for depth = 1, LEVELS do levels[depth] = {readers = {}, older = {}, misses = {}} end

  -- The string whose quote is at `pos`, and the position after it.
  local function read_string(pos)
    local quote = find(text, '"', pos + 1, true)
    if not quote then return nil end
    if quote < document.escape then return sub(text, pos + 1, quote - 1), quote + 1 end
    local value
    value, quote = escaped_string(pos + 1)
    if value then return value, quote + 1 end
  end

  -- The pattern of the scalar at `pos` that is no string, how its text becomes a value, and the position after it.
  -- `@` stands for the name of the variable.
  local function describe_scalar(pos, is_first)
    local _, last = find(text, '^%-?%d+', pos)
    if not last then
      _, last = find(text, '^%a+', pos)
      if last then return '(%a+)', '@=words[@]', '', last + 1 end
    elseif byte(text, last + 1) == 46 then
      _, last = find(text, '^[%d.]+', last + 1)
      -- The strict pattern needs no check, but whole numbers do not match it.
      if is_first then return '(%-?%d+%.%d+)', nil, '*1', last + 1 end
      return '(%-?%d[%d.]*)', '@=tonumber(@)', '', last + 1
    else return '(%-?%d+)', nil, '*1', last + 1 end
  end

  -- The shape of the object whose first key is at `pos`: the code that reads such an object, and its patterns.  If
  -- `is_first`, short arrays are part of the patterns: they may always have the same length.
  local function describe(pos, depth, is_first)
    local code, fields, patterns = {}, {}, {}
    local from, count = pos, 0                         -- where the text not yet described begins; members
    local pattern, names, checks, before = {'^'}, {}, {}, 0   -- of the pattern that is being made; members before it
    local variables = 0
    local seen = {}

    local function add(line) code[#code + 1] = line end

    -- Finish the pattern.
    local function cut()
      patterns[#patterns + 1] = concat(pattern)
      local stop = 'return nil,0'
      if #patterns > 1 then stop = 'return resume({' .. concat(fields, ',', 1, before) .. '},pos,depth)' end
      local list = concat(names, ',')
      if list ~= '' then
        add('local ' .. list)
        list = ',' .. list
      end
      add('_,at' .. list .. '=find(text,P' .. #patterns .. ',pos)')
      add('if not at or at>=document.escape then ' .. stop .. ' end')
      for index = 1, #checks do
        add(checks[index])
        add('if ' .. match(checks[index], '^%w+') .. '==nil then ' .. stop .. ' end')
      end
      pattern, names, checks, before = {'^'}, {}, {}, count
    end

    -- Add a scalar to the pattern.  Returns the expression of its value, and the position after it; or nil.
    local function add_scalar(at, kind)
      local piece, check, finish, stop = '"([^"]*)"', nil, '', nil
      if kind == 34 then
        stop = find(text, '"', at + 1, true) + 1
        if stop > document.escape then return nil end
      else
        piece, check, finish, stop = describe_scalar(at, is_first)
        if not piece then return nil end
      end
      variables = variables + 1
      local name = 'v' .. variables
      names[#names + 1] = name
      pattern[#pattern + 1] = piece
      if check then checks[#checks + 1] = gsub(check, '@', name) end
      return name .. finish, stop
    end

    -- The same for an array of a few scalars.
    local function add_array(at)
      local pieces, taken, tests, items = #pattern, #names, #checks, {}
      local start, kind = at, nil
      at, kind = skip(at + 1)
      while kind ~= 93 do
        if kind == 91 or kind == 123 or #items == MOST_ITEMS then break end
        pattern[#pattern + 1] = gsub(sub(text, start, at - 1), MAGIC, '%%%0')
        local item, stop = add_scalar(at, kind)
        if not item then break end
        items[#items + 1] = item
        start = stop
        at, kind = skip(stop)
        if kind == 44 then
          at, kind = skip(at + 1)
          if kind == 93 then break end
        elseif kind ~= 93 then break end
      end
      if kind == 93 then
        pattern[#pattern + 1] = gsub(sub(text, start, at), MAGIC, '%%%0')
        return '{' .. concat(items, ',') .. '}', at + 1
      end
      for index = #pattern, pieces + 1, -1 do pattern[index] = nil end
      for index = #names, taken + 1, -1 do names[index] = nil end
      for index = #checks, tests + 1, -1 do checks[index] = nil end
    end

    repeat
      pos = skip(pos)
      local quote = find(text, '"', pos + 1, true)
      local key = sub(text, pos + 1, quote - 1)
      if seen[key] or count == MOST_MEMBERS or find(key, '\\', 1, true) then return nil end
      seen[key] = true
      local kind, mark
      pos, kind = skip(skip(quote + 1) + 1)
      pattern[#pattern + 1] = gsub(sub(text, from, pos - 1), MAGIC, '%%%0')
      local value, stop
      if kind == 91 then
        if is_first and variables < MOST_VARIABLES then value, stop = add_array(pos) end
      elseif kind ~= 123 then value, stop = add_scalar(pos, kind) end
      if not value then
        pattern[#pattern + 1] = '%' .. char(kind)
        cut()
        variables = variables + 1
        value = 'v' .. variables
        add('local ' .. value)
        if kind == 34 then
          add(value .. ',pos=read_string(at)')
          stop = select(2, read_string(pos))
        elseif kind == 91 or kind == 123 then
          add(value .. ',pos=' .. (kind == 91 and 'read_array' or 'read_object') .. '(at+1,depth+1)')
          stop = select(2, read_other(pos, kind, depth))
        else return nil end
        add('if not pos then return nil end')
        before = count + 1
      end
      pos = stop
      count = count + 1
      fields[count] = format('[%q]=', key) .. value
      from = pos
      if #names >= MOST_CAPTURES then
        cut()
        add('pos=at+1')
      end
      pos, mark = skip(pos)
      if mark ~= 44 and mark ~= 125 then return nil end
      pos = pos + 1
    until mark == 125
    pattern[#pattern + 1] = gsub(sub(text, from, pos - 1), MAGIC, '%%%0')
    local all = concat(fields, ',')
    if #names == 0 and pattern[2] == '%}' then
      add('at=pos')
      add('if byte(text,at)~=125 then return resume({' .. all .. '},pos,depth) end')
    else cut() end
    add('return {' .. all .. '},at+1')
    return concat(code, '\n'), patterns
  end

  local function forget_shapes()
    for depth = 1, LEVELS do levels[depth].readers, levels[depth].older = {}, {} end
    shape_count = 0
  end

  -- Make the function for objects like that whose first key, `key`, is at `pos`, and the next backslash at `escape`.
  local function learn(level, key, pos, depth, escape)
    is_learning = true
    credit = credit - 1
    escape, document.escape = document.escape, escape
    local code, patterns = describe(pos, depth, not level.readers[key])
    document.escape = escape
    is_learning = false
    if not code then return end
    local parameters = {}
    for index = 1, #patterns do parameters[index] = 'P' .. index end
    local make = loadstring(
      'local find,byte,tonumber,words,document,read_object,read_array,read_string,resume,' .. concat(parameters, ',')
      .. '=...\nreturn function(text,pos,depth)\nlocal _,at\n' .. code .. '\nend', '=redpoll')
    if shape_count >= MOST_SHAPES then forget_shapes() end
    shape_count = shape_count + 1
    level.older[key] = level.readers[key]
    level.readers[key] = make(find, byte, tonumber, WORDS, document, read_object, read_array, read_string, resume,
      unpack(patterns))
  end

  -- An object was read without a shape: learn its shape if it is time.
  local function count_miss(level, key, pos, size, depth, escape)
    local count = level.misses[key]
    if not count then
      if miss_count >= MOST_MISSES then
        for each = 1, LEVELS do levels[each].misses = {} end
        miss_count = 0
      end
      miss_count = miss_count + 1
      count = 0
    end
    level.misses[key] = count + 1
    if LEARN_AT[count + 1] and size <= LONGEST_SHAPE and credit > 0 then learn(level, key, pos, depth, escape) end
  end

  -- Returns the function of the object's shape as its third value, if it has one.
  function read_object(pos, depth)
    if depth > decode_depth or depth > DECODE_LEVELS then return nil end
    local code = byte(text, pos)
    if code ~= 34 then
      pos, code = skip(pos)
      if code == 125 then return {}, pos + 1 end
      if code ~= 34 then return nil end
    end
    local level = levels[depth]
    if not level then return read_members({}, pos, depth) end
    local quote = find(text, '"', pos + 1, true)
    if not quote then return nil end
    local key = sub(text, pos, quote)
    local reader = level.readers[key]
    if reader then
      local value, after = reader(text, pos, depth)
      if after ~= 0 then return value, after, reader end
      reader = level.older[key]
      if reader then
        value, after = reader(text, pos, depth)
        if after ~= 0 then return value, after, reader end
      end
    end
    local escape = document.escape
    local value, after = read_members({}, pos, depth)
    if after and not is_learning then count_miss(level, key, pos, after - pos, depth, escape) end
    return value, after
  end

"""
