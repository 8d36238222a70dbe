-- A running job and what a call makes of it. Its field `lease` holds token, worker and the bytes of its payload, and is
-- empty when nobody holds it; what is missing at its end costs the holder nothing. What a call makes of the job: its new
-- fields are gathered and written at once, in one list that serves all jobs in turn.
-- Needs: job_prefix; now now_us; number spec
local fields, fields_size = {}, 0
local read_running, payload_bytes_of, put, read_policy, write
do
  local UNREADABLE_KIND = 'undecodable'
  local lease_ends, attempts_read, last_lease_end = {}, {}, ''
  -- One table serves all jobs in turn, so who holds one must be done with it before the next is read.
  local job = {}

  -- The worker and the bytes of the payload; jobs of one claim mostly agree in both.
  local function read_lease_end(text)
    local known = lease_ends[text]
    if not known then
      local worker_id, payload_bytes = string.match(text, '^ (.*) (%d+)$')
      known = {worker_id or string.match(text, '^ ?(.*)$'), number_of(payload_bytes or '')}
      lease_ends[text] = known
    end
    return known[1], known[2]
  end

  -- Who holds a lease of whom is known without a look at its words, where it is `token` that holds it as the last job's did.
  local function read_holder(lease, token)
    if token and lease == token .. last_lease_end then
      return token
    end
    local token_ends = string.find(lease, ' ', 1, true)
    last_lease_end = token_ends and string.sub(lease, token_ends) or ''
    return lease ~= '' and string.sub(lease, 1, (token_ends or 0) - 1)
  end

  local function attempt_of(text)
    local attempt = attempts_read[text]
    if not attempt then
      attempt = number_of(text) or 1
      attempts_read[text] = attempt
    end
    return attempt
  end

  -- Its field `spec` is false where none can be read. `token` of who is thought to hold the lease, where the caller knows.
  function read_running(id, token)
    local key = job_prefix .. id
    local f = redis.call('HMGET', key, 'status', 'lease', 'spec', 'attempt', 'started_at', 'cancel_by', 'error_type', 'noted')
    if f[1] ~= 'running' then
      return nil
    end
    local spec = readable_spec(f[3])
    job.id, job.key, job.token = id, key, read_holder(f[2] or '', token)
    job.worker_id, job.payload_bytes = read_lease_end(last_lease_end)
    job.spec, job.packed = spec, f[3]
    job.kind, job.queue, job.rank = spec and spec[KIND] or UNREADABLE_KIND, spec and spec[QUEUE], spec and spec[RANK]
    job.attempt, job.started_at, job.cancel_by, job.error_type = attempt_of(f[4]), f[5] or now, f[6], f[7]
    job.noted = f[8]
    job.has_failed = nil
    return job
  end

  function payload_bytes_of(job)
    return job.payload_bytes or redis.call('HSTRLEN', job.key, 'payload')
  end

  function put(field, value)
    local n = fields_size
    fields[n + 1], fields[n + 2] = field, value
    fields_size = n + 2
  end

  -- What only a job needs that did not complete.
  function read_policy(job)
    local f = redis.call('HMGET', job.key, 'ready_at', 'retry_count', 'lost_leases')
    job.ready_at, job.retry_count, job.lost_leases = number_of(f[1]), number_of(f[2]) or 0, number_of(f[3]) or 0
    if not job.ready_at then
      job.ready_at = now_us
      put('ready_at', now_us)
    end
  end

  function write(job)
    redis.call('HSET', job.key, unpack(fields, 1, fields_size))
    fields_size = 0
  end
end
