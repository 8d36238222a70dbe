-- What a call did, gathered while it works and written once at its end: counts, totals, minute statistics, the event.
-- Needs: counts totals stats_prefix events; now
local count_deltas, changed_queue = {}, nil
local add, count, moved, tally, tally_minute, changed, announce, record
do
  local MINUTE_TTL_S = 93600
  -- An event names at most 200 changes of 37 bytes, or of 49 where each status differs from the last, so the cap on entries
  -- is one on bytes as well: 30 to 41 MB.
  local MAX_EVENTS, MAX_CHANGES = 4096, 200
  local total_deltas, minute_deltas = {}, {}
  local move_queue, move_rank, move_before, move_after, move_amount
  local changes, changes_size, changed_jobs, changed_status = {}, 0, 0, nil
  local full_events = {}

  function add(deltas, field, amount)
    deltas[field] = (deltas[field] or 0) + amount
  end

  function count(queue, status, rank, amount)
    add(count_deltas, queue .. '|' .. status .. '|' .. rank, amount)
    add(count_deltas, 'jobs', amount)
  end

  local function end_moves()
    if move_before then
      count(move_queue, move_before, move_rank, -move_amount)
    end
    if move_after then
      count(move_queue, move_after, move_rank, move_amount)
    end
  end

  -- Most jobs of a batch move as the one before did, so they are counted in rows. A job that is new has no `before`.
  function moved(queue, rank, before, after)
    if queue == move_queue and rank == move_rank and before == move_before and after == move_after then
      move_amount = move_amount + 1
      return
    end
    end_moves()
    move_queue, move_rank, move_before, move_after, move_amount = queue, rank, before, after, 1
  end

  function tally(field, amount)
    total_deltas[field] = (total_deltas[field] or 0) + (amount or 1)
  end

  function tally_minute(field, amount)
    minute_deltas[field] = (minute_deltas[field] or 0) + (amount or 1)
  end

  -- What is said of a batch that is too long for one event is told in several; each names its own queue.
  local function end_event()
    full_events[#full_events + 1] = {changed_queue or '*', table.concat(changes, ' ')}
    changes, changes_size, changed_jobs, changed_status, changed_queue = {}, 0, 0, nil, nil
  end

  function changed(id, status, queue)
    if changed_jobs == MAX_CHANGES then
      end_event()
    end
    changed_jobs = changed_jobs + 1
    -- A status stands before the ids that have it: the jobs of a batch mostly end alike.
    if status ~= changed_status then
      changes_size = changes_size + 1
      changes[changes_size] = status
      changed_status = status
    end
    changes_size = changes_size + 1
    changes[changes_size] = id
    if changed_queue == nil then
      changed_queue = queue
    elseif changed_queue ~= queue then
      changed_queue = '*'
    end
  end

  function announce(verb)
    end_event()
    for _, event in ipairs(full_events) do
      redis.call('XADD', events, 'MAXLEN', '~', MAX_EVENTS, '*', 'verb', verb, 'queue', event[1], 'at', now, 'jobs', event[2])
    end
  end

  function record(verb)
    end_moves()
    for field, amount in pairs(count_deltas) do
      -- What nothing is left of is dropped: the hash is read whole.
      if amount ~= 0 and redis.call('HINCRBY', counts, field, amount) == 0 then
        redis.call('HDEL', counts, field)
      end
    end
    for field, amount in pairs(total_deltas) do
      redis.call('HINCRBY', totals, field, amount)
    end
    if next(minute_deltas) then
      local minute = stats_prefix .. math.floor(now / 60000)
      local is_new = false
      for field, amount in pairs(minute_deltas) do
        is_new = redis.call('HINCRBY', minute, field, amount) == amount or is_new
      end
      if is_new then
        redis.call('EXPIRE', minute, MINUTE_TTL_S)
      end
    end
    if changes_size > 0 then
      announce(verb)
    end
  end
end
