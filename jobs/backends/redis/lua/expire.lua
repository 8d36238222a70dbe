-- Ends jobs that were to start before a moment that is over, also where nobody claims.
-- FLAGS allow-oom
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  queue_prefix     prefix  ready jobs of a queue, by score
-- KEYS  fair             hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix      prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  held_prefix      prefix  jobs of a limiter and queue that it holds back, by score
-- KEYS  wake_prefix      prefix  hints to sleeping workers
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
-- KEYS  webhook          string  final statuses that the namespace's webhook hears of
-- KEYS  counts           hash    jobs by queue, status and priority
-- KEYS  totals           hash    counters since the beginning
-- KEYS  events           stream  what changed
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- ARGV  limit          most jobs to look at, 1–200
-- RETURN  how many were looked at
-- @include now
-- @include record
-- @include kinds
-- @include number
-- @include spec
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
-- @include held_lists
-- @include end_waiting
local found = redis.call('ZRANGE', expiring, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit)
for _, id in ipairs(found) do
  local job = redis.call('HMGET', job_prefix .. id, 'status', 'spec', 'attempt')
  local spec = readable_spec(job[2])
  if spec and is_expired(spec, job[3]) and take_out(id, job[1], spec) then
    end_waiting(id, spec, job[1], 'expired')
  else
    -- It is gone, has started or cannot be read: nothing of it expires any more.
    redis.call('ZREM', expiring, id)
  end
end
write_and_wake()
record('expire')
return #found
