-- The fields of a job in a list. The codec names them in the same order, and a test compares the two.
-- Needs: job_prefix
local SUMMARY = {'status', 'spec', 'created', 'scheduled_for', 'ready_at', 'started_at', 'finished_at', 'retry_count',
  'error_type', 'error_message', 'reason', 'lease', 'attempt', 'lost_leases', 'cancel_by', 'progress'}

local function summary(id)
  local values = redis.call('HMGET', job_prefix .. id, unpack(SUMMARY))
  return values[1] and values or {}
end
