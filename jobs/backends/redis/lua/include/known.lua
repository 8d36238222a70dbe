-- Whether a submission is known already: by its id, or by its idempotency key.
-- Needs: job_prefix idem_prefix; now created known_status
local may_repeat = true
-- What this very call has stored: a batch may hold an id or an idempotency key twice.
local stored_here = {}
local has_repeats, write_job, remember, known
do
  local keyed_here = {}
  local IDEMPOTENCY_TTL_MS = 86400000

  local function status_of(status)
    return KNOWN_STATUS[status] and status or 'dead_letter'
  end

  local function repeated(id)
    if stored_here[id] then
      return stored_here[id]
    end
    local job = redis.call('HMGET', job_prefix .. id, 'status', 'created', 'ready_at')
    return job[1] and {'accepted', id, status_of(job[1]), created_of(job[2], job[3])}
  end

  local function replayed(idempotency, fingerprint)
    local seen = idempotency ~= '' and (keyed_here[idempotency] or redis.call('GET', idem_prefix .. idempotency))
    if not seen then
      return nil
    end
    -- The last word is the first status, or the last one once the job was pruned or purged: see forget_job.
    local known, id, created_at, last_known = string.match(seen, '(%S*) (%S+) (%S+) (%S+)')
    if known ~= fingerprint then
      return {'idempotency_mismatch', id, last_known, created_at}
    end
    local status = redis.call('HGET', job_prefix .. id, 'status')
    return {'replayed', id, status and status_of(status) or last_known, created_at}
  end

  -- One command tells of a whole batch that none of its ids is there, which is the usual case.
  function has_repeats(batch, size, width)
    local job_keys, seen, n = {}, {}, 0
    for at = 1, size, width do
      local id = batch[at]
      if seen[id] then
        return true
      end
      seen[id] = true
      n = n + 1
      job_keys[n] = job_prefix .. id
    end
    return redis.call('EXISTS', unpack(job_keys)) > 0
  end

  -- A job with a key remembers it, so that whoever deletes the job can say so under the key.
  function write_job(key, idempotency, ...)
    if idempotency == '' then
      redis.call('HSET', key, ...)
    else
      redis.call('HSET', key, 'idem', idempotency, ...)
    end
  end

  function remember(idempotency, fingerprint, id, status, created_at)
    local entry = table.concat({fingerprint, id, string.format('%.0f', created_at or now), status}, ' ')
    redis.call('SET', idem_prefix .. idempotency, entry, 'PX', IDEMPOTENCY_TTL_MS)
    keyed_here[idempotency] = entry
  end


  function known(id, idempotency, fingerprint)
    return may_repeat and repeated(id) or replayed(idempotency, fingerprint)
  end
end
