-- What a namespace may have: jobs stored, bytes of payloads and results, submissions in a second, jobs running. Mostly
-- nothing is set, and then a call costs one look. A false part is not limited; 0 lets nothing in, as while it is deleted.
-- Needs: tenant leases; number
local the_quota, running_room
do
  local JOBS, RUNNING = 1, 4
  local is_read, quota = false, nil

  -- What was damaged from outside limits nothing.
  local function readable_quota()
    local packed = redis.call('HGET', tenant, 'quota')
    local is_readable, found = pcall(cmsgpack.unpack, packed or '')
    if not packed or not is_readable or type(found) ~= 'table' then
      return false
    end
    for part = JOBS, RUNNING do
      if found[part] and not number_of(found[part]) then
        return false
      end
    end
    return found
  end

  function the_quota()
    if not is_read then
      quota, is_read = readable_quota(), true
    end
    return quota
  end

  -- How many more jobs may run.
  function running_room()
    local found = the_quota()
    return found and found[RUNNING] and math.max(0, found[RUNNING] - redis.call('ZCARD', leases)) or math.huge
  end
end
