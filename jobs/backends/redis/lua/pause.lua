-- Stops handing out a queue's jobs; pausing again keeps the first pause.
-- FLAGS allow-oom
-- KEYS  wake_prefix   prefix  hints to sleeping workers
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  queues        zset    names of all queues, by the minute of their last use
-- KEYS  paused        hash    paused queues
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- KEYS  events        stream  what changed
-- ARGV  queue         name
-- ARGV  by            the actor
-- ARGV  reason        for people
-- RETURN  1 · 0 for a new queue when there are too many
-- @include now
-- @include record
-- @include queues
if not admits(queue) then
  return 0
end
if redis.call('HSETNX', paused, queue, cmsgpack.pack({by, reason, now})) == 1 then
  mark_used(queue)
  redis.call('DEL', wake_prefix .. queue)
  changed_queue = queue
  announce('pause')
end
return 1
