-- Returns one queue at one instant.
-- FLAGS no-writes
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  queue_prefix  prefix  ready jobs of a queue, by score
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  queues        zset    names of all queues, by the minute of their last use
-- KEYS  paused        hash    paused queues
-- KEYS  counts        hash    jobs by queue, status and priority
-- ARGV  queue         name
-- RETURN  now (ms), 1 if the queue is known, oldest ready time (µs or 0), pause or nil, [jobs by status and rank …], jobs in and out in the last full minute
-- @include now
-- @include queue_counts
-- @include number
-- @include oldest_ready
local last_minute = math.floor(now / 60000) - 1
local rates = redis.call('HMGET', stats_prefix .. last_minute, 'in:' .. queue, 'out:' .. queue)
return {now, redis.call('ZSCORE', queues, queue) and 1 or 0, oldest_ready(queue_prefix .. queue),
  redis.call('HGET', paused, queue), redis.call('HMGET', counts, unpack(count_fields(queue))), rates[1], rates[2]}
