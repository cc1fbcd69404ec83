-- Renews a node's lease, or begins it, and tells what the node has to know.
-- ARGV: id, entry, ms of the lease, run of the engine, ms for which a directory is young, address where it has just begun to listen.
local id, entry, lease, run, period, begun = unpack(ARGV)
local kept = redis.call('EXISTS', NODE .. id)
if redis.call('TYPE', ERA).ok ~= 'string' or string.match(text(ERA), '^(%S+) ') ~= run then
  redis.call('SET', ERA, run .. ' ' .. string.format('%.0f', now()))
end
-- What is not ours there would stop every renewal.
local kind = redis.call('TYPE', NODES).ok
if kind ~= 'zset' and kind ~= 'none' then redis.call('DEL', NODES) end
redis.call('SET', NODE .. id, entry, 'PX', lease)
redis.call('ZADD', NODES, now(), id)

local nodes = {}
for _, other in ipairs(redis.call('ZREVRANGE', NODES, 0, 255)) do
  local said = text(NODE .. other)
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
return { kept, young(run, tonumber(period)), string.format('%.0f', now() / 1000000), number(REVISION), nodes }
