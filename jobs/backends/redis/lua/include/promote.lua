-- Makes jobs whose time has come ready, oldest first; both indexes of delayed jobs take part.
-- Needs: place spec; scheduled failed job_prefix; now
local function make_ready(id, index, before, ready_us)
  local key = job_prefix .. id
  local job = redis.call('HMGET', key, 'status', 'spec', 'reason')
  take_from(index, id)
  if job[1] ~= before then
    return false
  end
  redis.call('HSET', key, 'status', 'queued', 'ready_at', ready_us)
  if job[3] then
    redis.call('HDEL', key, 'reason')
  end
  local spec = read_spec(job[2])
  place_ready(id, spec[QUEUE], spec[RANK], spec[OFFSET], ready_us)
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

local function promote_due(limit)
  local promoted = promote_from(scheduled, 'scheduled', limit)
  if promoted < limit then
    promoted = promoted + promote_from(failed, 'failed', limit - promoted)
  end
  return promoted
end

-- When the next delayed job falls due (ms), 0 if there is none.
local function next_due()
  local nearest = 0
  for _, index in ipairs({scheduled, failed}) do
    local first = redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')
    if first[2] and (nearest == 0 or tonumber(first[2]) < nearest) then
      nearest = tonumber(first[2])
    end
  end
  return nearest
end
