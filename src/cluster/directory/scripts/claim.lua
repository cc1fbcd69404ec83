-- Gives a prefix to a node, if what stands there is what the node expects.
-- ARGV: prefix, id, what comes before the fence, what behind it, highest fence that is known, entry that is expected, whose it is,
-- how many of these there may be, run, ms for which a directory is young, ms for which a claim is kept.
local prefix, id, head, tail, highest, expected, who, most, run, period, kept = unpack(ARGV)
if redis.call('EXISTS', NODE .. id) == 0 then return { 'gone' } end
local left = young(run, tonumber(period))
if left > 0 then return { 'young', left } end

local old = text(CLAIM .. prefix)
local before = 0
if old then
  local node, fence, state = parse(old)
  if not node then return { 'unreadable' } end
  local alive = text(NODE .. node)
  -- What was over a moment ago may have begun again.
  if old ~= expected or (state == 'held' and node ~= id and alive) then return { 'found', old, alive or '' } end
  before = tonumber(fence)
end

if who ~= '' then
  local set = OF .. who
  if mended('SISMEMBER', set, prefix) == 0 and redis.call('SCARD', set) >= tonumber(most) then
    -- Some of them, for it may be refused as often as somebody asks: what is over goes little by little.
    local others = redis.call('SRANDMEMBER', set, 32)
    for at, said in ipairs(texts(CLAIM, others)) do
      local node, _, _, whose = parse(said or '')
      if whose ~= who or redis.call('EXISTS', NODE .. node) == 0 then redis.call('SREM', set, others[at]) end
    end
    if redis.call('SCARD', set) >= tonumber(most) then return { 'many' } end
  end
  redis.call('SADD', set, prefix)
  redis.call('PEXPIRE', set, kept)
end

-- It rises above all that is known of, also where the engine has lost its memory.
if not is_fence(tonumber(highest)) then highest = 0 end
local fence = string.format('%.0f', math.max(now(), number(FENCE) + 1, tonumber(highest) + 1, before + 1))
redis.call('SET', FENCE, fence)
redis.call('SET', CLAIM .. prefix, head .. fence .. tail, 'PX', kept)
return { 'granted', fence }
