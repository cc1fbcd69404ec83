-- Renews a node's lease, or begins it, and tells what the node has to know.
-- ARGV: id, entry, ms of the lease, run of the engine, ms for which a directory is young, address where it has just begun to listen;
-- then prefixes that the node holds.
local id, entry, lease, run, period, begun = unpack(ARGV, 1, 6)
local kept = redis.call('EXISTS', NODE .. id)
local of, since = string.match(text(ERA) or '', '^(%S+) (%d+)$')
-- An era that has yet to begin is from before the engine's clock was set back, and would be young until then.
if of ~= run or tonumber(since) > now() then
  redis.call('SET', ERA, run .. ' ' .. string.format('%.0f', now()))
end
redis.call('SET', NODE .. id, entry, 'PX', lease)
mended('ZADD', NODES, now(), id)

local ids = redis.call('ZREVRANGE', NODES, 0, 255)
local nodes = {}
for at, said in ipairs(texts(NODE, ids)) do
  local other = ids[at]
  -- Whoever listens at an address knows that what did before is dead.
  if said and other ~= id and begun ~= '' and string.match(said, '^1 (%S+) ') == begun then
    redis.call('DEL', NODE .. other)
    said = false
  end
  if said then
    nodes[#nodes + 1] = other
    nodes[#nodes + 1] = said
  else
    redis.call('ZREM', NODES, other)
  end
end

-- What stands for a prefix of the node is its own, or what nobody can read, which is left alone.
local prefixes, amiss = {}, 0
for at = 7, #ARGV do prefixes[at - 6] = ARGV[at] end
local own = '1 ' .. id .. ' '
for at, said in ipairs(texts(CLAIM, prefixes)) do
  if string.sub(said or '', 1, #own) ~= own then
    local other = text(CLAIM .. prefixes[at])
    if not other or parse(other) then amiss = 1 end
  end
end
return { kept, amiss, young(run, tonumber(period)), string.format('%.0f', now() / 1000000), number(REVISION), nodes }
