-- Puts a job into the index of its final status. Completed and cancelled jobs are kept by age, number and bytes:
-- the bytes are summed here and taken off by prune. One that says itself how long it is kept is in `retained` as well.
-- Needs: job_prefix completed cancelled dlq retained; now; number spec; add count_deltas (record); put_into (place)
local FINAL = {completed = completed, cancelled = cancelled, dead_letter = dlq}

local function stored_bytes(key)
  return redis.call('HSTRLEN', key, 'payload') + redis.call('HSTRLEN', key, 'result')
end

-- `bytes` of payload and result where they are known, or about to be written.
local function place_final(id, status, spec, bytes)
  put_into(FINAL[status], now, id)
  if status ~= 'dead_letter' then
    add(count_deltas, 'bytes', bytes or stored_bytes(job_prefix .. id))
    local retention_ms = spec[RETENTION_MS] and number_of(spec[RETENTION_MS])
    if retention_ms then
      put_into(retained, now + retention_ms, id)
    end
  end
end
