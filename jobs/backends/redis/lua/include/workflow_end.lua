-- The end of a workflow: when none of its steps waits or is alive. Whom it was to tell hears of it in the same step, by a
-- job whose id comes of workflow and run, so that none hears twice; a run ends once, and a retry begins another.
-- Needs: job_prefix workflows_ended scheduled queues; now; number record place pages ties step webhook
do
  local PRIORITIES = {[0] = 'critical', 'high', 'medium', 'low'}

  local function facts(id, name, status, f)
    return string.format('"workflow_id":"%s","name":"%s","status":"%s","steps":%s,"completed":%s,"dead_letter":%s,"cancelled":%s',
      id, name, status, f.steps, f.c, f.d, f.x)
  end

  -- As the codec writes it: queue, rank, offset, spec, payload, due (ms) or 0.
  local function is_callback(found)
    return type(found) == 'table' and type(found[1]) == 'string' and PRIORITIES[found[2]] and type(found[3]) == 'number'
      and type(found[4]) == 'string' and type(found[5]) == 'string'
  end

  -- The given payload stands in the callback's as it was given: nobody decodes it here.
  local function call_back(id, f, told)
    local is_readable, callback = pcall(cmsgpack.unpack, f.callback)
    local job = is_readable and is_callback(callback) and made_id(id, 'callback', f.run)
    if not job or redis.call('EXISTS', job_prefix .. job) == 1 then
      return
    end
    local queue, rank, offset, spec, payload = unpack(callback)
    local status, due = 'queued', number_of(callback[6]) or 0
    payload = '{' .. told .. ',"payload":' .. payload .. '}'
    redis.call('HSET', job_prefix .. job, 'created', now, 'spec', spec, 'payload', payload)
    if due > now then
      status = 'scheduled'
      redis.call('HSET', job_prefix .. job, 'scheduled_for', due)
      put_into(scheduled, due, job)
    else
      redis.call('HSET', job_prefix .. job, 'ready_at', now_us)
      place_ready(job, queue, rank, offset, now_us, readable_spec(spec) or {})
    end
    redis.call('HSET', job_prefix .. job, 'status', status)
    add(count_deltas, 'stored', #payload)
    redis.call('ZADD', queues, math.floor(now / 60000), queue)
    enlist(job)
    may_expire(job, status, readable_spec(spec) or {})
    status_change(job, queue, rank, nil, status)
    tally('submitted:' .. PRIORITIES[rank])
    tally_minute('submitted')
    tally_minute('in:' .. queue)
  end

  local FIELDS = {'status', 'w', 'a', 'c', 'd', 'x', 'walks', 'steps', 'cancel_by', 'name', 'run', 'callback', 'webhook'}
  local LAST_COUNT, OTHERWISE = 6, {walks = '0', steps = '0', run = '1'}

  -- What is no number was damaged from outside: counts are made anew.
  local function read(key, is_counted)
    local f, values = {}, redis.call('HMGET', key, unpack(FIELDS))
    for place, field in ipairs(FIELDS) do
      f[field] = values[place]
      if f.status ~= 'running' then
        return f
      elseif place > 1 and place <= LAST_COUNT and not (number_of(f[field]) or is_counted) then
        steps.recount(key)
        return read(key, true)
      elseif OTHERWISE[field] and not number_of(f[field]) then
        f[field] = OTHERWISE[field]
      end
    end
    return f
  end

  -- All of it was submitted in one span, so that its first step knows it, while there is one.
  local function trace_of(key)
    local first = redis.call('HGET', key, 'j1')
    local spec = first and readable_spec(redis.call('HGET', job_prefix .. first, 'spec'))
    return spec and spec[TRACE]
  end

  function steps.end_workflow(id, key)
    local f = read(key)
    if f.status ~= 'running' or f.w ~= '0' or f.a ~= '0' or f.walks ~= '0' then
      return
    end
    local status = f.c == f.steps and 'completed' or f.cancel_by and 'cancelled' or 'failed'
    redis.call('HSET', key, 'status', status, 'finished_at', now)
    redis.call('ZADD', workflows_ended, now, id)
    tally('workflows:' .. status)
    local told = facts(id, f.name or '', status, f)
    if f.callback then
      call_back(id, f, told)
    end
    if f.webhook then
      deliver_workflow(id, f.run, status, f.name or '', f.webhook, told, trace_of(key))
    end
  end
end
