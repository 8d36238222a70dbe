-- A running job and what a call makes of it: its new fields are gathered and written at once.
-- Needs: job_prefix
local function read_running(id)
  local key = job_prefix .. id
  local f = redis.call('HMGET', key, 'status', 'token', 'queue', 'priority', 'kind', 'attempt', 'started_at',
    'worker_id', 'cancel_by', 'error_type')
  if f[1] ~= 'running' then
    return nil
  end
  return {id = id, key = key, token = f[2], queue = f[3], rank = f[4], kind = f[5], attempt = f[6], started_at = f[7],
    worker_id = f[8], cancel_by = f[9], error_type = f[10], fields = {}, size = 0}
end

-- What only a job needs that did not complete. Fields at their default are not stored.
local function read_policy(job)
  local f = redis.call('HMGET', job.key, 'offset', 'ready_at', 'retry_count', 'max_retries', 'base_ms', 'max_ms',
    'jitter', 'delivery', 'lost_leases')
  job.offset, job.ready_at, job.retry_count, job.max_retries = f[1], f[2], tonumber(f[3]) or 0, tonumber(f[4]) or 3
  job.base_ms, job.max_ms, job.jitter = tonumber(f[5]) or 1000, tonumber(f[6]) or 300000, f[7]
  job.delivery, job.lost_leases = f[8], tonumber(f[9]) or 0
end

local function put(job, field, value)
  local size = job.size
  job.fields[size + 1] = field
  job.fields[size + 2] = value
  job.size = size + 2
end

local function write(job)
  redis.call('HSET', job.key, unpack(job.fields, 1, job.size))
end
