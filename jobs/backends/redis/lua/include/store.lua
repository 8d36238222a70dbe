-- Stores new jobs, whoever brings them, and books them at the end of the call. A job is a row of ten values in a batch:
-- see submit.lua.
-- Needs: job_prefix scheduled; now wake record place pages known queues; more meet_holder where a job has more
local WIDTH, is_sound, store, book_stored = 10, nil, nil, nil
do
  local type, PRIORITIES = type, {[0] = 'critical', 'high', 'medium', 'low'}
  local new_queues, submitted, stored = {}, {[0] = 0, 0, 0, 0}, 0

  -- Redis does not roll back, so nothing is written before the whole batch is known to be sound.
  function is_sound(batch, at)
    return type(batch[at]) == 'string' and type(batch[at + 1]) == 'string' and type(batch[at + 2]) == 'string'
      and type(batch[at + 3]) == 'string' and PRIORITIES[batch[at + 4]] and type(batch[at + 5]) == 'number'
      and type(batch[at + 6]) == 'number' and type(batch[at + 7]) == 'string' and type(batch[at + 8]) == 'string'
      and (batch[at + 9] == false or is_more(batch[at + 9]))
  end

  -- Returns code, id, status and time of submission (ms): its own, or those of the job that holds its unique key.
  function store(id, idempotency, fingerprint, queue, rank, offset, due, spec, payload, more)
    local key, status = job_prefix .. id, 'queued'
    if more then
      local unique = unique_asked(more)
      local met = unique and meet_holder(idempotency, fingerprint, unique, spec, payload)
      if met then
        return unpack(met)
      end
      due = due_of(more, due)
      tie(id, more)
    end
    if due > now then
      status = 'scheduled'
      write_job(key, idempotency, 'status', status, 'created', now, 'scheduled_for', due, 'spec', spec, 'payload', payload)
      put_into(scheduled, due, id)
    else
      write_job(key, idempotency, 'status', status, 'ready_at', now_us, 'spec', spec, 'payload', payload)
      if due > 0 then
        redis.call('HSET', key, 'created', now, 'scheduled_for', due)
      end
      place_ready(id, queue, rank, offset, now_us, spec)
    end
    enlist(id)
    if idempotency ~= '' then
      remember(idempotency, fingerprint, id, status)
    end
    status_change(id, queue, rank, nil, status)
    submitted[rank] = submitted[rank] + 1
    stored = stored + #payload
    new_queues[queue] = (new_queues[queue] or 0) + 1
    if may_repeat then
      stored_here[id] = {'accepted', id, status, now}
    end
    return 'accepted', id, status, now
  end

  -- The end of a call that stored jobs, before `record`.
  function book_stored()
    add(count_deltas, 'stored', stored)
    for queue, amount in pairs(new_queues) do
      mark_used(queue)
      tally_minute('in:' .. queue, amount)
    end
    for rank, amount in pairs(submitted) do
      if amount > 0 then
        tally('submitted:' .. PRIORITIES[rank], amount)
        tally_minute('submitted', amount)
      end
    end
    write_and_wake()
  end
end
