-- What became of a schedule's instants, and whether the job of the last one is still under way.
-- Needs: job_prefix; now number_of
local note, note_late, write_notes, status_under_way, is_held_up
do
  local KEPT = 100
  local UNDER_WAY = {queued = true, scheduled = true, waiting = true, running = true, failed = true}
  local notes = {}

  -- `what` is the job's id, or how many were missed.
  function note(nominal, outcome, what)
    notes[#notes + 1] = cmsgpack.pack({nominal, now, outcome, what})
  end

  -- Told once, however often it is tried.
  function note_late(key, nominal)
    if number_of(redis.call('HGET', key, 'late')) ~= nominal then
      redis.call('HSET', key, 'late', string.format('%.0f', nominal))
      note(nominal, 'delayed', '')
    end
  end

  function write_notes(list)
    for first = 1, #notes, KEPT do
      redis.call('LPUSH', list, unpack(notes, first, math.min(first + KEPT - 1, #notes)))
    end
    if notes[1] then
      redis.call('LTRIM', list, 0, KEPT - 1)
    end
  end

  -- The status of a job that is not final; nil for one that is, or is gone.
  function status_under_way(id)
    local status = redis.call('HGET', job_prefix .. id, 'status')
    return UNDER_WAY[status] and status or nil
  end

  function is_held_up(overlap, status)
    return status and (overlap == 'skip' or overlap == 'queue_one' and status ~= 'running')
  end
end
