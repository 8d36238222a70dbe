-- Returns groups of failures: those that are named or, if none is, the ones that were seen last.
-- FLAGS no-writes
-- KEYS  error_groups  hash  groups of failures by id: msgpack
-- KEYS  errors_seen   zset  ids of groups by when they were last seen (ms)
-- ARGV  names         msgpack: [id …]
-- ARGV  after_at      only those last seen then (ms), or earlier; +inf for all
-- ARGV  after_id      of those of that time only what comes behind this id
-- ARGV  most          groups that there can be
-- ARGV  limit         most groups wanted
-- RETURN  id, group as blame.lua packs it …
-- @include id_order
local found, named = {}, cmsgpack.unpack(names)

local function take(id)
  local packed = redis.call('HGET', error_groups, id)
  if packed then
    found[#found + 1], found[#found + 2] = id, packed
  end
end

for _, id in ipairs(named) do
  take(id)
end
if #named == 0 then
  local ids = redis.call('ZRANGE', errors_seen, after_at, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, most, 'WITHSCORES')
  for at = 1, #ids, 2 do
    if #found >= 2 * tonumber(limit) then
      break
    elseif ids[at + 1] ~= after_at or is_before(ids[at], after_id) then
      take(ids[at])
    end
  end
end
return found
