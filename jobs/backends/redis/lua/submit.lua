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
-- ARGV  batch         msgpack, nine values in a row for each job: id, idempotency hash or '', fingerprint, queue, rank, offset (s),
--                     due (ms or 0), spec, payload
-- ARGV  mode          `each` · `atomic`: where one may not be stored, none is
-- RETURN  msgpack: now (ms); then, for each job that was not simply accepted and queued: its place in the batch from 0, code (accepted ·
--         replayed · idempotency_mismatch · too_many_queues · aborted), id, status, created_at (ms)
-- @include now
-- @include record
-- @include wake
-- @include place
-- @include number
-- @include created
-- @include known_status
-- @include known
-- @include queues
local WIDTH, type, PRIORITIES = 9, type, {[0] = 'critical', 'high', 'medium', 'low'}
local new_queues, submitted, answers = {}, {[0] = 0, 0, 0, 0}, {now}

local function store(id, idempotency, fingerprint, queue, rank, offset, due, spec, payload)
  local key, status = job_prefix .. id, 'queued'
  if due > now then
    status = 'scheduled'
    write_job(key, idempotency, 'status', status, 'created', now, 'scheduled_for', due, 'spec', spec, 'payload', payload)
    put_into(scheduled, due, id)
  else
    write_job(key, idempotency, 'status', status, 'ready_at', now_us, 'spec', spec, 'payload', payload)
    if due > 0 then
      redis.call('HSET', key, 'created', now, 'scheduled_for', due)
    end
    place_ready(id, queue, rank, offset, now_us)
  end
  put_into(ids, 0, id)
  if idempotency ~= '' then
    remember(idempotency, fingerprint, id, status)
  end
  status_change(id, queue, rank, nil, status)
  submitted[rank] = submitted[rank] + 1
  new_queues[queue] = (new_queues[queue] or 0) + 1
  if may_repeat then
    stored_here[id] = {'accepted', id, status, now}
  end
  return status
end

-- Redis does not roll back, so nothing is written before the whole batch is known to be sound.
local function is_sound(at)
  return type(batch[at]) == 'string' and type(batch[at + 1]) == 'string' and type(batch[at + 2]) == 'string'
    and type(batch[at + 3]) == 'string' and PRIORITIES[batch[at + 4]] and type(batch[at + 5]) == 'number'
    and type(batch[at + 6]) == 'number' and type(batch[at + 7]) == 'string' and type(batch[at + 8]) == 'string'
end

batch = cmsgpack.unpack(batch)
local size = #batch
for at = 1, size, WIDTH do
  if not is_sound(at) then
    return redis.error_reply('ERR a submission is malformed')
  end
end

may_repeat = size > 0 and has_repeats(batch, size, WIDTH)
local function has_refused()
  for at = 1, size, WIDTH do
    local answer = known(batch[at], batch[at + 1], batch[at + 2])
    if answer and answer[1] == 'idempotency_mismatch' or not answer and not admits(batch[at + 3]) then
      return true
    end
  end
  return false
end

local function answer_with(at, code, id, status, created_at)
  local n = #answers
  answers[n + 1], answers[n + 2], answers[n + 3] = (at - 1) / WIDTH, code, id
  answers[n + 4], answers[n + 5] = status, created_at
end

local is_aborted = mode == 'atomic' and has_refused()
for at = 1, size, WIDTH do
  local id, idempotency = batch[at], batch[at + 1]
  local answer = (may_repeat or idempotency ~= '') and known(id, idempotency, batch[at + 2])
  if answer then
    answer_with(at, unpack(answer))
  elseif not admits(batch[at + 3]) then
    answer_with(at, 'too_many_queues', id, 'queued', now)
  elseif is_aborted then
    answer_with(at, 'aborted', id, 'queued', now)
  else
    local status = store(unpack(batch, at, at + WIDTH - 1))
    if status ~= 'queued' then
      answer_with(at, 'accepted', id, status, now)
    end
  end
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
-- One string: a reply of four for each job costs more to make and to read than all the rest of the answer.
return cmsgpack.pack(answers)
