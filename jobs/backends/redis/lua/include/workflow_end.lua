-- The end of a workflow: when none of its steps waits or is alive. Whom it was to tell hears of it in the same step, by a
-- job whose id comes of workflow and run, so that none hears twice; a run ends once, and a retry begins another.
-- Needs: job_prefix workflows_ended; now; record step webhook
do
  local PRIORITIES = {[0] = 'critical', 'high', 'medium', 'low'}

  local function facts(id, name, status, f)
    return string.format('"workflow_id":"%s","name":"%s","status":"%s","steps":%s,"completed":%s,"dead_letter":%s,"cancelled":%s',
      id, name, status, f.steps, f.c, f.d, f.x)
  end

  -- The given payload stands in the callback's as it was given: nobody decodes it here.
  local function call_back(id, f, told)
    local is_readable, callback = pcall(cmsgpack.unpack, f.callback)
    local job = is_readable and made_id(id, 'callback', f.run)
    if not job or redis.call('EXISTS', job_prefix .. job) == 1 then
      return
    end
    local queue, rank, offset, spec, payload = unpack(callback)
    payload = '{' .. told .. ',"payload":' .. payload .. '}'
    redis.call('HSET', job_prefix .. job, 'status', 'queued', 'ready_at', now_us, 'spec', spec, 'payload', payload)
    add(count_deltas, 'stored', #payload)
    redis.call('ZADD', queues, math.floor(now / 60000), queue)
    place_ready(job, queue, rank, offset, now_us, readable_spec(spec) or {})
    put_into(ids, 0, job)
    status_change(job, queue, rank, nil, 'queued')
    tally('submitted:' .. PRIORITIES[rank])
    tally_minute('submitted')
    tally_minute('in:' .. queue)
  end

  local FIELDS = {'status', 'w', 'a', 'walks', 'c', 'd', 'x', 'steps', 'cancel_by', 'name', 'run', 'callback', 'webhook'}

  function steps.end_workflow(id, key)
    local f = {}
    for place, value in ipairs(redis.call('HMGET', key, unpack(FIELDS))) do
      f[FIELDS[place]] = value
    end
    if f.status ~= 'running' or f.w ~= '0' or f.a ~= '0' or f.walks ~= '0' then
      return
    end
    local status = f.c == f.steps and 'completed' or f.cancel_by and 'cancelled' or 'failed'
    redis.call('HSET', key, 'status', status, 'finished_at', now)
    redis.call('ZADD', workflows_ended, now, id)
    tally('workflows:' .. status)
    local told = facts(id, f.name, status, f)
    if f.callback then
      call_back(id, f, told)
    end
    if f.webhook then
      deliver_workflow(id, f.run, status, f.name, f.webhook, told)
    end
  end
end
