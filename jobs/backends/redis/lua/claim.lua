-- Takes ready jobs for one worker: promotes what is due, passes paused queues over, leases, and counts the attempt
-- before it runs. The same token answers again with the same leases, and so does the same claim_id.
-- FLAGS allow-oom
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  queue_prefix     prefix  ready jobs of a queue, by score
-- KEYS  fair             hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix      prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  wake_prefix      prefix  hints to sleeping workers
-- KEYS  claim_prefix     prefix  the last claim of a worker
-- KEYS  stats_prefix     prefix  minute statistics
-- KEYS  scheduled        zset    delayed jobs by due time (ms)
-- KEYS  failed           zset    retries by due time (ms)
-- KEYS  leases           zset    running jobs by lease expiry (ms)
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
-- KEYS  tenant           hash    quota, its bucket of tokens, retention
-- KEYS  webhook          string  final statuses that the namespace's webhook hears of
-- KEYS  expiring         zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  unique_keys      zset    unique keys that are held, by when they were taken (ms)
-- KEYS  unique_prefix    prefix  who holds a unique key
-- KEYS  completed        zset    by end (ms)
-- KEYS  cancelled        zset    by end (ms)
-- KEYS  retained         zset    ended jobs with a retention of their own, by when it is over (ms)
-- KEYS  waiting          zset    workflow steps whose parents have not completed
-- KEYS  counts           hash    jobs by queue, status and priority
-- KEYS  totals           hash    counters since the beginning
-- KEYS  details          hash    counters of queues and kinds that only the history reads
-- KEYS  events           stream  what changed
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- ARGV  worker_id     who asks; unique to one life of one process
-- ARGV  seq           number of this claim of the worker, rising; 0 of a worker that does not count
-- ARGV  token         128 random bits in hex
-- ARGV  limit         most jobs wanted, 1–200
-- ARGV  lease_ms      length of the leases (ms)
-- ARGV  names         msgpack: [queue …], in the order to be served
-- ARGV  manner        `now` · `waited`: who asked may be gone, and jobs that may run at most once stay · `void`, with limit 0: takes nothing, nor does this claim if it comes later · `recall`: takes nothing
-- ARGV  claim_id      what the worker calls this claim, or ''
-- ARGV  latest        when it is too late to take jobs, for who asked gave up (ms of the store's clock), 0 for never
-- RETURN  msgpack: [now (ms), next due time (ms or 0), expiry (ms), [[values of `fields_of` …] …] or false, token, [place from 1, JSON text
--         of its parents …] or false]; in place of its status a job has its id; the values of MORE_FIELDS follow where there may be any, and an expiry of its own. For its token see token_of
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
-- @include trim_keys late
-- @include take_turns late
-- @include quota_rules
-- @include place_final late
-- @include ended late
-- @include created late
-- @include step late
-- @include delivery late
-- @include webhook late
-- @include ties late
-- @include held_lists late
-- @include end_waiting late
-- @include bury late
-- @include promote late
-- @include parents late
-- @include due
-- @include limited
-- @include circuit late
-- @include limiter late
-- @include circuit_turns late
-- @include held late
-- @include limits late
-- @include look late
-- Damaged jobs and stray entries cost a look each; the next claim goes on behind them.
local MAX_LOOKS, PROMOTE_LIMIT = 400, 200
local STATUS, SPEC, PAYLOAD, READY_AT, ATTEMPT, CREATED = 1, 2, 3, 4, 5, 6
limit, lease_ms, seq, latest = tonumber(limit), tonumber(lease_ms), tonumber(seq), tonumber(latest)
local ids_made, leased, looks, due_at, is_left, are_limited, are_turns_taken = {}, 0, 0, nil, false, has_limits(), false
-- @include claimed
-- @include claim_record
-- @include claim_lease
-- @include claim_queue
-- @include claim_new
local last = last_claim()
if is_asked_again(last) then
  take_over(last)
  repeat_claim(last[IDS])
elseif may_take(last) then
  claim_new()
end
-- One string is quicker made and read than a reply of ten for each job.
local next_look = due_at or next_due()
if are_limited then
  next_look = or_next_look(next_look)
end
return cmsgpack.pack({now, next_look, now + lease_ms, leases_made[1] and leases_made or false, token, parents_made[1] and parents_made or false})
