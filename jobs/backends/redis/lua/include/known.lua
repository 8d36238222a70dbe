-- Whether a submission is known already: by its id, or by its idempotency key.
-- Needs: job_prefix idem_prefix
-- What this very call has stored: a batch may hold an id or an idempotency key twice.
local stored_here, keyed_here = {}, {}

local function repeated(id)
  if stored_here[id] then
    return stored_here[id]
  end
  local job = redis.call('HMGET', job_prefix .. id, 'status', 'created')
  return job[1] and {'accepted', id, job[1], job[2]}
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
  return {'replayed', id, redis.call('HGET', job_prefix .. id, 'status') or last_known, created_at}
end

-- One command tells of a whole batch that none of its ids is there, which is the usual case.
local function has_repeats(batch)
  local job_keys, seen = {}, {}
  for i, job in ipairs(batch) do
    if seen[job[1]] then
      return true
    end
    seen[job[1]] = true
    job_keys[i] = job_prefix .. job[1]
  end
  return redis.call('EXISTS', unpack(job_keys)) > 0
end

-- A job with a key remembers it, so that whoever deletes the job can say so under the key.
local function write_job(key, idempotency, ...)
  if idempotency == '' then
    redis.call('HSET', key, ...)
  else
    redis.call('HSET', key, 'idem', idempotency, ...)
  end
end

local may_repeat = true

local function known(job)
  return may_repeat and repeated(job[1]) or replayed(job[2], job[3])
end
