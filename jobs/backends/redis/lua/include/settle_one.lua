-- Ends one attempt as its worker says, if the worker still holds it.
-- Needs: job_prefix; record observe running attempt end_attempt outcome
local settle_one
do
  local USES_NO_ATTEMPT = {released = true, unknown_kind = true}
  local NO_FAILURE = {}

  local function end_one(job, outcome, duration_ms, result, failure)
    local error_type = failure[ERROR_TYPE] or ''
    if outcome ~= 'completed' then
      read_policy(job)
    end
    if not USES_NO_ATTEMPT[outcome] then
      close_attempt(job, outcome, error_type, failure[ERROR_MESSAGE], failure[TRACEBACK])
      Times.observe(job.queue, job.kind, duration_ms)
    end
    if error_type ~= '' then
      put('error_type', error_type)
      put('error_message', failure[ERROR_MESSAGE])
      put('traceback', failure[TRACEBACK])
    elseif outcome == 'completed' and job.error_type then
      redis.call('HDEL', job.key, 'error_type', 'error_message', 'traceback')
    end
    if not job.spec then
      put('result', result)
      add(count_deltas, 'stored', #result)
    end
    local status
    if not job.spec then
      status = bury_running(job)
    elseif outcome == 'completed' then
      status = complete(job, result)
    else
      status = settle[outcome](job, failure, result)
    end
    put('settled', job.token .. ' ' .. status)
    write(job)
    return status
  end

  function settle_one(id, token, outcome, duration_ms, result, failure)
    local job = read_running(id, token)
    if job and job.token == token then
      return end_one(job, outcome, duration_ms, result, failure or NO_FAILURE)
    end
    local earlier = redis.call('HGET', job_prefix .. id, 'settled')
    local earlier_token, status = string.match(earlier or '', '(%S+) (%S+)')
    if earlier_token == token then
      return status
    end
    tally('stale_settles')
    return 'lost'
  end
end
