-- Deletes a job that has left its index, but for what its idempotency key has to tell: how the job ended.
-- Needs: job_prefix log_prefix idem_prefix; number pages; add count_deltas (record)
local forgotten = {}

local function tell_end(idempotency, id, status)
  local entry = redis.call('GET', idem_prefix .. idempotency)
  local fingerprint, known_id, created_at = string.match(entry or '', '^(%S*) (%S+) (%S+) %S+$')
  if known_id == id then
    local ended = table.concat({fingerprint, id, created_at, status}, ' ')
    redis.call('SET', idem_prefix .. idempotency, ended, 'XX', 'KEEPTTL')
  end
end

-- `idempotency` and `log_bytes` are the job's fields `idem` and `log_bytes`, false without a key or lines of log. `bytes` of
-- payload and result where they are known.
local function forget_job(id, idempotency, log_bytes, status, bytes)
  local key = job_prefix .. id
  forgotten[#forgotten + 1] = id
  add(count_deltas, 'stored', -(bytes or redis.call('HSTRLEN', key, 'payload') + redis.call('HSTRLEN', key, 'result')))
  redis.call('UNLINK', key)
  if log_bytes then
    redis.call('UNLINK', log_prefix .. id)
    add(count_deltas, 'log_bytes', -(number_of(log_bytes) or 0))
  end
  if idempotency then
    tell_end(idempotency, id, status)
  end
end

-- The end of a call that forgot jobs, before `record`.
local function end_forgetting()
  take_off_pages(forgotten)
end
