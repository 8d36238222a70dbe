-- Looks through a stretch of the steps that wait, and cancels those whose workflow is gone or knows nothing of them: nobody
-- would ever let them go.
-- FLAGS allow-oom
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- KEYS  queue_prefix     prefix  ready jobs of a queue, by score
-- KEYS  fair             hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix      prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  held_prefix      prefix  jobs of a kind and queue that a limit holds back, by score
-- KEYS  wake_prefix      prefix  hints to sleeping workers
-- KEYS  stats_prefix     prefix  minute statistics
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
-- ARGV  first            rank of the first entry to look at
-- ARGV  amount           most entries to look at, 1–200
-- RETURN  rank to go on from (-1: the end), ids of the jobs that were cancelled
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
-- @include fair
-- @include turns
-- @include place_final
-- @include ended
-- @include step
-- @include delivery
-- @include webhook
-- @include ties
-- @include held_lists
-- @include end_waiting
first, amount = tonumber(first), math.min(tonumber(amount), 200)
local lost = {}

local function is_known(id)
  local workflow, number = string.match(redis.call('HGET', job_prefix .. id, 'step') or '', '^(%S+) (%d+)$')
  return workflow and redis.call('HGET', workflow_prefix .. workflow, 'j' .. number) == id
end

local entries = redis.call('ZRANGE', waiting, first, first + amount - 1)
for _, id in ipairs(entries) do
  local job = redis.call('HMGET', job_prefix .. id, 'status', 'spec')
  local spec = job[1] == 'waiting' and readable_spec(job[2])
  if spec and not is_known(id) then
    take_out(id, 'waiting', spec)
    end_waiting(id, spec, 'waiting', 'workflow_lost', 'ironforge')
    tally('repaired')
    lost[#lost + 1] = id
  end
end
write_and_wake()
record('reconcile')
return {#entries < amount and -1 or first + #entries - #lost, lost}
