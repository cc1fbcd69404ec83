-- Gives claims up, or away, where they stand as the node has written them.
-- ARGV: ms for which one is kept; then of each prefix, entry or the id of the node that has it, what takes its place or nothing, and
-- whose it is.
local changed = 0
for at = 2, #ARGV, 4 do
  local prefix, entry, next, who = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local old = text(CLAIM .. prefix)
  if old and (old == entry or parse(old) == entry) then
    if next == '' then
      redis.call('DEL', CLAIM .. prefix)
    else
      redis.call('SET', CLAIM .. prefix, next, 'PX', ARGV[1])
    end
    if who ~= '' then redis.call('SREM', OF .. who, prefix) end
    changed = changed + 1
  end
end
return changed
