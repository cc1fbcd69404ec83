-- Gives claims up, or away, where they stand as the node has written them.
-- ARGV: of each prefix, entry or the id of the node that has it, what takes its place or nothing, ms for which that is kept, and whose
-- it is.
local changed = 0
for at = 1, #ARGV, 5 do
  local prefix, entry, next, kept, who = unpack(ARGV, at, at + 4)
  local old = text(CLAIM .. prefix)
  if old and (old == entry or parse(old) == entry) then
    if next == '' then
      redis.call('DEL', CLAIM .. prefix)
    else
      redis.call('SET', CLAIM .. prefix, next, 'PX', kept)
    end
    if who ~= '' then mended('SREM', OF .. who, prefix) end
    changed = changed + 1
  end
end
return changed
