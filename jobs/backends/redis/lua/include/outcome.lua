-- What each outcome makes of a job; a request to cancel wins over everything but completion.
-- Needs: end_attempt; tally tally_minute kind_label (record)
-- The places of what a settlement says.
local ID, TOKEN, OUTCOME, DURATION, RESULT, ERROR_TYPE, ERROR_MESSAGE, TRACEBACK, DELAY, CHANCE = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
local UNKNOWN_KIND_LIMIT = 8
local UNKNOWN_KIND_BASE_MS, UNKNOWN_KIND_MAX_MS = 5000, 300000

local settle = {}

function settle.completed(job, given)
  local result = given[RESULT] or ''
  if result ~= '' then
    put('result', result)
  end
  tally('completed:' .. kind_label(job.kind))
  tally_minute('completed')
  return finish(job, 'completed', nil, #result)
end

local function count_failure(job)
  job.has_failed = true
  tally('failed:' .. kind_label(job.kind))
  tally_minute('failed')
end

function settle.failed(job, given)
  count_failure(job)
  if job.cancel_by then
    return finish(job, 'cancelled', 'cancelled')
  elseif job.spec[AT_MOST_ONCE] then
    return finish(job, 'dead_letter', 'at_most_once')
  elseif job.retry_count >= (job.spec[MAX_RETRIES] or 3) then
    return finish(job, 'dead_letter', 'retries_exhausted')
  end
  tally('retried:' .. kind_label(job.kind))
  tally_minute('retried')
  put('retry_count', job.retry_count + 1)
  return delay(job, 'failed', (given[DELAY] or -1) >= 0 and given[DELAY] or backoff(job, given[CHANCE] or 1))
end

function settle.discarded(job)
  count_failure(job)
  if job.cancel_by then
    return finish(job, 'cancelled', 'cancelled')
  end
  return finish(job, 'dead_letter', 'discard')
end

function settle.snoozed(job, given)
  tally('snoozed')
  if job.cancel_by then
    return finish(job, 'cancelled', 'cancelled')
  elseif job.spec[AT_MOST_ONCE] then
    return finish(job, 'dead_letter', 'at_most_once')
  end
  return delay(job, 'scheduled', math.max(given[DELAY] or 0, 0), 'snoozed')
end

function settle.released(job)
  tally('released')
  return release(job)
end

function settle.unknown_kind(job)
  local seen = redis.call('HINCRBY', job.key, 'unknown_kinds', 1)
  put('attempt', job.attempt - 1)
  if job.cancel_by then
    return finish(job, 'cancelled', 'cancelled')
  elseif seen >= UNKNOWN_KIND_LIMIT then
    return finish(job, 'dead_letter', 'unknown_kind')
  end
  return delay(job, 'scheduled', math.min(UNKNOWN_KIND_BASE_MS * 2 ^ (seen - 1), UNKNOWN_KIND_MAX_MS), 'unknown_kind')
end
