-- Adds lines to what is revoked, and removes others. ARGV: how many are added, these, and those that are removed.
local added = tonumber(ARGV[1])
local changed = 0
for at = 2, #ARGV do
  changed = changed + mended(at <= added + 1 and 'SADD' or 'SREM', '{sendit}:revoked', ARGV[at])
end
if changed > 0 then redis.call('SET', REVISION, string.format('%.0f', number(REVISION) + 1)) end
return changed
