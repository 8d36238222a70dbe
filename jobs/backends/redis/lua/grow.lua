-- Adds steps to a workflow that runs, all or none; only who holds the lease of one of its steps may, so it cannot end
-- meanwhile.
-- FLAGS
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- KEYS  queue_prefix     prefix  ready jobs of a queue, by score
-- KEYS  fair             hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix      prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  wake_prefix      prefix  hints to sleeping workers
-- KEYS  stats_prefix     prefix  minute statistics
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
-- KEYS  leases           zset    running jobs by lease expiry (ms)
-- KEYS  tenant           hash    quota, its bucket of tokens
-- KEYS  expiring         zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  unique_keys      zset    unique keys that are held, by when they were taken (ms)
-- KEYS  unique_prefix    prefix  who holds a unique key
-- KEYS  counts           hash    jobs by queue, status and priority
-- KEYS  totals           hash    counters since the beginning
-- KEYS  events           stream  what changed
-- ARGV  id                of the workflow
-- ARGV  holder            the job that adds them
-- ARGV  token             of its lease
-- ARGV  known             how many steps the caller knows of, so that its numbers are right
-- ARGV  batch             msgpack, eleven values in a row for each step: see include/put_step.lua; children may be steps that wait
-- RETURN  grown · changed: others were added meanwhile · lease_lost · ended: it is cancelled, or has ended · begun: a child does not
--         wait any more · too_many_queues · quota_jobs · quota_bytes · quota_rate
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
-- @include queues
-- @include quota_rules
-- @include quota
-- @include put_step
-- @include waiting_step
-- @include workflow_end
-- @include release
-- @include join
local key = workflow_prefix .. id
local f = redis.call('HMGET', key, 'status', 'steps', 'cancel_by')
local PARENTS, CHILDREN = 8, 9

local function is_held()
  local job = redis.call('HMGET', job_prefix .. holder, 'status', 'lease', 'step')
  return job[1] == 'running' and string.match(job[2] or '', '^%S+') == token
    and string.match(job[3] or '', '^(%S+) %d+$') == id
end

-- Whether a child that is there already does not wait any more.
local function has_begun()
  for at = 1, #batch, STEP_WIDTH do
    for child in string.gmatch(batch[at + CHILDREN], '%d+') do
      if tonumber(child) <= tonumber(known) and redis.call('HGET', key, 's' .. child) ~= 'w' then
        return true
      end
    end
  end
end

batch = cmsgpack.unpack(batch)
if #batch > 0 and redis.call('HGET', key, 'j' .. batch[1]) == batch[2] then
  return 'grown'
elseif not f[1] or not is_held() then
  return 'lease_lost'
elseif f[1] ~= 'running' or f[3] then
  return 'ended'
elseif f[2] ~= known then
  return 'changed'
end
local why_not = refused(batch) or has_begun() and 'begun'
if why_not then
  return why_not
end
write_quota()
redis.call('HINCRBY', key, 'steps', #batch / STEP_WIDTH)
for at = 1, #batch, STEP_WIDTH do
  put_step(id, unpack(batch, at, at + STEP_WIDTH - 1))
  join_parents(id, key, batch[at], batch[at + PARENTS])
  join_children(key, batch[at], batch[at + CHILDREN])
end
-- They stand among those that wait before any of them is let go.
write_indexes()
steps.release(200)
write_and_wake()
record('grow')
return 'grown'
