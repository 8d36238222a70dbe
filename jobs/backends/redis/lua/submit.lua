-- Stores a batch of jobs, each once: a repeated id or idempotency key answers with the job that is there.
-- FLAGS
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  queue_prefix  prefix  ready jobs of a queue, by score
-- KEYS  wake_prefix   prefix  hints to sleeping workers
-- KEYS  idem_prefix   prefix  idempotency records, 24 h
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  scheduled     zset    delayed jobs by due time (ms)
-- KEYS  ids           zset    every job, score 0: in order of id, which is order of submission
-- KEYS  queues        zset    names of all queues, by the minute of their last use
-- KEYS  paused        hash    paused queues
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- KEYS  events        stream  what changed
-- ARGV  batch         msgpack: [[id, idempotency hash or '', fingerprint, queue, rank, offset (s, nil: of the default mode), due (ms or 0), spec, payload] …]
-- ARGV  mode          `each` · `atomic`: where one may not be stored, none is
-- RETURN  for each job: code (accepted · replayed · idempotency_mismatch · too_many_queues · aborted), id, status, created_at (ms)
-- @include now
-- @include record
-- @include wake
-- @include place
-- @include known
-- @include queues
local IDEMPOTENCY_TTL_MS = 86400000
local new_queues, submitted = {}, {[0] = 0, 0, 0, 0}
local PRIORITIES = {[0] = 'critical', 'high', 'medium', 'low'}

local function store(id, idempotency, fingerprint, queue, rank, offset, due, spec, payload)
  local key = job_prefix .. id
  local answer = {'accepted', id, 'queued', now}
  if due > now then
    answer[3] = 'scheduled'
    write_job(key, idempotency, 'status', 'scheduled', 'created', now, 'scheduled_for', due, 'spec', spec,
      'payload', payload)
    put_into(scheduled, due, id)
  else
    write_job(key, idempotency, 'status', 'queued', 'created', now, 'ready_at', now_us, 'spec', spec,
      'payload', payload)
    if due > 0 then
      redis.call('HSET', key, 'scheduled_for', due)
    end
    place_ready(id, queue, rank, offset, now_us)
  end
  put_into(ids, 0, id)
  if idempotency ~= '' then
    local entry = table.concat({fingerprint, id, string.format('%.0f', now), answer[3]}, ' ')
    redis.call('SET', idem_prefix .. idempotency, entry, 'PX', IDEMPOTENCY_TTL_MS)
    keyed_here[idempotency] = entry
  end
  status_change(id, queue, rank, nil, answer[3])
  new_queues[queue] = (new_queues[queue] or 0) + 1
  submitted[rank] = submitted[rank] + 1
  stored_here[id] = answer
  return answer
end

-- Redis does not roll back, so nothing is written before the whole batch is known to be sound.
local function is_sound(job)
  return type(job) == 'table' and type(job[1]) == 'string' and type(job[2]) == 'string' and type(job[3]) == 'string'
    and type(job[4]) == 'string' and PRIORITIES[job[5]] and (job[6] == nil or type(job[6]) == 'number')
    and type(job[7]) == 'number' and type(job[8]) == 'string' and type(job[9]) == 'string'
end

batch = cmsgpack.unpack(batch)
for _, job in ipairs(batch) do
  if not is_sound(job) then
    return redis.error_reply('ERR a submission is malformed')
  end
end

may_repeat = #batch > 0 and has_repeats(batch)

local function is_refused(job)
  local answer = known(job)
  if answer then
    return answer[1] == 'idempotency_mismatch'
  end
  return not admits(job[4])
end

local function has_refused()
  for _, job in ipairs(batch) do
    if is_refused(job) then
      return true
    end
  end
  return false
end

local answers = {}
local is_aborted = mode == 'atomic' and has_refused()
for _, job in ipairs(batch) do
  local answer = known(job)
  if not answer and not admits(job[4]) then
    answer = {'too_many_queues', job[1], 'queued', now}
  elseif not answer then
    answer = is_aborted and {'aborted', job[1], 'queued', now} or store(unpack(job, 1, 9))
  end
  local n = #answers
  answers[n + 1], answers[n + 2], answers[n + 3], answers[n + 4] = answer[1], answer[2], answer[3], answer[4]
end
for queue, amount in pairs(new_queues) do
  mark_used(queue)
  tally_minute('in:' .. queue, amount)
end
for rank, amount in pairs(submitted) do
  if amount > 0 then
    tally('submitted:' .. PRIORITIES[rank], amount)
    tally_minute('submitted', amount)
  end
end
write_and_wake()
record('submit')
return answers
