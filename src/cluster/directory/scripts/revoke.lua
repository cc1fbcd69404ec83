-- Adds lines to what is revoked, and removes others. ARGV: how many are added, these, and those that are removed.
local added = tonumber(ARGV[1])
local changed = 0
for at = 2, #ARGV do
  changed = changed + redis.call(at <= added + 1 and 'SADD' or 'SREM', '{sendit}:revoked', ARGV[at])
end
if changed > 0 then redis.call('INCR', REVISION) end
return changed
