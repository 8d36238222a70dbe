-- What becomes of a step that waits for its parents: it goes, or it is given up.
-- Needs: job_prefix workflow_prefix waiting scheduled; now now_us; number spec record place place_final
-- webhook ties bury step
do
  local function job_of(key, child)
    local id = redis.call('HGET', key, 'j' .. child) or ''
    local job = redis.call('HMGET', job_prefix .. id, 'status', 'spec', 'scheduled_for')
    if not job[1] then
      -- It was taken out of the store from outside: nobody else tells those behind it.
      steps.set(key, child, 'w', 'x')
      steps.tell(string.sub(key, #workflow_prefix + 1), child)
    elseif job[1] == 'waiting' then
      take_from(waiting, id)
      local spec = readable_spec(job[2])
      if spec then
        return id, job_prefix .. id, spec, number_of(job[3]) or 0
      end
      bury_unreadable(id, job_prefix .. id, job[2])
    end
  end

  -- All its parents are done.
  function steps.let_go(key, child)
    local id, job, spec, due = job_of(key, child)
    if not id then
      return
    end
    steps.set(key, child, 'w', 'a')
    if due > now then
      redis.call('HSET', job, 'status', 'scheduled')
      put_into(scheduled, due, id)
      status_change(id, spec[QUEUE], spec[RANK], 'waiting', 'scheduled')
    else
      redis.call('HSET', job, 'status', 'queued', 'ready_at', now_us)
      place_ready(id, spec[QUEUE], spec[RANK], spec[OFFSET], now_us, spec)
      status_change(id, spec[QUEUE], spec[RANK], 'waiting', 'queued')
    end
  end

  function steps.give_up(key, child, by)
    local id, job, spec = job_of(key, child)
    if id then
      redis.call('HSET', job, 'status', 'cancelled', 'reason', by and 'cancelled' or 'parent_ended', 'cancel_by',
        by or 'workflow', 'finished_at', now)
      status_change(id, spec[QUEUE], spec[RANK], 'waiting', 'cancelled')
      place_final(id, 'cancelled', spec)
      deliver_end(id, 'cancelled', spec)
      untie(id, spec)
      tally('cancelled')
      tally_minute('out:' .. spec[QUEUE])
    end
  end
end
