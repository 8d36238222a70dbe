-- Forgets keys of fair queues.
-- Needs: fair_prefix
local trim_keys
do
  local MAX_TRIM, MANY = 200, 10000

  -- Forgets keys whose last turn is over, some at a time; who comes back begins as a new one does. Of very many keys those
  -- that have nothing in line are forgotten sooner. Returns how many were.
  function trim_keys(field, clock)
    local keys = fair_prefix .. field
    local over = redis.call('ZRANGE', keys, '-inf', clock, 'BYSCORE', 'LIMIT', 0, MAX_TRIM)
    if #over == 0 and redis.call('ZCARD', keys) > MANY then
      for _, key in ipairs(redis.call('ZRANGE', keys, 0, MAX_TRIM - 1)) do
        local line = keys .. ' ' .. key
        if redis.call('EXISTS', line) == 0 then
          over[#over + 1] = key
        end
      end
    end
    for _, key in ipairs(over) do
      local line = keys .. ' ' .. key
      redis.call('UNLINK', line)
    end
    if #over > 0 then
      redis.call('ZREM', keys, unpack(over))
    end
    return #over
  end
end
