-- An operator's act on one job, answered alike when it is repeated: the last request id stays in the job.
-- Needs: job_prefix request_id; spec known_status record bury
local answers = {}

local function answer(code, status)
  answers[#answers + 1] = code
  answers[#answers + 1] = status or ''
end

-- A job that cannot be read: nothing is to be done to a final one, a dead letter gets a spec and can be acted on, any
-- other becomes a dead letter. Its entry in the index of its old status is dropped by whoever meets it there.
local function mended(id, key, status, packed)
  if status == 'dead_letter' then
    local spec = mend_spec(key, packed, 'main', MEDIUM)
    count(spec[QUEUE], status, spec[RANK], 1)
    return spec, status
  elseif status ~= 'completed' and status ~= 'cancelled' then
    local spec = readable_spec(packed)
    if spec then
      make_dead_letter(id, key, spec, nil)
    else
      bury_unreadable(id, key, packed)
    end
    status = 'dead_letter'
    redis.call('HSET', key, 'acted', table.concat({request_id, 'conflict', status}, ' '))
  end
  return nil, status
end

-- Calls `act(id, key, job)` with the fields status, queue, rank, offset; it returns a code and a status.
local function act_on(id, act)
  local key = job_prefix .. id
  local f = redis.call('HMGET', key, 'status', 'acted', 'spec')
  if not f[1] then
    return answer('not_found')
  end
  local last, last_code, last_status = string.match(f[2] or '', '(%S+) (%S+) (%S+)')
  if last == request_id then
    return answer(last_code, last_status)
  end
  local spec, status = readable_spec(f[3]), f[1]
  if not (spec and KNOWN_STATUS[status]) then
    spec, status = mended(id, key, status, f[3])
  end
  if not spec then
    return answer('conflict', status)
  end
  local job = {status = status, queue = spec[QUEUE], rank = spec[RANK], offset = spec[OFFSET], spec = spec}
  local code
  code, status = act(id, key, job)
  if code == 'done' or code == 'requested' then
    redis.call('HSET', key, 'acted', table.concat({request_id, code, status}, ' '))
  end
  answer(code, status)
end
