-- Goes on with what other calls left of workflows: children that were not told of the end of a parent, and walks through
-- all steps of a workflow that is cancelled or retried.
-- FLAGS allow-oom
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- KEYS  workflow_walks   list    walks through workflows
-- KEYS  queue_prefix     prefix  ready jobs of a queue, by score
-- KEYS  fair             hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix      prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  held_prefix      prefix  jobs of a kind and queue that a limit holds back, by score
-- KEYS  wake_prefix      prefix  hints to sleeping workers
-- KEYS  stats_prefix     prefix  minute statistics
-- KEYS  workflows_ended  zset    workflows by end (ms)
-- KEYS  scheduled        zset    delayed jobs by due time (ms)
-- KEYS  failed           zset    retries by due time (ms)
-- KEYS  waiting          zset    workflow steps whose parents have not completed
-- KEYS  completed        zset    by end (ms)
-- KEYS  cancelled        zset    by end (ms)
-- KEYS  retained         zset    ended jobs with a retention of their own, by when it is over (ms)
-- KEYS  dlq              zset    dead letters by time (ms)
-- KEYS  paused           hash    paused queues
-- KEYS  pages            zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix      prefix  ids of jobs, in no order
-- KEYS  queues           zset    names of all queues, by the minute of their last use
-- KEYS  webhook          string  final statuses that the namespace's webhook hears of
-- KEYS  expiring         zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  unique_keys      zset    unique keys that are held, by when they were taken (ms)
-- KEYS  unique_prefix    prefix  who holds a unique key
-- KEYS  counts           hash    jobs by queue, status and priority
-- KEYS  totals           hash    counters since the beginning
-- KEYS  events           stream  what changed
-- ARGV  limit            most children and most steps to look at, 1–200
-- RETURN  1 if there is more to do, else 0
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
-- @include holder
-- @include reopen
-- @include reinject
-- @include renew
-- @include held_lists
-- @include end_waiting
-- @include cancel_job
limit = tonumber(limit)

local function cancel_step(id, key, number)
  local f = redis.call('HMGET', key, 's' .. number, 'j' .. number, 'cancel_by')
  local job = f[2] and redis.call('HMGET', job_prefix .. f[2], 'status', 'spec')
  local spec = job and readable_spec(job[2])
  if spec then
    cancel_job(f[2], job_prefix .. f[2], {status = job[1], queue = spec[QUEUE], rank = spec[RANK], spec = spec}, f[3] or 'workflow', true)
  elseif job and not job[1] and (f[1] == 'w' or f[1] == 'a') then
    steps.set(key, number, f[1], 'x')
    steps.tell(id, number)
  end
end

local function end_walk(id, key)
  redis.call('LPOP', workflow_walks)
  if redis.call('EXISTS', key) == 1 then
    redis.call('HSET', key, 'walks', math.max(0, (number_of(redis.call('HGET', key, 'walks')) or 0) - 1))
    steps.end_workflow(id, key)
  end
end

local WALKS = {cancel = cancel_step, retry = retry_step}

local function walk_on(verb, id, first)
  local key = workflow_prefix .. id
  local amount = number_of(redis.call('HGET', key, 'steps')) or 0
  if verb == 'tell' then
    steps.tell(id, first)
    return end_walk(id, key)
  end
  local last = math.min(first + limit - 1, amount)
  for number = first, last do
    WALKS[verb](id, key, number)
  end
  if last >= amount then
    return end_walk(id, key)
  end
  redis.call('LSET', workflow_walks, 0, verb .. ' ' .. id .. ' ' .. last + 1)
end

steps.release(limit)
-- A step that was let go just now may be cancelled next.
write_indexes()
local walk = redis.call('LINDEX', workflow_walks, 0)
local verb, id, first = string.match(walk or '', '^(%a+) (%S+) (%d+)$')
if verb == 'tell' or WALKS[verb] then
  walk_on(verb, id, tonumber(first))
elseif walk then
  -- What nobody can read would hold all others up.
  redis.call('LPOP', workflow_walks)
end
write_and_wake()
record('tend')
return (redis.call('EXISTS', workflow_walks) == 1 or steps.are_untold()) and 1 or 0
