-- A lease that ended without its holder, and what follows each time that a job took down who ran it: first → queued again,
-- second → failed for 10–20 s, third → dead letter `crashed`. Jobs that were lost together come back at different times, so
-- that one that kills its workers is alone then. `how` says what is known of the end of the worker, nil for a lease that ran
-- out.
-- Needs: running attempt end_attempt
local go_down_the_ladder, lose
do
  local LIMIT_OF_LOSSES = 3
  local SECOND_LOSS_DELAY_MS, SECOND_LOSS_SPREAD_MS = 10000, 10000
  local CRASH = 'worker_crashed'

  -- By chance, as the last digits of an id before its shard are; the same for a job each time.
  local function second_loss_delay_ms(id)
    return SECOND_LOSS_DELAY_MS + (tonumber(string.sub(id, -6, -3), 16) or 0) % SECOND_LOSS_SPREAD_MS
  end

  -- Returns the new status; `reason` is that of a job that waits after its second time.
  function go_down_the_ladder(job, reason)
    local losses = job.lost_leases + 1
    put('lost_leases', losses)
    if job.cancel_by then
      return finish(job, 'cancelled', 'cancelled')
    elseif job.spec[AT_MOST_ONCE] then
      return finish(job, 'dead_letter', 'at_most_once')
    elseif losses >= LIMIT_OF_LOSSES then
      return finish(job, 'dead_letter', 'crashed')
    elseif losses == 2 then
      return delay(job, 'failed', second_loss_delay_ms(job.id), reason)
    end
    return put_back(job)
  end

  function lose(job, how)
    read_policy(job)
    close_attempt(job, 'lost_lease', how and CRASH, how, how and '')
    if how then
      put('error_type', CRASH)
      put('error_message', how)
      put('traceback', '')
    end
    tally('lost_leases')
    if job.spec then
      go_down_the_ladder(job, 'lost_lease')
    else
      put('lost_leases', job.lost_leases + 1)
      bury_running(job)
    end
    write(job)
  end
end
