-- What all scripts share. Every key has the tag `{sendit}`, so that a cluster of engines keeps them together.
local NODE, CLAIM, OF = '{sendit}:node:', '{sendit}:claim:', '{sendit}:of:'
local NODES, ERA, FENCE, REVISION = '{sendit}:nodes', '{sendit}:era', '{sendit}:fence', '{sendit}:revision'
local LONGEST = 1024
-- A fence is about the time in microseconds: one that is a year ahead is none of ours, and what rose above it could not be counted
-- exactly for long, for numbers are doubles.
local YEAR = 31536000000000

-- Microseconds, the same throughout a script. They are exact in a double until the year 2255.
local began
local function now()
  if not began then
    local time = redis.call('TIME')
    began = time[1] * 1000000 + time[2]
  end
  return began
end

local function is_fence(number)
  return number < now() + YEAR
end

-- A text that is short enough for an entry; `false` where there is none, and '' where something else stands there.
local function text(key)
  local kind = redis.call('TYPE', key).ok
  if kind == 'none' then return false end
  if kind ~= 'string' or redis.call('STRLEN', key) > LONGEST then return '' end
  return redis.call('GET', key)
end

-- The texts below these names, by one command; `false` where there is none.
local function texts(kind, names)
  if #names == 0 then return {} end
  local keys = {}
  for at, name in ipairs(names) do keys[at] = kind .. name end
  local found = redis.call('MGET', unpack(keys))
  for at, said in ipairs(found) do
    if said and #said > LONGEST then found[at] = '' end
  end
  return found
end

-- Carries a command out. What is of another kind at its key is none of ours and goes first, for nothing could be said there as long
-- as it stands.
local function mended(command, key, ...)
  local answer = redis.pcall(command, key, ...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  if string.find(answer.err, 'WRONGTYPE', 1, true) then redis.call('DEL', key) end
  return redis.call(command, key, ...)
end

-- What an entry says; nothing where it is none of ours.
local function parse(entry)
  local node, fence, state, whose = string.match(entry, '^1 (%x+) %S+ (%d+) (%a+) %d+ (%S+)$')
  if node and is_fence(tonumber(fence)) then return node, fence, state, whose end
end

-- How many milliseconds are left in which nothing new is given, as this engine, by its run, has not known the directory for long.
local function young(run, period)
  local of, since = string.match(text(ERA) or '', '^(%S+) (%d+)$')
  if of ~= run then return period end
  local left = period - (now() - since) / 1000
  if left > period then return period end
  return math.max(0, math.ceil(left))
end

-- A number, and 0 where none stands there that can be one of ours.
local function number(key)
  local said = tonumber(string.match(text(key) or '', '^%d+$') or '0')
  if is_fence(said) then return said end
  return 0
end
