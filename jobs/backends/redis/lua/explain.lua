-- Says what a claim would make of one job now, by the same limiters, and changes nothing.
-- FLAGS no-writes
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  queue_prefix     prefix  ready jobs of a queue, by score
-- KEYS  fair             hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix      prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  stats_prefix     prefix  minute statistics
-- KEYS  leases           zset    running jobs by lease expiry (ms)
-- KEYS  paused           hash    paused queues
-- KEYS  limits           hash    limits of kinds, queues and keys
-- KEYS  circuits         hash    circuits and retry budgets of kinds
-- KEYS  tokens_prefix    prefix  tokens of a limiter's rate and since when (ms)
-- KEYS  held             zset    limiters and queues with held jobs, by when to look at them (ms)
-- KEYS  holders_prefix   prefix  running jobs of a limiter whose number is limited, by start (ms)
-- KEYS  tenant           hash    quota, its bucket of tokens, retention
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- ARGV  id               of the job
-- RETURN  nothing without a job; else now (ms), status, spec, due (ms) or false, 1 once it was handed out, pause or false, jobs
--         before it or -1, jobs that left its queue in the last full minute, [running, quota] where that is full or false, of a
--         step that waits [workflow, its status, policy, parents that are not done, [[name, job, state] of some]] or false, reason
--         of its status or false, in a fair queue [its key, jobs of that before it, keys that take turns] or false, then for
--         each full limiter: its id, most at once (0: any number), how many run, wait for a token (ms), ids of some that
--         run, and where its circuit is shut [until (ms) or 0, by, reason, ids of those on trial]
-- @include now
-- @include number
-- @include spec
-- @include quota_rules
-- @include bands
-- @include fair
-- @include circuit
-- @include limited
-- @include limiter
-- @include pending_parents
local SOME, RUNNING = 5, 4

local function full_quota()
  local quota = the_quota()
  local most = quota and quota[RUNNING]
  local running = most and redis.call('ZCARD', leases)
  return most and running >= most and {running, most}
end

-- By its circuit nothing starts, or as many as may are on trial.
local function circuit_told(limiter)
  local circuit = Circuit.gate(limiter) < 1 and Circuit.of(limiter)
  return circuit and {circuit.till, circuit.by, circuit.reason, circuit.trial}
end

-- Where a job of a fair queue stands: others of its key come before it, and the keys of its priority take turns.
local function turn_told(queue, spec)
  local line, key = line_of(queue, spec[RANK], spec)
  if line then
    local clock, field = clock_of(queue, spec[RANK])
    local own = redis.call('ZRANK', line, id) or 0
    return {key, own, redis.call('ZCOUNT', fair_prefix .. field, '(' .. string.format('%.17g', clock), '+inf')}
  end
end

local job = redis.call('HMGET', job_prefix .. id, 'status', 'spec', 'scheduled_for', 'attempt', 'reason')
if not job[1] then
  return nil
end
local spec = readable_spec(job[2])
local queue = spec and spec[QUEUE] or 'main'
local minute = math.floor(now / 60000) - 1
local answer = {now, job[1], job[2] or '', number_of(job[3]) or false, job[4] and 1 or 0, redis.call('HGET', paused, queue),
  job[1] == 'queued' and redis.call('ZRANK', queue_prefix .. queue, id) or -1,
  number_of(redis.call('HGET', stats_prefix .. minute, 'out:' .. queue)) or 0, full_quota() or false,
  job[1] == 'waiting' and pending_parents(id), job[5],
  job[1] == 'queued' and spec and turn_told(queue, spec) or false}
if spec and has_limits() then
  for _, limiter in ipairs({limiter_of(spec[KIND]) or {}, key_limiter(spec) or {}, limiter_of('q:' .. queue) or {}}) do
    if limiter.id and places_of(limiter) < 1 then
      local holders = holders_prefix .. limiter.id
      local wait_ms = limiter.free > 0 and token_wait_ms(limiter, 0) or 0
      answer[#answer + 1] = {limiter.id, limiter.rule[CONCURRENCY], redis.call('ZCARD', holders), wait_ms,
        redis.call('ZRANGE', holders, 0, SOME - 1), circuit_told(limiter)}
    end
  end
end
return answer
