-- A running job and what a call makes of it. Its field `lease` holds token, worker and the bytes of its payload, and is
-- empty when nobody holds it; what is missing at its end costs the holder nothing. What a call makes of the job: its new
-- fields are gathered and written at once, in one list that serves all jobs in turn.
-- Needs: job_prefix; now; spec
local fields, fields_size = {}, 0

local function read_lease(lease)
  local token, worker_id, payload_bytes = string.match(lease, '^(%S+) (.*) (%d+)$')
  if token then
    return token, worker_id, payload_bytes
  end
  return string.match(lease, '^(%S+) ?(.*)$')
end

local function read_running(id)
  local key = job_prefix .. id
  local f = redis.call('HMGET', key, 'status', 'lease', 'spec', 'attempt', 'started_at', 'cancel_by', 'error_type')
  if f[1] ~= 'running' then
    return nil
  end
  local token, worker_id, payload_bytes = read_lease(f[2] or '')
  local spec = read_spec(f[3])
  return {id = id, key = key, token = token, worker_id = worker_id, payload_bytes = payload_bytes, spec = spec,
    kind = spec[KIND], queue = spec[QUEUE], rank = spec[RANK], attempt = tonumber(f[4]) or 1, started_at = f[5] or now,
    cancel_by = f[6], error_type = f[7]}
end

local function payload_bytes_of(job)
  return job.payload_bytes or redis.call('HSTRLEN', job.key, 'payload')
end

-- What only a job needs that did not complete.
local function read_policy(job)
  local f = redis.call('HMGET', job.key, 'ready_at', 'retry_count', 'lost_leases')
  job.ready_at, job.retry_count, job.lost_leases = f[1], tonumber(f[2]) or 0, tonumber(f[3]) or 0
end

local function put(field, value)
  fields[fields_size + 1] = field
  fields[fields_size + 2] = value
  fields_size = fields_size + 2
end

local function write(job)
  redis.call('HSET', job.key, unpack(fields, 1, fields_size))
  fields_size = 0
end
