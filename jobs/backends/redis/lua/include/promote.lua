-- Makes jobs whose time has come ready, oldest first, or ends those that were to start before; both indexes of delayed jobs take part.
-- Needs: place spec created bury ties end_waiting; scheduled failed job_prefix; now
local make_ready, promote_due
do
  function make_ready(id, index, before, ready_us)
    local key = job_prefix .. id
    local job = redis.call('HMGET', key, 'status', 'spec', 'reason', 'created', 'ready_at', 'attempt')
    take_from(index, id)
    if job[1] ~= before then
      return false
    end
    local spec = readable_spec(job[2])
    if not spec then
      bury_unreadable(id, key, job[2])
      return false
    end
    if is_expired(spec, job[6]) then
      end_waiting(id, spec, before, 'expired')
      return false
    end
    keep_created(key, job[4], job[5])
    redis.call('HSET', key, 'status', 'queued', 'ready_at', ready_us)
    if job[3] then
      redis.call('HDEL', key, 'reason')
    end
    place_ready(id, spec[QUEUE], spec[RANK], spec[OFFSET], ready_us, spec)
    status_change(id, spec[QUEUE], spec[RANK], before, 'queued')
    return true
  end

  local function promote_from(index, before, limit)
    local promoted = 0
    local due = redis.call('ZRANGE', index, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit, 'WITHSCORES')
    for i = 1, #due, 2 do
      if make_ready(due[i], index, before, due[i + 1] * 1000) then
        promoted = promoted + 1
      end
    end
    return promoted
  end

  function promote_due(limit)
    local promoted = promote_from(scheduled, 'scheduled', limit)
    if promoted < limit then
      promoted = promoted + promote_from(failed, 'failed', limit - promoted)
    end
    return promoted
  end
end
