-- The ways out of `running` of a job that does not end, shared by settle and reap. Each returns the new status; `write`
-- must follow.
-- Needs: scheduled failed leases; now; running attempt place bury finish
local bury_running, delay, put_back, release, backoff, longest_backoff
do
  -- A job whose spec cannot be read can neither run again nor be told by its kind.
  function bury_running(job)
    take_from(leases, job.id)
    bury_unreadable(job.id, job.key, job.packed)
    return 'dead_letter'
  end

  function delay(job, status, delay_ms, reason)
    local due = now + math.floor(delay_ms)
    leave_running(job, status, reason)
    put('scheduled_for', due)
    put_into(status == 'failed' and failed or scheduled, due, job.id)
    return status
  end

  -- Back to its old place in the queue, as if it had not been taken.
  function put_back(job)
    leave_running(job, 'queued')
    place_ready(job.id, job.queue, job.rank, job.spec[OFFSET], job.ready_at)
    return 'queued'
  end

  function release(job)
    if job.cancel_by then
      -- The handler may have run until it was stopped: the record says so.
      close_attempt(job, 'released')
      return finish(job, 'cancelled', 'cancelled')
    end
    put('attempt', job.attempt - 1)
    return put_back(job)
  end

  -- Beyond it any base has long reached any bound, and 0 times infinity is no number.
  local MOST_DOUBLINGS = 60

  -- min(base · 2^retry_count, max) with retry_count counted after the failure (ADR 0003).
  function backoff(job, chance)
    local plain = math.min((job.spec[BASE_MS] or 1000) * 2 ^ math.min(job.retry_count + 1, MOST_DOUBLINGS), job.spec[MAX_MS] or 300000)
    return job.spec[JITTER] == 'full' and math.max(1, plain * chance) or plain
  end

  -- Of who is put off: from half of the bound to all of it, so that those who wait together do not come back together.
  function longest_backoff(job, chance)
    return math.max(1, (job.spec[MAX_MS] or 300000) * (1 + chance) / 2)
  end
end
