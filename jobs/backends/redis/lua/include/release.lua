-- Tells the children of steps that ended: the last parent's completion lets a child go, a failed parent does what the
-- child's policy says. Each edge is a field of the workflow and goes once, so that a repeat counts nothing twice. A call
-- looks at few children; the rest stays listed, and any later call and maintenance go on with.
-- Needs: job_prefix workflow_prefix; number step waiting_step workflow_end
do
  local MAX_RESULT_BYTES, MAX_KEPT_BYTES = 65536, 4194304
  local left

  local function tell_child(key, number, state, workflow, child)
    local f = redis.call('HMGET', key, 's' .. child, 'f' .. child)
    local policy = f[2] or workflow.policy
    if state == 'c' or policy == 'continue' then
      local is_last = redis.call('HDEL', key, 'e' .. number .. ':' .. child) == 1
        and (steps.add(key, 'p' .. child, -1) or 1) <= 0
      if f[1] == 'w' and workflow.cancel_by then
        steps.give_up(key, child, workflow.cancel_by)
      elseif f[1] == 'w' and is_last then
        steps.let_go(key, child)
      end
    elseif f[1] == 'w' and not (state == 'd' and policy == 'wait') then
      steps.give_up(key, child, workflow.cancel_by)
    end
  end

  -- What a step made is kept for its children, however soon retention removes it.
  local function keep_result(key, number, job)
    local result = redis.call('HSTRLEN', job_prefix .. job, 'result')
    if result == 0 or redis.call('HEXISTS', key, 'r' .. number) == 1 then
      return
    end
    local kept = (number_of(redis.call('HGET', key, 'kept')) or 0) + result
    if result <= MAX_RESULT_BYTES and kept <= MAX_KEPT_BYTES then
      redis.call('HSET', key, 'kept', kept, 'r' .. number, redis.call('HGET', job_prefix .. job, 'result'))
    else
      redis.call('HSET', key, 'r' .. number, '')
    end
  end

  -- For who found that a child was not told. Returns 1 if that did away with an edge, else 0.
  function steps.tell_one(key, number, state, child)
    local f = redis.call('HMGET', key, 'policy', 'cancel_by')
    tell_child(key, number, state, {policy = f[1], cancel_by = f[2]}, child)
    return redis.call('HEXISTS', key, 'e' .. number .. ':' .. child) == 1 and 0 or 1
  end

  local function tell_children(id, number, position)
    local key = workflow_prefix .. id
    local f = redis.call('HMGET', key, 's' .. number, 'c' .. number, 'policy', 'cancel_by', 'j' .. number)
    local state, children, workflow = f[1], f[2], {policy = f[3], cancel_by = f[4]}
    -- A dead letter that runs again meanwhile has nothing to tell yet.
    if state ~= 'c' and state ~= 'd' and state ~= 'x' then
      return
    end
    if children and state == 'c' and f[5] then
      keep_result(key, number, f[5])
    end
    for first, child in string.gmatch(string.sub(children or '', position), '()(%d+)') do
      if left <= 0 then
        steps.put_off(id, number, position + first - 1)
        return
      end
      left = left - 1
      tell_child(key, number, state, workflow, child)
    end
    steps.end_workflow(id, key)
  end

  -- Goes on with up to `limit` children. Without one only where this very call ended a step, and so for a hundred.
  function steps.release(limit)
    left = limit or steps.has_noted and 100 or 0
    while left > 0 do
      local entry = steps.next_untold()
      if not entry then
        return
      end
      left = left - 1
      local id, number, position = string.match(entry, '^(%S+) (%d+) (%d+)$')
      if id then
        tell_children(id, number, tonumber(position))
      end
    end
  end
end
