-- A workflow's retry, step by step: dead letters go back to their queues, and a step that was cancelled gets another job,
-- for a cancelled job never runs again.
-- Needs: job_prefix workflow_prefix workflow_walks waiting; now; record place pages spec step waiting_step reinject
local retry_step
do
  local PRIORITIES = {[0] = 'critical', 'high', 'medium', 'low'}
  local AT_ONCE = 1000

  -- Parents that completed are done, and so is a failed one for who goes on all the same; the others are to run again.
  -- One whose job is gone cannot, and says so behind this walk.
  local function put_edges(id, key, number, parents)
    local pending = 0
    for first = 1, #parents, AT_ONCE do
      local fields = {}
      for place = first, math.min(first + AT_ONCE - 1, #parents) do
        fields[#fields + 1] = 's' .. parents[place]
        fields[#fields + 1] = 'j' .. parents[place]
      end
      local f = redis.call('HMGET', key, unpack(fields))
      for place = 1, #f, 2 do
        local parent, job = parents[first + (place - 1) / 2], f[place + 1]
        if f[place] ~= 'c' then
          redis.call('HSET', key, 'e' .. parent .. ':' .. number, 1)
          pending = pending + 1
          if f[place] == 'x' and not (job and redis.call('EXISTS', job_prefix .. job) == 1) then
            redis.call('RPUSH', workflow_walks, 'tell ' .. id .. ' ' .. parent)
            steps.add(key, 'walks', 1)
          end
        end
      end
    end
    redis.call('HSET', key, 'p' .. number, pending)
    return pending
  end

  local function renew(id, key, number, old)
    local f = redis.call('HMGET', job_prefix .. old, 'spec', 'payload')
    local spec = readable_spec(f[1])
    local job = spec and f[2] and made_id(id, number, old)
    if not job then
      return
    end
    redis.call('HSET', job_prefix .. job, 'status', 'waiting', 'created', now, 'spec', f[1], 'payload', f[2], 'step', id .. ' ' .. number)
    add(count_deltas, 'stored', #f[2])
    enlist(job)
    if is_expired(spec) then
      -- Whoever wants it to run all the same knows that it is late.
      redis.call('HSET', job_prefix .. job, 'attempt', 0)
    else
      may_expire(job, 'waiting', spec)
    end
    status_change(job, spec[QUEUE], spec[RANK], nil, 'waiting')
    redis.call('HSET', key, 'j' .. number, job)
    redis.call('HDEL', key, 'r' .. number)
    steps.set(key, number, 'x', 'w')
    tally('submitted:' .. PRIORITIES[spec[RANK]])
    tally_minute('submitted')
    tally_minute('in:' .. spec[QUEUE])
    local parents = {}
    for parent in string.gmatch(redis.call('HGET', key, 'a' .. number) or '', '%d+') do
      parents[#parents + 1] = parent
    end
    if put_edges(id, key, number, parents) == 0 then
      steps.let_go(key, number)
    else
      put_into(waiting, now, job)
    end
  end

  function retry_step(id, key, number)
    local f = redis.call('HMGET', key, 's' .. number, 'j' .. number)
    if f[1] == 'x' and f[2] then
      renew(id, key, number, f[2])
    elseif f[1] == 'd' and f[2] then
      local job = redis.call('HMGET', job_prefix .. f[2], 'status', 'spec')
      local spec = readable_spec(job[2])
      if spec then
        reinject(f[2], job_prefix .. f[2], {status = job[1], queue = spec[QUEUE], rank = spec[RANK], offset = spec[OFFSET], spec = spec})
      end
    end
  end
end
