-- Looks through job hashes, some at a time, and puts back into its index each that is not where its status says. What
-- cannot be read becomes a dead letter. Repairs only: a job that stands where it should is not touched.
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
-- KEYS  pages            zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix      prefix  ids of jobs, in no order
-- KEYS  queues           zset    names of all queues, by the minute of their last use
-- KEYS  paused           hash    paused queues
-- KEYS  webhook          string  final statuses that the namespace's webhook hears of
-- KEYS  expiring         zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  unique_keys      zset    unique keys that are held, by when they were taken (ms)
-- KEYS  unique_prefix    prefix  who holds a unique key
-- KEYS  counts           hash    jobs by queue, status and priority
-- KEYS  totals           hash    counters since the beginning
-- KEYS  events           stream  what changed
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- KEYS  waiting          zset    workflow steps whose parents have not completed
-- KEYS  held             zset    limiters and queues with held jobs, by when to look at them (ms)
-- KEYS  held_prefix      prefix  held jobs of a limiter and queue, by score
-- ARGV  cursor        of SCAN; 0 begins
-- ARGV  amount        about how many keys to look at, 1–200
-- ARGV  lease_ms      time that the worker of a running job without a place among the leases gets to renew (ms)
-- RETURN  next cursor (0: the end), ids of repaired jobs
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
-- @include created
-- @include ended
-- @include step
-- @include delivery
-- @include webhook
-- @include ties
-- @include bury
-- @include keep
-- @include held_lists
local INDEX = {scheduled = scheduled, failed = failed, running = leases, completed = completed, cancelled = cancelled,
  dead_letter = dlq, waiting = waiting}
local FIELDS = {'status', 'spec', 'payload', 'ready_at', 'scheduled_for', 'finished_at', 'attempt'}
local STATUS, SPEC, PAYLOAD, READY_AT, SCHEDULED_FOR, FINISHED_AT, ATTEMPT = 1, 2, 3, 4, 5, 6, 7
local TO_RUN = {waiting = true, queued = true, scheduled = true, failed = true}
local repaired = {}

local function due_of(status, job)
  if status == 'running' then
    return now + tonumber(lease_ms)
  end
  return number_of(job[(status == 'scheduled' or status == 'failed') and SCHEDULED_FOR or FINISHED_AT]) or now
end

local function repair(id, status, queue)
  repaired[#repaired + 1] = id
  changed(id, status, queue)
  tally('repaired')
end

-- @include listed
-- @include out_of_order
local function look_at(key)
  local id = string.sub(key, #job_prefix + 1)
  local job = redis.call('HMGET', key, unpack(FIELDS))
  local status = job[STATUS]
  local spec = readable_spec(job[SPEC])
  if not is_in_order(job, spec, status) then
    take_out_of_order(id, key, spec, job)
  elseif status == 'queued' then
    if not is_in_line(id, spec) then
      make_ready(id, key, spec, number_of(job[READY_AT]))
    end
  elseif not redis.call('ZSCORE', INDEX[status], id) then
    put_into(INDEX[status], due_of(status, job), id)
    repair(id, status, spec[QUEUE])
  elseif misses_retention(id, status, spec, job[FINISHED_AT]) then
    repair(id, status, spec[QUEUE])
  end
  if spec and may_expire(id, status, spec, job[ATTEMPT]) then
    repair(id, status, spec[QUEUE])
  end
  if not is_on_page(id) then
    enlist(id)
    repair(id, redis.call('HGET', key, 'status'), spec and spec[QUEUE] or 'main')
  end
  if spec and not redis.call('ZSCORE', queues, spec[QUEUE]) then
    redis.call('ZADD', queues, math.floor(now / 60000), spec[QUEUE])
  end
end

local found = redis.call('SCAN', cursor, 'MATCH', job_prefix .. '*', 'COUNT', math.min(tonumber(amount), 200), 'TYPE', 'hash')
for _, key in ipairs(found[2]) do
  look_at(key)
end
write_and_wake()
record('reconcile')
return {found[1], repaired}
