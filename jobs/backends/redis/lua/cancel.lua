-- Cancels waiting jobs, asks running ones to stop, or discards dead letters, each at most once a request.
-- FLAGS allow-oom
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  queue_prefix     prefix  ready jobs of a queue, by score
-- KEYS  fair             hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix      prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  held_prefix      prefix  jobs of a limiter and queue that it holds back, by score
-- KEYS  wake_prefix      prefix  hints to sleeping workers
-- KEYS  stats_prefix     prefix  minute statistics
-- KEYS  scheduled        zset    delayed jobs by due time (ms)
-- KEYS  failed           zset    retries by due time (ms)
-- KEYS  waiting          zset    workflow steps whose parents have not completed
-- KEYS  completed        zset    by end (ms)
-- KEYS  cancelled        zset    by end (ms)
-- KEYS  retained         zset    ended jobs with a retention of their own, by when it is over (ms)
-- KEYS  dlq              zset    dead letters by time (ms)
-- KEYS  pages            zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix      prefix  ids of jobs, in no order
-- KEYS  queues           zset    names of all queues, by the minute of their last use
-- KEYS  paused           hash    paused queues
-- KEYS  webhook          string  final statuses that the namespace's webhook hears of
-- KEYS  expiring         zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  unique_keys      zset    unique keys that are held, by when they were taken (ms)
-- KEYS  unique_prefix    prefix  who holds a unique key
-- KEYS  counts           hash    jobs by queue, status and priority
-- KEYS  totals           hash    counters since the beginning
-- KEYS  events           stream  what changed
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- KEYS  workflows_ended  zset    workflows by end (ms)
-- ARGV  mode          `waiting` · `running` (also ask running jobs to stop) · `discard` (dead letters only)
-- ARGV  request_id    names this request
-- ARGV  by            the actor
-- ARGV  names         msgpack: [id …]
-- RETURN  for each job: code (done · requested · conflict · not_found), status
-- @include now
-- @include record
-- @include kinds
-- @include number
-- @include spec
-- @include held_lists
-- @include wake
-- @include id_order
-- @include pages
-- @include paging
-- @include place
-- @include bands
-- @include fair
-- @include turns
-- @include place_final
-- @include created
-- @include ended
-- @include step
-- @include delivery
-- @include webhook
-- @include ties
-- @include end_waiting
-- @include bury
-- @include waiting_step
-- @include workflow_end
-- @include release
-- @include known_status
-- @include act
-- @include cancel_job
local function cancel(id, key, job)
  return cancel_job(id, key, job, by, mode == 'running')
end

local function discard(id, key, job)
  if job.status ~= 'dead_letter' then
    return 'conflict', job.status
  end
  take_from(dlq, id)
  end_waiting(id, job.spec, job.status, 'discarded', by)
  return 'done', 'cancelled'
end

for _, id in ipairs(cmsgpack.unpack(names)) do
  act_on(id, mode == 'discard' and discard or cancel)
end
steps.release()
write_and_wake()
record(mode == 'discard' and 'discard' or 'cancel')
return answers
