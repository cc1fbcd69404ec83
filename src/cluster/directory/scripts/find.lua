-- Who has a prefix: the entry, nothing in it where nobody can read it, and that of its node. ARGV: prefix, run, ms for which a directory is young.
local prefix, run, period = unpack(ARGV)
local entry = text(CLAIM .. prefix)
if not entry then return { young(run, tonumber(period)) } end
local node = parse(entry)
if not node then return { 0, '', '' } end
return { 0, entry, text(NODE .. node) or '' }
