-- Looks through the steps of workflows that run, some at a time, and mends what a step would wait for in vain: a parent
-- whose job is gone or has ended, an end that no child was told of, a number of parents that is wrong.
-- FLAGS allow-oom
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- KEYS  workflow_walks   list    walks through workflows
-- KEYS  queue_prefix     prefix  ready jobs of a queue, by score
-- KEYS  fair             hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix      prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  wake_prefix      prefix  hints to sleeping workers
-- KEYS  stats_prefix     prefix  minute statistics
-- KEYS  workflows        zset    started workflows by start (ms)
-- KEYS  workflows_ended  zset    workflows by end (ms)
-- KEYS  scheduled        zset    delayed jobs by due time (ms)
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
-- ARGV  rank             of the workflow to look at, by its start
-- ARGV  first            number of its first step to look at, from 1
-- ARGV  amount           most steps or workflows to look at, 1–200
-- RETURN  rank to go on from (-1: the end), number of the step to go on from, ids of the jobs of steps that were mended
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
-- @include mend
rank, first, amount = tonumber(rank), tonumber(first), math.min(tonumber(amount), 200)
local mended = {}

-- Returns the step to go on from, nil behind the last.
local function look_through(id, key, steps_there)
  local budget = amount
  for number = first, steps_there do
    if budget <= 0 then
      return number
    end
    local is_mended, cost = mend_step(id, key, string.format('%.0f', number))
    budget = budget - cost
    if is_mended then
      mended[#mended + 1] = redis.call('HGET', key, 'j' .. number) or ''
      tally('repaired')
    end
  end
end

local found = redis.call('ZRANGE', workflows, rank, rank + amount - 1)
local next_rank, next_step = #found < amount and -1 or rank + #found, 1
for place, id in ipairs(found) do
  local key = workflow_prefix .. id
  local f = redis.call('HMGET', key, 'status', 'steps')
  if f[1] == 'running' then
    next_step = look_through(id, key, number_of(f[2]) or 0)
    next_rank = rank + place - (next_step and 1 or 0)
    if not next_step then
      mend_end(id, key)
    end
    break
  elseif not f[1] then
    redis.call('ZREM', workflows, id)
    next_rank = rank + place - 1
    break
  end
end
steps.release(amount)
write_and_wake()
record('reconcile')
return {next_rank, next_step or 1, mended}
