-- Deletes a job that has left its index, but for what its idempotency key has to tell: how the job ended.
-- Needs: job_prefix idem_prefix ids
local function tell_end(idempotency, id, status)
  local entry = redis.call('GET', idem_prefix .. idempotency)
  local fingerprint, known_id, created_at = string.match(entry or '', '^(%S*) (%S+) (%S+) %S+$')
  if known_id == id then
    local ended = table.concat({fingerprint, id, created_at, status}, ' ')
    redis.call('SET', idem_prefix .. idempotency, ended, 'XX', 'KEEPTTL')
  end
end

-- `idempotency` is the job's field `idem`, false without a key.
local function forget_job(id, idempotency, status)
  redis.call('ZREM', ids, id)
  redis.call('UNLINK', job_prefix .. id)
  if idempotency then
    tell_end(idempotency, id, status)
  end
end
