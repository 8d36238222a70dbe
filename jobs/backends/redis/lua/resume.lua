-- Hands out a queue's jobs again and wakes workers for what waited.
-- FLAGS allow-oom
-- KEYS  queue_prefix  prefix  ready jobs of a queue, by score
-- KEYS  wake_prefix   prefix  hints to sleeping workers
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  queues        zset    names of all queues, by the minute of their last use
-- KEYS  paused        hash    paused queues
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- KEYS  events        stream  what changed
-- ARGV  queue         name
-- RETURN  1
-- @include now
-- @include record
-- @include wake
if redis.call('HDEL', paused, queue) == 1 then
  -- A long pause is no idleness: the queue stays known for a while.
  redis.call('ZADD', queues, 'XX', math.floor(now / 60000), queue)
  wake(queue, redis.call('ZCARD', queue_prefix .. queue))
  changed_queue = queue
  announce('resume')
end
return 1
