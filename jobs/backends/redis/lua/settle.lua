-- Records how attempts ended. Only the holder of the lease can: a stale token changes nothing and answers `lost`;
-- the same token again answers with what its settlement made of the job.
-- FLAGS allow-oom
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  queue_prefix     prefix  ready jobs of a queue, by score
-- KEYS  fair             hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix      prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  wake_prefix      prefix  hints to sleeping workers
-- KEYS  stats_prefix     prefix  minute statistics
-- KEYS  scheduled        zset    delayed jobs by due time (ms)
-- KEYS  failed           zset    retries by due time (ms)
-- KEYS  leases           zset    running jobs by lease expiry (ms)
-- KEYS  completed        zset    by end (ms)
-- KEYS  cancelled        zset    by end (ms)
-- KEYS  retained         zset    ended jobs with a retention of their own, by when it is over (ms)
-- KEYS  dlq              zset    dead letters by time (ms)
-- KEYS  paused           hash    paused queues
-- KEYS  pages            zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix      prefix  ids of jobs, in no order
-- KEYS  queues           zset    names of all queues, by the minute of their last use
-- KEYS  limits           hash    limits of kinds, queues and keys
-- KEYS  circuits         hash    circuits and retry budgets of kinds
-- KEYS  tokens_prefix    prefix  tokens of a limiter's rate and since when (ms)
-- KEYS  held             zset    limiters and queues with held jobs, by when to look at them (ms)
-- KEYS  held_names       zset    the same, score 0
-- KEYS  held_prefix      prefix  held jobs of a limiter and queue, by score
-- KEYS  holders_prefix   prefix  running jobs of a limiter whose number is limited, by start (ms)
-- KEYS  webhook          string  final statuses that the namespace's webhook hears of
-- KEYS  expiring         zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  unique_keys      zset    unique keys that are held, by when they were taken (ms)
-- KEYS  unique_prefix    prefix  who holds a unique key
-- KEYS  counts           hash    jobs by queue, status and priority
-- KEYS  totals           hash    counters since the beginning
-- KEYS  details          hash    counters of queues and kinds that only the history reads
-- KEYS  events           stream  what changed
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- KEYS  workflows_ended  zset    workflows by end (ms)
-- KEYS  waiting          zset    workflow steps whose parents have not completed
-- ARGV  batch         msgpack, six values in a row for each job: id, token, outcome, duration (ms), result or '', and [error type, message,
--                     traceback, delay (ms), chance 0–1], false where nothing failed
-- RETURN  one word for each job, a space between: its new status, or `lost`
-- @include now
-- @include record
-- @include kinds
-- @include observe
-- @include number
-- @include spec
-- @include wake
-- @include id_order late
-- @include pages late
-- @include paging late
-- @include place
-- @include bands
-- @include fair late
-- @include turns late
-- @include place_final
-- @include ended
-- @include created late
-- @include step late
-- @include delivery late
-- @include webhook late
-- @include ties late
-- @include bury late
-- @include waiting_step late
-- @include workflow_end late
-- @include release late
-- @include running
-- @include limited
-- @include circuit late
-- @include limiter late
-- @include circuit_turns late
-- @include budget late
-- @include held late
-- @include pass_on late
-- @include attempt
-- @include finish
-- @include completed
-- @include failure
-- @include end_attempt late
-- @include lose late
-- @include outcome late
-- @include settlement
-- @include settle_one
local unpack, WIDTH = unpack, 6
batch = cmsgpack.unpack(batch)
local size, answers = #batch, {}
for at = 1, size, WIDTH do
  if not is_settlement(batch, at) then
    return redis.error_reply('ERR a settlement is malformed')
  end
end
for at = 1, size, WIDTH do
  answers[(at - 1) / WIDTH + 1] = settle_one(unpack(batch, at, at + WIDTH - 1))
end
if has_limits() then
  pass_places_on()
  Budget.write()
end
if has_ended_step then
  steps.release()
end
write_and_wake()
Times.write('dur')
record('settle')
return table.concat(answers, ' ')
