-- The ways out of `running`, shared by settle and reap. Each returns the new status.
-- Needs: job_prefix scheduled failed leases; now; place place_final attempt
local function read_running(id)
  local key = job_prefix .. id
  local f = redis.call('HMGET', key, 'status', 'token', 'queue', 'priority', 'offset', 'kind', 'retry_count',
    'max_retries', 'base_ms', 'max_ms', 'jitter', 'delivery', 'attempt', 'started_at', 'worker_id', 'cancel_by',
    'lost_leases', 'ready_at')
  if f[1] ~= 'running' then
    return nil
  end
  return {id = id, key = key, token = f[2], queue = f[3], rank = f[4], offset = f[5], kind = f[6],
    retry_count = tonumber(f[7]) or 0, max_retries = tonumber(f[8]), base_ms = tonumber(f[9]) or 1000,
    max_ms = tonumber(f[10]) or 300000, jitter = f[11], delivery = f[12], attempt = f[13], started_at = f[14],
    worker_id = f[15], cancel_by = f[16], lost_leases = tonumber(f[17]) or 0, ready_at = f[18]}
end

local function leave_running(job, after)
  redis.call('ZREM', leases, job.id)
  redis.call('HDEL', job.key, 'token', 'worker_id', 'reason')
  status_change(job.id, job.queue, job.rank, 'running', after)
end

local function finish(job, status, reason)
  leave_running(job, status)
  redis.call('HSET', job.key, 'status', status, 'finished_at', now)
  if reason then
    redis.call('HSET', job.key, 'reason', reason)
  end
  place_final(job.id, status)
  tally_minute('out:' .. job.queue)
  if status == 'cancelled' then
    tally('cancelled')
  elseif status == 'dead_letter' then
    tally('dead:' .. kind_label(job.kind))
    tally_minute('dead')
  end
  return status
end

local function delay(job, status, delay_ms, reason)
  local due = now + math.floor(delay_ms)
  leave_running(job, status)
  redis.call('HSET', job.key, 'status', status, 'scheduled_for', due)
  if reason then
    redis.call('HSET', job.key, 'reason', reason)
  end
  redis.call('ZADD', status == 'failed' and failed or scheduled, due, job.id)
  return status
end

-- Back to its old place in the queue, as if it had not been taken.
local function put_back(job)
  leave_running(job, 'queued')
  redis.call('HSET', job.key, 'status', 'queued')
  place_ready(job.id, job.queue, job.offset, job.ready_at)
  return 'queued'
end

local function release(job)
  if job.cancel_by then
    -- The handler may have run until it was stopped: the record says so.
    close_attempt(job.key, job.attempt, job.started_at, job.worker_id, 'released')
    return finish(job, 'cancelled', 'cancelled')
  end
  redis.call('HINCRBY', job.key, 'attempt', -1)
  return put_back(job)
end

-- min(base · 2^retry_count, max) with retry_count counted after the failure (ADR 0003).
local function backoff(job, chance)
  local plain = math.min(job.base_ms * 2 ^ (job.retry_count + 1), job.max_ms)
  return job.jitter == 'full' and math.max(1, plain * chance) or plain
end
