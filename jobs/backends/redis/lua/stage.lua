-- Puts steps of a workflow in, as jobs that wait: nothing of it runs, and nobody sees it, before `start`. What is never
-- started is swept.
-- FLAGS
-- KEYS  job_prefix        prefix  job hashes
-- KEYS  workflow_prefix   prefix  workflows: what each is, and its graph
-- KEYS  stats_prefix      prefix  minute statistics
-- KEYS  queue_prefix      prefix  ready jobs of a queue, by score
-- KEYS  fair              hash    queues whose keys take turns, and where each is
-- KEYS  wake_prefix       prefix  hints to sleeping workers
-- KEYS  paused            hash    paused queues
-- KEYS  waiting           zset    workflow steps whose parents have not completed
-- KEYS  pages             zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix       prefix  ids of jobs, in no order
-- KEYS  queues            zset    names of all queues, by the minute of their last use
-- KEYS  workflows_staged  zset    workflows that are not started, by the time of their first steps (ms)
-- KEYS  leases            zset    running jobs by lease expiry (ms)
-- KEYS  tenant            hash    quota, its bucket of tokens
-- KEYS  expiring          zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  unique_keys       zset    unique keys that are held, by when they were taken (ms)
-- KEYS  unique_prefix     prefix  who holds a unique key
-- KEYS  counts            hash    jobs by queue, status and priority
-- KEYS  totals            hash    counters since the beginning
-- KEYS  events            stream  what changed
-- ARGV  id                of the workflow
-- ARGV  head              msgpack: {field: value} of the workflow
-- ARGV  batch             msgpack, eleven values in a row for each step: see include/put_step.lua
-- RETURN  staged · gone: it was started or swept · too_many_queues · quota_jobs · quota_bytes · quota_rate, and nothing of the batch is stored
-- @include now
-- @include record
-- @include number
-- @include spec
-- @include ties
-- @include wake
-- @include id_order
-- @include pages
-- @include paging
-- @include place
-- @include queues
-- @include quota_rules
-- @include quota
-- @include put_step
local key = workflow_prefix .. id
batch = cmsgpack.unpack(batch)
local status = redis.call('HGET', key, 'status')
if status and status ~= 'staged' then
  return 'gone'
end
-- A call that is repeated finds its first job.
if batch[2] and redis.call('EXISTS', job_prefix .. batch[2]) == 1 then
  return 'staged'
end
local why_not = refused(batch)
if why_not then
  return why_not
end
write_quota()
if not status then
  for field, value in pairs(cmsgpack.unpack(head)) do
    redis.call('HSET', key, field, value)
  end
  redis.call('HSET', key, 'status', 'staged', 'created', now, 'w', 0, 'a', 0, 'c', 0, 'd', 0, 'x', 0, 'walks', 0, 'run', 1)
  redis.call('ZADD', workflows_staged, now, id)
end
for at = 1, #batch, STEP_WIDTH do
  put_step(id, unpack(batch, at, at + STEP_WIDTH - 1))
end
write_indexes()
record('stage')
return 'staged'
