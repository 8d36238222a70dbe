-- Puts a job into the index of its final status. Completed and cancelled jobs are kept by age, number and bytes:
-- the bytes are summed here and taken off by prune.
-- Needs: job_prefix completed cancelled dlq; now; add count_deltas (record)
local FINAL = {completed = completed, cancelled = cancelled, dead_letter = dlq}

local function stored_bytes(key)
  return redis.call('HSTRLEN', key, 'payload') + redis.call('HSTRLEN', key, 'result')
end

local function place_final(id, status)
  redis.call('ZADD', FINAL[status], now, id)
  if status ~= 'dead_letter' then
    add(count_deltas, 'bytes', stored_bytes(job_prefix .. id))
  end
end
