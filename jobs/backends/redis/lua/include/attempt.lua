-- Closes the books on the attempt that ran: its record goes into the job, the oldest beyond 50 goes out.
-- Needs: job_prefix; now
local MAX_ATTEMPTS = 50

local function close_attempt(key, number, started_at, worker_id, outcome, error_type, error_message, traceback)
  local entry = {started_at, now, worker_id, outcome, error_type or '', error_message or '', traceback or ''}
  redis.call('HSET', key, 'attempt:' .. number, cmsgpack.pack(entry))
  if tonumber(number) > MAX_ATTEMPTS then
    redis.call('HDEL', key, 'attempt:' .. (number - MAX_ATTEMPTS))
  end
end
