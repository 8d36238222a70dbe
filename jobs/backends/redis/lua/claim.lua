-- Takes ready jobs for one worker: promotes what is due, passes paused queues over, leases, and counts the attempt
-- before it runs. The same seq and token answer again with the same leases.
-- FLAGS allow-oom
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  queue_prefix  prefix  ready jobs of a queue, by score
-- KEYS  wake_prefix   prefix  hints to sleeping workers
-- KEYS  claim_prefix  prefix  the last claim of a worker
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  scheduled     zset    delayed jobs by due time (ms)
-- KEYS  failed        zset    retries by due time (ms)
-- KEYS  leases        zset    running jobs by lease expiry (ms)
-- KEYS  dlq           zset    dead letters by time (ms)
-- KEYS  paused        hash    paused queues
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- KEYS  events        stream  what changed
-- ARGV  worker_id     who asks; unique to one life of one process
-- ARGV  seq           number of this claim of the worker, rising
-- ARGV  token         128 random bits in hex
-- ARGV  limit         most jobs wanted, 1–200
-- ARGV  lease_ms      length of the leases (ms)
-- ARGV  names         msgpack: [queue …], in the order to be served
-- RETURN  now (ms), next due time (ms or 0), msgpack: [[id, token, attempt, expiry (ms), [values of FIELDS]] …]
-- @include now
-- @include record
-- @include observe
-- @include spec
-- @include wake
-- @include place
-- @include promote
-- @include bury
local CLAIM_TTL_MS = 600000
local PROMOTE_LIMIT = 200
-- Damaged jobs and stray entries cost a look each; the next claim goes on behind them.
local MAX_LOOKS = 400
local FIELDS = {'status', 'spec', 'payload', 'created', 'ready_at', 'attempt', 'scheduled_for', 'retry_count', 'lost_leases'}
local STATUS, SPEC, PAYLOAD, READY_AT, ATTEMPT = 1, 2, 3, 5, 6

limit, lease_ms, seq = tonumber(limit), tonumber(lease_ms), tonumber(seq)
local ids_made, looks = {}, 0
-- @include claimed

local function lease(id, queue, score)
  local key = job_prefix .. id
  local values = redis.call('HMGET', key, unpack(FIELDS))
  local is_sound, spec = pcall(read_spec, values[SPEC])
  if values[STATUS] ~= 'queued' or not (is_sound and is_spec(spec) and values[PAYLOAD]) then
    return bury(id, queue, score, values[STATUS], values[SPEC])
  end
  local attempt = (tonumber(values[ATTEMPT]) or 0) + 1
  local job_token = token_of(id)
  local expires_at = now + lease_ms
  local held_by = job_token .. ' ' .. worker_id .. ' ' .. #values[PAYLOAD]
  redis.call('HSET', key, 'status', 'running', 'attempt', attempt, 'lease', held_by, 'started_at', now)
  put_into(leases, expires_at, id)
  status_change(id, spec[QUEUE], spec[RANK], 'queued', 'running')
  observe('wait_le', 'wait_sum', math.max(0, now_us - (tonumber(values[READY_AT]) or now_us)) / 1000)
  ids_made[#ids_made + 1] = id
  answer_with(id, job_token, attempt, expires_at, values)
end

local function claim_from(queue)
  local index = queue_prefix .. queue
  while #ids_made < limit and looks < MAX_LOOKS do
    local popped = redis.call('ZPOPMIN', index, limit - #ids_made)
    if #popped == 0 then
      return
    end
    looks = looks + #popped / 2
    for i = 1, #popped, 2 do
      lease(popped[i], queue, popped[i + 1])
    end
  end
end

local function claim_new()
  promote_due(PROMOTE_LIMIT)
  write_indexes()
  for _, queue in ipairs(cmsgpack.unpack(names)) do
    if redis.call('HEXISTS', paused, queue) == 0 then
      claim_from(queue)
      -- The hint that brought this worker may have been for a queue that it had no room for.
      if redis.call('EXISTS', queue_prefix .. queue) == 1 then
        wake(queue, 1)
      end
    end
  end
  write_and_wake()
  if #ids_made > 0 then
    local entry = cmsgpack.pack({seq, token, ids_made})
    redis.call('SET', claim_prefix .. worker_id, entry, 'PX', CLAIM_TTL_MS)
  end
  record('claim')
end

local last = redis.call('GET', claim_prefix .. worker_id)
last = last and cmsgpack.unpack(last) or {-1, '', {}}
if last[1] == seq and last[2] == token then
  repeat_claim(last[3])
elseif last[1] < seq then
  -- A lower seq is a request that was overtaken: nobody waits for its answer, so it must take nothing.
  claim_new()
end
-- One string is quicker made and read than a reply of ten for each job.
return {now, next_due(), cmsgpack.pack(leases_made)}
