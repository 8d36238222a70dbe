-- Returns every queue, the counters and the last minutes at one instant.
-- FLAGS no-writes
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  queue_prefix  prefix  ready jobs of a queue, by score
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  queues        zset    names of all queues, by the minute of their last use
-- KEYS  paused        hash    paused queues
-- KEYS  circuits      hash    circuits and retry budgets of kinds
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- KEYS  details       hash    counters of queues and kinds that only the history reads
-- ARGV  minutes       how many minutes, 0–1440
-- ARGV  with_details  1 or 0
-- RETURN  now (ms), [queue, oldest ready time (µs or 0) …], [paused field, value …], [counts …], [totals …], [minute, [field, value …] …],
--         [kind, msgpack of its circuit …], [details …]
-- @include now
-- @include number
-- @include oldest_ready
-- As many as include/queues.lua lets in.
local MAX_QUEUES = 1000
local known = {}
for _, name in ipairs(redis.call('ZRANGE', queues, 0, MAX_QUEUES - 1)) do
  known[#known + 1] = name
  known[#known + 1] = oldest_ready(queue_prefix .. name)
end
local history = {}
local this_minute = math.floor(now / 60000)
for minute = this_minute - minutes + 1, this_minute do
  history[#history + 1] = minute
  history[#history + 1] = redis.call('HGETALL', stats_prefix .. minute)
end
return {now, known, redis.call('HGETALL', paused), redis.call('HGETALL', counts), redis.call('HGETALL', totals), history,
  redis.call('HGETALL', circuits), with_details == '1' and redis.call('HGETALL', details) or {}}
