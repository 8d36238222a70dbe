-- What each outcome but completion makes of a job; a request to cancel wins over all of them.
-- Needs: failure end_attempt finish lose limited limiter circuit_turns budget completed; tally tally_minute (record) kind_label (kinds) observe
local settle = {}
do
  local UNKNOWN_KIND_LIMIT = 8
  local UNKNOWN_KIND_BASE_MS, UNKNOWN_KIND_MAX_MS = 5000, 300000

  local function count_failure(job)
    job.has_failed = true
    tell_of_kind(job, true)
    tally('failed:' .. kind_label(job.kind))
    Times.note('queue_failed:' .. job.queue)
    tally_minute('failed')
  end

  function settle.failed(job, failure)
    count_failure(job)
    if job.cancel_by then
      return finish(job, 'cancelled', 'cancelled')
    elseif job.spec[AT_MOST_ONCE] then
      return finish(job, 'dead_letter', 'at_most_once')
    elseif job.retry_count >= (job.spec[MAX_RETRIES] or 3) then
      return finish(job, 'dead_letter', 'retries_exhausted')
    end
    tally('retried:' .. kind_label(job.kind))
    Times.note('queue_retried:' .. job.queue)
    tally_minute('retried')
    put('retry_count', job.retry_count + 1)
    local chance = failure[CHANCE] or 1
    local delay_ms = (failure[DELAY] or -1) >= 0 and failure[DELAY] or backoff(job, chance)
    if not has_limits() or Budget.may_retry(limiter_of(job.kind)) then
      return delay(job, 'failed', delay_ms)
    end
    tally('put_off:' .. kind_label(job.kind))
    return delay(job, 'failed', math.max(delay_ms, longest_backoff(job, chance)), 'retry_budget')
  end

  function settle.discarded(job)
    count_failure(job)
    if job.cancel_by then
      return finish(job, 'cancelled', 'cancelled')
    end
    return finish(job, 'dead_letter', 'discard')
  end

  -- The process that ran the attempt died of it, and its worker lives to tell.
  function settle.crashed(job)
    count_failure(job)
    return go_down_the_ladder(job, 'crashed')
  end

  function settle.snoozed(job, failure)
    tally('snoozed')
    Times.note('queue_snoozed:' .. job.queue)
    if job.cancel_by then
      return finish(job, 'cancelled', 'cancelled')
    elseif job.spec[AT_MOST_ONCE] then
      return finish(job, 'dead_letter', 'at_most_once')
    end
    return delay(job, 'scheduled', math.max(failure[DELAY] or 0, 0), 'snoozed')
  end

  function settle.released(job)
    tally('released')
    return release(job)
  end

  function settle.unknown_kind(job)
    local seen = (number_of(redis.call('HGET', job.key, 'unknown_kinds')) or 0) + 1
    put('unknown_kinds', seen)
    put('attempt', job.attempt - 1)
    if job.cancel_by then
      return finish(job, 'cancelled', 'cancelled')
    elseif seen >= UNKNOWN_KIND_LIMIT then
      return finish(job, 'dead_letter', 'unknown_kind')
    end
    return delay(job, 'scheduled', math.min(UNKNOWN_KIND_BASE_MS * 2 ^ (seen - 1), UNKNOWN_KIND_MAX_MS), 'unknown_kind')
  end
end
