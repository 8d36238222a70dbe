-- Closes the books on the attempt that ran: its record goes into the job, the oldest beyond 50 goes out.
-- Needs: put (running); now
local close_attempt
do
  local MAX_ATTEMPTS = 50
  -- Jobs that were claimed together mostly end alike, with a record that is the same to the byte.
  local last_started_at, last_worker, last_outcome, last_record

  local attempt_fields = {}

  local function attempt_field(number)
    local field = attempt_fields[number]
    if not field then
      field = 'attempt:' .. number
      attempt_fields[number] = field
    end
    return field
  end

  function close_attempt(job, outcome, error_type, error_message, traceback)
    local worker_id, has_error = job.worker_id or '', error_type and error_type ~= ''
    if has_error or last_started_at ~= job.started_at or last_worker ~= worker_id or last_outcome ~= outcome then
      local entry = {job.started_at, now, worker_id, outcome}
      if has_error then
        entry[5], entry[6], entry[7] = error_type, error_message, traceback
      end
      last_record = cmsgpack.pack(entry)
      last_started_at, last_worker, last_outcome = not has_error and job.started_at, worker_id, outcome
    end
    put(attempt_field(job.attempt), last_record)
    if job.attempt > MAX_ATTEMPTS then
      redis.call('HDEL', job.key, attempt_field(job.attempt - MAX_ATTEMPTS))
    end
  end
end
