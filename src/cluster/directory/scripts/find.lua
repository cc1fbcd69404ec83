-- Who has a prefix: the entry, and that of its node. ARGV: prefix, run, ms for which a directory is young.
local prefix, run, period = unpack(ARGV)
local entry = text(CLAIM .. prefix)
if not entry then return { young(run, tonumber(period)) } end
local node = parse(entry)
return { 0, entry, node and text(NODE .. node) or '' }
