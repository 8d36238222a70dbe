-- Whether a queued job stands where a claim finds it, and what puts it there.
-- Needs: job_prefix queue_prefix held held_prefix; now_us; number spec place created held_lists; repair of reconcile_jobs
local is_in_line, make_ready
do
  local HELD = 1000000000000

  -- One that a limit holds back comes back by a list that is looked at.
  local function is_listed(id, spec)
    for _, list in ipairs(held_lists(spec, spec[QUEUE])) do
      local pair = string.sub(list, #held_prefix + 1)
      if redis.call('ZSCORE', list, id) and redis.call('ZSCORE', held, pair) then
        return true
      end
    end
    return false
  end

  function is_in_line(id, spec)
    local score = redis.call('ZSCORE', queue_prefix .. spec[QUEUE], id)
    return score and (tonumber(score) < HELD or is_listed(id, spec))
  end

  function make_ready(id, key, spec, ready_us)
    if not ready_us then
      ready_us = now_us
      keep_created(key, redis.call('HGET', key, 'created'))
      redis.call('HSET', key, 'ready_at', ready_us)
    end
    for _, list in ipairs(held_lists(spec, spec[QUEUE])) do
      take_from(list, id)
    end
    place_ready(id, spec[QUEUE], spec[RANK], spec[OFFSET], ready_us, spec)
    repair(id, 'queued', spec[QUEUE])
  end
end
