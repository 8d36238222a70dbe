-- Stores a batch of jobs, each once: a repeated id or idempotency key answers with the job that is there.
-- FLAGS
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  queue_prefix  prefix  ready jobs of a queue, by score
-- KEYS  wake_prefix   prefix  hints to sleeping workers
-- KEYS  idem_prefix   prefix  idempotency records, 24 h
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  scheduled     zset    delayed jobs by due time (ms)
-- KEYS  ids           zset    every job, score 0: in order of id, which is order of submission
-- KEYS  queues        zset    names of all queues, score 0
-- KEYS  paused        hash    paused queues
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- KEYS  events        stream  what changed
-- ARGV  batch         msgpack: [[id, idempotency hash or '', fingerprint, queue, rank, offset (s), due (ms or 0), [field, value …]] …]
-- ARGV  mode          `each` · `atomic`: where one may not be stored, none is
-- RETURN  for each job: code (accepted · replayed · idempotency_mismatch · aborted), id, status, created_at (ms)
-- @include now
-- @include record
-- @include wake
-- @include place
local IDEMPOTENCY_TTL_MS = 86400000
local PRIORITIES = {[0] = 'critical', 'high', 'medium', 'low'}

local function repeated(id)
  local job = redis.call('HMGET', job_prefix .. id, 'status', 'created_at')
  return job[1] and {'accepted', id, job[1], job[2]}
end

local function replayed(idempotency, fingerprint)
  local seen = idempotency ~= '' and redis.call('GET', idem_prefix .. idempotency)
  if not seen then
    return nil
  end
  local known, id, created_at, first_status = string.match(seen, '(%S*) (%S+) (%S+) (%S+)')
  if known ~= fingerprint then
    return {'idempotency_mismatch', id, first_status, created_at}
  end
  return {'replayed', id, redis.call('HGET', job_prefix .. id, 'status') or first_status, created_at}
end

local function store(id, idempotency, fingerprint, queue, rank, offset, due, fields)
  local key = job_prefix .. id
  local status = due > now and 'scheduled' or 'queued'
  redis.call('HSET', key, 'status', status, 'created_at', now, unpack(fields))
  if status == 'scheduled' then
    redis.call('ZADD', scheduled, due, id)
  else
    redis.call('HSET', key, 'ready_at', now_us)
    place_ready(id, queue, offset, now_us)
  end
  redis.call('ZADD', ids, 0, id)
  redis.call('ZADD', queues, 0, queue)
  if idempotency ~= '' then
    local entry = table.concat({fingerprint, id, string.format('%.0f', now), status}, ' ')
    redis.call('SET', idem_prefix .. idempotency, entry, 'PX', IDEMPOTENCY_TTL_MS)
  end
  status_change(id, queue, rank, nil, status)
  tally('submitted:' .. PRIORITIES[rank])
  tally_minute('submitted')
  tally_minute('in:' .. queue)
  return {'accepted', id, status, now}
end

-- Redis does not roll back, so nothing is written before the whole batch is known to be sound.
local function is_sound(job)
  return type(job) == 'table' and type(job[1]) == 'string' and type(job[2]) == 'string' and type(job[3]) == 'string'
    and type(job[4]) == 'string' and PRIORITIES[job[5]] and type(job[6]) == 'number' and type(job[7]) == 'number'
    and type(job[8]) == 'table' and #job[8] > 0 and #job[8] % 2 == 0
end

batch = cmsgpack.unpack(batch)
for _, job in ipairs(batch) do
  if not is_sound(job) then
    return redis.error_reply('ERR a submission is malformed')
  end
end

local function has_mismatch()
  for _, job in ipairs(batch) do
    local answer = not repeated(job[1]) and replayed(job[2], job[3])
    if answer and answer[1] == 'idempotency_mismatch' then
      return true
    end
  end
  return false
end

local answers = {}
local is_aborted = mode == 'atomic' and has_mismatch()
for _, job in ipairs(batch) do
  local answer = repeated(job[1]) or replayed(job[2], job[3])
  if not answer then
    answer = is_aborted and {'aborted', job[1], 'queued', now} or store(unpack(job, 1, 8))
  end
  for i = 1, 4 do
    answers[#answers + 1] = answer[i]
  end
end
for queue, amount in pairs(ready_queues) do
  wake(queue, amount)
end
record('submit')
return answers
