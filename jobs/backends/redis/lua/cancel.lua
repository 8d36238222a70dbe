-- Cancels waiting jobs, asks running ones to stop, or discards dead letters, each at most once a request.
-- FLAGS allow-oom
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  queue_prefix  prefix  ready jobs of a queue, by score
-- KEYS  held_prefix   prefix  jobs of a kind and queue that a limit holds back, by score
-- KEYS  wake_prefix   prefix  hints to sleeping workers
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  scheduled     zset    delayed jobs by due time (ms)
-- KEYS  failed        zset    retries by due time (ms)
-- KEYS  waiting       zset    workflow steps whose parents have not completed
-- KEYS  completed     zset    by end (ms)
-- KEYS  cancelled     zset    by end (ms)
-- KEYS  dlq           zset    dead letters by time (ms)
-- KEYS  ids           zset    every job, score 0
-- KEYS  queues        zset    names of all queues, by the minute of their last use
-- KEYS  paused        hash    paused queues
-- KEYS  webhook       string  final statuses that the namespace's webhook hears of
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- KEYS  events        stream  what changed
-- ARGV  mode          `waiting` · `running` (also ask running jobs to stop) · `discard` (dead letters only)
-- ARGV  request_id    names this request
-- ARGV  by            the actor
-- ARGV  names         msgpack: [id …]
-- RETURN  for each job: code (done · requested · conflict · not_found), status
-- @include now
-- @include record
-- @include kinds
-- @include number
-- @include spec
-- @include wake
-- @include place
-- @include place_final
-- @include created
-- @include delivery
-- @include webhook
-- @include bury
-- @include known_status
-- @include act
local INDEX = {scheduled = scheduled, failed = failed, waiting = waiting}

local function end_job(id, key, job, reason)
  redis.call('HSET', key, 'status', 'cancelled', 'reason', reason, 'cancel_by', by, 'finished_at', now)
  status_change(id, job.queue, job.rank, job.status, 'cancelled')
  place_final(id, 'cancelled')
  deliver_end(id, 'cancelled', job.spec)
  tally('cancelled')
  tally_minute('out:' .. job.queue)
  return 'done', 'cancelled'
end

local function cancel(id, key, job)
  if job.status == 'running' and mode == 'running' then
    redis.call('HSET', key, 'cancel_by', by)
    changed(id, 'running', job.queue)
    return 'requested', 'running'
  elseif job.status == 'queued' then
    take_from(queue_prefix .. job.queue, id)
    local pair = job.spec[KIND] .. ' ' .. job.queue
    take_from(held_prefix .. pair, id)
    return end_job(id, key, job, 'cancelled')
  elseif INDEX[job.status] then
    take_from(INDEX[job.status], id)
    return end_job(id, key, job, 'cancelled')
  end
  return 'conflict', job.status
end

local function discard(id, key, job)
  if job.status ~= 'dead_letter' then
    return 'conflict', job.status
  end
  take_from(dlq, id)
  return end_job(id, key, job, 'discarded')
end

for _, id in ipairs(cmsgpack.unpack(names)) do
  act_on(id, mode == 'discard' and discard or cancel)
end
write_and_wake()
record(mode == 'discard' and 'discard' or 'cancel')
return answers
