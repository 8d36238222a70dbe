-- Who holds a unique key, as far as it still lives: a lock whose job is gone or has ended is nobody's.
-- Needs: job_prefix; number spec created ties
local is_living, living_holder, try_lock
do
  local TTL = 3
  local LIVES = {queued = true, scheduled = true, waiting = true, failed = true, running = true}

  function is_living(status)
    return LIVES[status]
  end

  -- Its id, status, spec and time of submission (ms); nil where the key is free.
  function living_holder(key)
    local id = holder_of(key)
    local job = id and redis.call('HMGET', job_prefix .. id, 'status', 'spec', 'created', 'ready_at')
    local spec = job and LIVES[job[1]] and readable_spec(job[2])
    return spec and {id = id, status = job[1], spec = spec, created_at = created_of(job[3], job[4])} or nil
  end

  -- Takes what a job asked for, if nobody else has it.
  function try_lock(unique, id)
    local holder = living_holder(unique[1])
    if holder and holder.id ~= id then
      return false
    end
    take_lock(unique[1], id, number_of(unique[TTL]) or 0)
    return true
  end
end
