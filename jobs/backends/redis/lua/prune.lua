-- Retention: removes the oldest final jobs beyond age, number or bytes. Dead letters go by age only, unless the namespace
-- has a number for them.
-- Queues that are idle and empty are forgotten.
-- FLAGS allow-oom
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  log_prefix       prefix  lines of log of a job, oldest first
-- KEYS  idem_prefix      prefix  idempotency records, 24 h
-- KEYS  wake_prefix      prefix  hints to sleeping workers
-- KEYS  stats_prefix     prefix  minute statistics
-- KEYS  completed        zset    by end (ms)
-- KEYS  cancelled        zset    by end (ms)
-- KEYS  retained         zset    ended jobs with a retention of their own, by when it is over (ms)
-- KEYS  dlq              zset    dead letters by time (ms)
-- KEYS  pages            zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix      prefix  ids of jobs, in no order
-- KEYS  queues           zset    names of all queues, by the minute of their last use
-- KEYS  paused           hash    paused queues
-- KEYS  counts           hash    jobs by queue, status and priority
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- KEYS  totals           hash    counters since the beginning
-- KEYS  details          hash    counters of queues and kinds that only the history reads
-- KEYS  events           stream  what changed
-- KEYS  tenant           hash    quota, its bucket of tokens, retention
-- ARGV  limit         most jobs to remove, 1–200
-- ARGV  max_age_ms    of completed and cancelled jobs (ms)
-- ARGV  max_jobs      completed and cancelled jobs kept
-- ARGV  max_bytes     payload and result bytes of those kept
-- ARGV  dlq_age_ms    of dead letters (ms)
-- ARGV  longest_ms    for which a job may ask to be kept (ms)
-- RETURN  removed: completed, cancelled, dead letters; 1 if more is to be removed
-- @include now
-- @include record
-- @include number
-- @include spec
-- @include step
-- @include place_final
-- @include id_order
-- @include pages
-- @include paging
-- @include forget_job
-- @include retention
-- @include retained
-- @include oldest_final
-- @include queue_counts
-- @include forget_details
-- @include idle_queues
limit, max_age_ms, max_jobs = tonumber(limit), tonumber(max_age_ms), tonumber(max_jobs)
max_bytes, dlq_age_ms, longest_ms = tonumber(max_bytes), tonumber(dlq_age_ms), tonumber(longest_ms)
local own_age_ms, own_jobs, own_dead_age_ms, dead_kept = own_retention()
max_age_ms, max_jobs, dlq_age_ms = own_age_ms or max_age_ms, own_jobs or max_jobs, own_dead_age_ms or dlq_age_ms

local removed = {completed = 0, cancelled = 0, dead_letter = 0}
local bytes_removed, done = 0, 0

local function remove(id, status)
  local key = job_prefix .. id
  local packed, idempotency, log_bytes = unpack(redis.call('HMGET', key, 'spec', 'idem', 'log_bytes'))
  local bytes = stored_bytes(key)
  if status ~= 'dead_letter' then
    bytes_removed = bytes_removed + bytes
  end
  redis.call('ZREM', FINAL[status], id)
  local spec = readable_spec(packed)
  if is_retained() then
    redis.call('ZREM', retained, id)
  end
  if spec and status == 'dead_letter' then
    -- Nobody can re-inject it any more.
    steps.note(id, 'cancelled', spec)
  end
  forget_job(id, idempotency, log_bytes, status, bytes)
  if spec then
    count(spec[QUEUE], status, spec[RANK], -1)
    changed(id, 'pruned', spec[QUEUE])
  end
  tally('pruned:' .. status)
  removed[status] = removed[status] + 1
  done = done + 1
end

local kept = redis.call('ZCARD', completed) + redis.call('ZCARD', cancelled)
local bytes_kept = tonumber(redis.call('HGET', counts, 'bytes')) or 0
local oldest_kept, more = now - (is_retained() and math.max(max_age_ms, longest_ms) or max_age_ms), 0
for id, status, ended_at in oldest_final(limit) do
  local is_surplus = ended_at <= oldest_kept or kept - done > max_jobs or bytes_kept - bytes_removed > max_bytes
  if not is_surplus or done >= limit then
    more = is_surplus and 1 or 0
    break
  end
  remove(id, status)
end
if is_retained() and remove_by_retention(now - max_age_ms, limit - done, remove) then
  more = 1
end
if done < limit then
  local dead = redis.call('ZRANGE', dlq, '-inf', now - dlq_age_ms, 'BYSCORE', 'LIMIT', 0, limit - done)
  local surplus = dead_kept and math.min(redis.call('ZCARD', dlq) - dead_kept, limit - done) or 0
  if surplus > #dead then
    dead = redis.call('ZRANGE', dlq, 0, surplus - 1)
  end
  for _, id in ipairs(dead) do
    remove(id, 'dead_letter')
  end
end
add(count_deltas, 'bytes', -bytes_removed)
end_forgetting()
record('prune')
forget_idle_queues()
return {removed.completed, removed.cancelled, removed.dead_letter, (more == 1 or done >= limit) and 1 or 0}
