-- Counts what an address has failed at, for a while from the first on. ARGV: address, how many more, ms.
local key = '{sendit}:failed:' .. ARGV[1]
if ARGV[2] == '0' then return number(key) end
local count = redis.call('INCRBY', key, ARGV[2])
if redis.call('PTTL', key) < 0 then redis.call('PEXPIRE', key, ARGV[3]) end
return count
