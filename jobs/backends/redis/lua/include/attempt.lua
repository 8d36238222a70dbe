-- Closes the books on the attempt that ran: its record goes into the job, the oldest beyond 50 goes out.
-- Needs: put (running); now
local MAX_ATTEMPTS = 50

local function close_attempt(job, outcome, error_type, error_message, traceback)
  local entry = {job.started_at, now, job.worker_id or '', outcome}
  if error_type and error_type ~= '' then
    entry[5], entry[6], entry[7] = error_type, error_message, traceback
  end
  put('attempt:' .. job.attempt, cmsgpack.pack(entry))
  if job.attempt > MAX_ATTEMPTS then
    redis.call('HDEL', job.key, 'attempt:' .. (job.attempt - MAX_ATTEMPTS))
  end
end
