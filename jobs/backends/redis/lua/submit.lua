-- Stores a batch of jobs, each once: a repeated id or idempotency key answers with the job that is there.
-- FLAGS
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  queue_prefix     prefix  ready jobs of a queue, by score
-- KEYS  fair             hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix      prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  held_prefix      prefix  jobs of a limiter and queue that it holds back, by score
-- KEYS  wake_prefix      prefix  hints to sleeping workers
-- KEYS  idem_prefix      prefix  idempotency records, 24 h
-- KEYS  unique_prefix    prefix  who holds a unique key
-- KEYS  stats_prefix     prefix  minute statistics
-- KEYS  scheduled        zset    delayed jobs by due time (ms)
-- KEYS  failed           zset    retries by due time (ms)
-- KEYS  waiting          zset    workflow steps whose parents have not completed
-- KEYS  completed        zset    by end (ms)
-- KEYS  cancelled        zset    by end (ms)
-- KEYS  retained         zset    ended jobs with a retention of their own, by when it is over (ms)
-- KEYS  dlq              zset    dead letters by time (ms)
-- KEYS  expiring         zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  unique_keys      zset    unique keys that are held, by when they were taken (ms)
-- KEYS  pages            zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix      prefix  ids of jobs, in no order
-- KEYS  queues           zset    names of all queues, by the minute of their last use
-- KEYS  paused           hash    paused queues
-- KEYS  leases           zset    running jobs by lease expiry (ms)
-- KEYS  tenant           hash    quota, its bucket of tokens, retention
-- KEYS  webhook          string  final statuses that the namespace's webhook hears of
-- KEYS  counts           hash    jobs by queue, status and priority
-- KEYS  totals           hash    counters since the beginning
-- KEYS  events           stream  what changed
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- ARGV  batch          msgpack, ten values in a row for each job: id, idempotency hash or '', fingerprint, queue, rank, offset (s),
--                      due (ms or 0), spec, payload, and false or what only some have: see include/more
-- ARGV  mode           `each` · `atomic`: where one may not be stored, none is
-- RETURN  msgpack: now (ms); then, for each job that was not simply accepted and queued: its place in the batch from 0, code (accepted ·
--         replayed · existing · unique_conflict · idempotency_mismatch · too_many_queues · quota_jobs · quota_bytes · quota_rate · aborted), id, status, created_at (ms)
-- @include now
-- @include record
-- @include number
-- @include spec
-- @include wake
-- @include id_order
-- @include pages
-- @include paging
-- @include place
-- @include bands
-- @include fair late
-- @include turns late
-- @include known_status
-- @include quota_rules
-- @include quota late
-- @include place_final late
-- @include ended late
-- @include created late
-- @include step late
-- @include delivery late
-- @include webhook late
-- @include ties late
-- @include held_lists late
-- @include end_waiting late
-- @include known
-- @include queues
-- @include holder late
-- @include respec late
-- @include replace_payload late
-- @include place_again late
-- @include meet_holder late
-- @include more late
-- @include store
-- @include judge
local answers = {now}

batch = cmsgpack.unpack(batch)
local size, is_aborted = #batch, false
for at = 1, size, WIDTH do
  if not is_sound(batch, at) then
    return redis.error_reply('ERR a submission is malformed')
  end
end

may_repeat = size > 0 and has_repeats(batch, size, WIDTH)
begin_judging()

local function answer_with(at, code, id, status, created_at)
  local n = #answers
  answers[n + 1], answers[n + 2], answers[n + 3] = (at - 1) / WIDTH, code, id
  answers[n + 4], answers[n + 5] = status, created_at
end

if mode == 'atomic' then
  is_aborted = has_refused(size)
  begin_judging(true)
end
for at = 1, size, WIDTH do
  local id, idempotency = batch[at], batch[at + 1]
  local answer = is_aborted and trial(at) or (may_repeat or idempotency ~= '') and known(id, idempotency, batch[at + 2])
  local refusal = not answer and refusal_of(at)
  if answer then
    answer_with(at, unpack(answer))
  elseif refusal then
    answer_with(at, refusal, id, 'queued', now)
  else
    local code, known_id, status, created_at = store(unpack(batch, at, at + WIDTH - 1))
    if code ~= 'accepted' or status ~= 'queued' then
      answer_with(at, code, known_id, status, created_at)
    end
  end
end
if not is_aborted then
  end_judging()
end
book_stored()
record('submit')
-- One string: a reply of four for each job costs more to make and to read than all the rest of the answer.
return cmsgpack.pack(answers)
