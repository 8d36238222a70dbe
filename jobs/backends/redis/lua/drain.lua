-- Removes what a deleted namespace has left: its jobs in stretches and, once none is left, all else. Records of claims,
-- purges, minutes, tokens of keys and idempotency keys of jobs that are gone end by themselves within 26 hours; until then
-- its quota, which lets nothing in, stays.
-- FLAGS allow-oom
-- KEYS  job_prefix        prefix  job hashes
-- KEYS  log_prefix        prefix  lines of log of a job, oldest first
-- KEYS  idem_prefix       prefix  idempotency records, 24 h
-- KEYS  queue_prefix      prefix  ready jobs of a queue, by score
-- KEYS  fair              hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix       prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  wake_prefix       prefix  hints to sleeping workers
-- KEYS  held_prefix       prefix  held jobs of a limiter and queue, by score
-- KEYS  holders_prefix    prefix  running jobs of a limiter whose number is limited, by start (ms)
-- KEYS  tokens_prefix     prefix  tokens of a limiter's rate and since when (ms)
-- KEYS  ids               zset    what a process of an older version has listed
-- KEYS  pages             zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix       prefix  ids of jobs, in no order
-- KEYS  queues            zset    names of all queues, by the minute of their last use
-- KEYS  held              zset    limiters and queues with held jobs, by when to look at them (ms)
-- KEYS  held_names        zset    the same, score 0
-- KEYS  limits            hash    limits of kinds, queues and keys
-- KEYS  circuits          hash    circuits and retry budgets of kinds
-- KEYS  tenant            hash    quota, its bucket of tokens, retention
-- KEYS  scheduled         zset    delayed jobs by due time (ms)
-- KEYS  failed            zset    retries by due time (ms)
-- KEYS  waiting           zset    workflow steps whose parents have not completed
-- KEYS  leases            zset    running jobs by lease expiry (ms)
-- KEYS  dlq               zset    dead letters by time (ms)
-- KEYS  completed         zset    by end (ms)
-- KEYS  cancelled         zset    by end (ms)
-- KEYS  retained          zset    ended jobs with a retention of their own, by when it is over (ms)
-- KEYS  paused            hash    paused queues
-- KEYS  counts            hash    jobs by queue, status and priority
-- KEYS  totals            hash    counters since the beginning
-- KEYS  details           hash    counters of queues and kinds that only the history reads
-- KEYS  events            stream  what changed
-- KEYS  store_life        hash    the life of the store that was last seen
-- KEYS  webhook           string  final statuses that the namespace's webhook hears of
-- KEYS  code_schedules    hash    schedules that code declares
-- KEYS  limit_paths       hash    where a kind has its key in the payload
-- KEYS  expiring          zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  unique_keys       zset    unique keys that are held, by when they were taken (ms)
-- KEYS  unique_prefix     prefix  who holds a unique key
-- KEYS  workflow_prefix   prefix  workflows: what each is, and its graph
-- KEYS  workflow_walks    list    walks through workflows
-- KEYS  workflows         zset    started workflows by start (ms)
-- KEYS  workflows_staged  zset    workflows that are not started, by the time of their first steps (ms)
-- KEYS  workflows_ended   zset    workflows by end (ms)
-- ARGV  limit           most jobs to remove, 1–200
-- RETURN  jobs removed; 1 if more is to be removed
-- @include number
-- @include spec
-- @include bands
-- @include fair
-- @include trim_keys
-- @include take_ids
-- @include remove_workflows
-- @include remove_lists
local CLOSED_S, LAST_RANK, EVERY_TURN = 97200, 3, '+inf'

local function remove_jobs()
  local found = take_ids(tonumber(limit))
  for _, id in ipairs(found) do
    local key = job_prefix .. id
    local job = redis.call('HMGET', key, 'idem', 'spec')
    redis.call('UNLINK', key, log_prefix .. id)
    if job[1] then
      redis.call('UNLINK', idem_prefix .. job[1])
    end
    local spec = readable_spec(job[2])
    if spec and type(spec[LIMIT_KEY]) == 'string' then
      local limiter = 'b:' .. spec[KIND] .. ':' .. spec[LIMIT_KEY]
      redis.call('UNLINK', holders_prefix .. limiter)
    end
  end
  if #found > 0 then
    redis.call('HINCRBY', counts, 'jobs', -#found)
  end
  return #found
end

-- The lines of fair queues; returns whether there may be more.
local function remove_lines()
  local trimmed = 0
  for _, queue in ipairs(redis.call('EXISTS', fair) == 1 and redis.call('ZRANGE', queues, 0, -1) or {}) do
    for rank = 0, LAST_RANK do
      trimmed = trimmed + trim_keys(queue .. ' ' .. rank, EVERY_TURN)
    end
  end
  return trimmed > 0
end

-- As many keys as jobs at a time.
local function remove_locks()
  local found = redis.call('ZRANGE', unique_keys, 0, tonumber(limit) - 1)
  for _, key in ipairs(found) do
    redis.call('UNLINK', unique_prefix .. key)
  end
  if #found > 0 then
    redis.call('ZREM', unique_keys, unpack(found))
  end
end

local removed = remove_jobs()
remove_locks()
if redis.call('EXISTS', pages, unique_keys) > 0 or remove_lines() or remove_workflows() or remove_held() then
  return {removed, 1}
end
remove_lists()
redis.call('UNLINK', ids, queues, held, held_names, limits, limit_paths, scheduled, failed, waiting, leases, dlq, completed, cancelled,
  paused, counts, totals, details, events, store_life, webhook, code_schedules, expiring, fair, circuits, retained)
redis.call('EXPIRE', tenant, CLOSED_S)
return {removed, 0}
