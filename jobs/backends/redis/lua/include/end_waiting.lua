-- Ends a job that does not run: somebody cancelled it, its time to start is over, or another took its place.
-- Needs: job_prefix queue_prefix held_prefix scheduled failed waiting; now; spec held_lists record place place_final webhook ties
local take_out, end_waiting
do
  local INDEX = {scheduled = scheduled, failed = failed, waiting = waiting}

  -- Takes a waiting job out of its index; false for one that does not wait.
  function take_out(id, status, spec)
    if status == 'queued' then
      take_from(queue_prefix .. spec[QUEUE], id)
      for _, list in ipairs(held_lists(spec, spec[QUEUE])) do
        take_from(list, id)
      end
      leave_line(id, spec[QUEUE], spec[RANK], spec)
    elseif INDEX[status] then
      take_from(INDEX[status], id)
    else
      return false
    end
    return true
  end

  -- The caller has taken it out of its index. `by` is the actor, nil where nobody asked.
  function end_waiting(id, spec, before, reason, by)
    local key = job_prefix .. id
    redis.call('HSET', key, 'status', 'cancelled', 'reason', reason, 'finished_at', now)
    if by then
      redis.call('HSET', key, 'cancel_by', by)
    end
    status_change(id, spec[QUEUE], spec[RANK], before, 'cancelled')
    place_final(id, 'cancelled', spec)
    deliver_end(id, 'cancelled', spec)
    untie(id, spec)
    tally('cancelled')
    if reason == 'expired' then
      tally('expired')
    end
    tally_minute('out:' .. spec[QUEUE])
  end
end
