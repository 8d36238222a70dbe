-- How long the final jobs of this namespace are kept, where it has rules of its own. A part that is false is as everywhere.
-- Needs: tenant; number
local AGE_MS, JOBS_KEPT, DEAD_AGE_MS, DEAD_KEPT = 1, 2, 3, 4
local own_retention
do
  local function part_of(rules, part)
    return rules[part] and number_of(rules[part])
  end

  -- The four parts, nil for each that the namespace has not.
  function own_retention()
    local packed = redis.call('HGET', tenant, 'retention')
    local is_readable, rules = pcall(cmsgpack.unpack, packed or '')
    if not packed or not is_readable or type(rules) ~= 'table' then
      return nil, nil, nil, nil
    end
    return part_of(rules, AGE_MS), part_of(rules, JOBS_KEPT), part_of(rules, DEAD_AGE_MS), part_of(rules, DEAD_KEPT)
  end
end
