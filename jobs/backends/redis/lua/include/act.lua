-- An operator's act on one job, answered alike when it is repeated, also after others have acted on the job: its last
-- eight request ids stay in it with their answers, newest first.
-- Needs: job_prefix request_id; spec known_status record bury
local answers, answer, act_on = {}, nil, nil
do
  local ACT, ACTS_KEPT = '(%S+) (%S+) (%S+)', 8

  function answer(code, status)
    answers[#answers + 1] = code
    answers[#answers + 1] = status or ''
  end

  -- The answer to this request, nil where it is new.
  local function answer_in(acted)
    for by, code, status in string.gmatch(acted, ACT) do
      if by == request_id then
        return code, status
      end
    end
  end

  local function remember(key, acted, code, status)
    local kept = {table.concat({request_id, code, status}, ' ')}
    for by, old_code, old_status in string.gmatch(acted, ACT) do
      if #kept < ACTS_KEPT then
        kept[#kept + 1] = table.concat({by, old_code, old_status}, ' ')
      end
    end
    redis.call('HSET', key, 'acted', table.concat(kept, ' '))
  end

  -- A job that cannot be read: nothing is to be done to a final one, a dead letter gets a spec and can be acted on, any
  -- other becomes a dead letter. Its entry in the index of its old status is dropped by whoever meets it there.
  local function mended(id, key, status, packed, acted)
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
      remember(key, acted, 'conflict', status)
    end
    return nil, status
  end

  -- Calls `act(id, key, job)` with the fields status, queue, rank, offset; it returns a code and a status.
  function act_on(id, act)
    local key = job_prefix .. id
    local f = redis.call('HMGET', key, 'status', 'acted', 'spec')
    if not f[1] then
      return answer('not_found')
    end
    local acted = f[2] or ''
    local known_code, known_status = answer_in(acted)
    if known_code then
      return answer(known_code, known_status)
    end
    local spec, status = readable_spec(f[3]), f[1]
    if not (spec and KNOWN_STATUS[status]) then
      spec, status = mended(id, key, status, f[3], acted)
    end
    if not spec then
      return answer('conflict', status)
    end
    local job = {status = status, queue = spec[QUEUE], rank = spec[RANK], offset = spec[OFFSET], spec = spec}
    local code
    code, status = act(id, key, job)
    if code == 'done' or code == 'requested' then
      remember(key, acted, code, status)
    end
    answer(code, status)
  end
end
