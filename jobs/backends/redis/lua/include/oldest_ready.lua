-- When the longest waiting of a queue's next jobs became ready (µs), 0 without any.
-- Needs: job_prefix; number
-- It is sought among the jobs that run next: their order mixes priority and time.
local LOOK_AT = 20

local function oldest_ready(index)
  local oldest = 0
  for _, id in ipairs(redis.call('ZRANGE', index, 0, LOOK_AT - 1)) do
    local ready_at = number_of(redis.call('HGET', job_prefix .. id, 'ready_at')) or 0
    if ready_at > 0 and (oldest == 0 or ready_at < oldest) then
      oldest = ready_at
    end
  end
  return oldest
end
