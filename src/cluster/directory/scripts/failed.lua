-- Counts what an address has failed at, for a while from the first on. ARGV: address, how many more, ms.
local key = '{sendit}:failed:' .. ARGV[1]
local count = number(key) + ARGV[2]
if ARGV[2] == '0' then return count end
redis.call('SET', key, string.format('%.0f', count), 'KEEPTTL')
if redis.call('PTTL', key) < 0 then redis.call('PEXPIRE', key, ARGV[3]) end
return count
