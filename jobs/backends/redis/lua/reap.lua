-- Ends leases that ran out: first loss → queued again, second → failed for 10–20 s, third → dead letter `crashed`.
-- After the store itself restarted, workers could not renew: every lease then gets one more lease of grace.
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
-- KEYS  events           stream  what changed
-- KEYS  store_life       hash    run_id of the server and end of the grace (ms)
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- KEYS  workflows_ended  zset    workflows by end (ms)
-- KEYS  waiting          zset    workflow steps whose parents have not completed
-- ARGV  limit         most leases to end, 1–200
-- ARGV  grace_ms      grace after a restart of the store (ms)
-- RETURN  how many leases ended
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
-- @include bury
-- @include waiting_step
-- @include workflow_end
-- @include release
-- @include running
-- @include circuit
-- @include limited
-- @include limiter
-- @include circuit_turns
-- @include held
-- @include pass_on
-- @include attempt
-- @include finish
-- @include end_attempt
-- @include lose
local function is_grace()
  local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local life = redis.call('HMGET', store_life, 'run_id', 'grace_until')
  if life[1] ~= run_id then
    local grace_until = life[1] and now + grace_ms or 0
    redis.call('HSET', store_life, 'run_id', run_id, 'grace_until', grace_until)
    return grace_until > now
  end
  return tonumber(life[2]) > now
end

if is_grace() then
  return 0
end
local expired = redis.call('ZRANGE', leases, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit)
for _, id in ipairs(expired) do
  local job = read_running(id)
  if job then
    lose(job)
  else
    take_from(leases, id)
  end
end
pass_places_on()
steps.release()
write_and_wake()
record('reap')
return #expired
