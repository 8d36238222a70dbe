-- Stops handing out a queue's jobs; pausing again keeps the first pause.
-- FLAGS allow-oom
-- KEYS  wake_prefix   prefix  hints to sleeping workers
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  queues        zset    names of all queues, score 0
-- KEYS  paused        hash    paused queues
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- KEYS  events        stream  what changed
-- ARGV  queue         name
-- ARGV  by            the actor
-- ARGV  reason        for people
-- RETURN  1
-- @include now
-- @include record
redis.call('ZADD', queues, 0, queue)
if redis.call('HSETNX', paused, queue, cmsgpack.pack({by, reason, now})) == 1 then
  redis.call('DEL', wake_prefix .. queue)
  changed_queue = queue
  announce('pause')
end
return 1
