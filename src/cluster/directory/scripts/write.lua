-- Writes a node's claims again, and keeps them. What another has by a higher fence is lost; so is all that another has, where
-- the node could not answer for a while. Who is overwritten has to write all that it has again, and learns it then.
-- ARGV: id, ms for which it is known whose claims are, whether the node could answer, highest fence that is known; then of each claim
-- prefix, entry, ms for which it is kept, and whose it is.
local id, known, right, highest = unpack(ARGV)
if redis.call('EXISTS', NODE .. id) == 0 then return { 'gone' } end
if tonumber(highest) > number(FENCE) then redis.call('SET', FENCE, highest) end
local outcomes = { 'written' }
for at = 5, #ARGV, 4 do
  local prefix, entry, kept, who = unpack(ARGV, at, at + 3)
  local old = text(CLAIM .. prefix)
  local node, fence = parse(old or '')
  local _, mine = parse(entry)
  local outcome = 'kept'
  if old and not node then
    outcome = 'unreadable'
  elseif node and node ~= id and (right == '' or tonumber(fence) > tonumber(mine)) then
    outcome = 'lost'
  else
    if node and node ~= id then redis.call('DEL', NODE .. node) end
    redis.call('SET', CLAIM .. prefix, entry, 'PX', kept)
    if who ~= '' then
      mended('SADD', OF .. who, prefix)
      redis.call('PEXPIRE', OF .. who, known)
    end
  end
  outcomes[#outcomes + 1] = outcome
end
return outcomes
