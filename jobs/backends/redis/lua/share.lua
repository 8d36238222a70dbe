-- Has the keys of a queue's jobs take turns, or not any longer. Jobs that wait there keep their places until `reshare`
-- gives them others.
-- FLAGS allow-oom
-- KEYS  fair          hash    queues whose keys take turns, and where each is
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  queues        zset    names of all queues, by the minute of their last use
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- KEYS  events        stream  what changed
-- ARGV  queue         name
-- ARGV  share         msgpack: [1, [key or start of keys with a star, weight …], who set it, when (ms)], '' for none
-- RETURN  1 · 0 for a new queue when there are too many
-- @include now
-- @include record
-- @include queues
local ON = 1
if share == '' then
  local is_readable, found = pcall(cmsgpack.unpack, redis.call('HGET', fair, queue))
  if is_readable and type(found) == 'table' then
    found[ON] = 0
    redis.call('HSET', fair, queue, cmsgpack.pack(found))
  else
    redis.call('HDEL', fair, queue)
  end
elseif not admits(queue) then
  return 0
else
  redis.call('HSET', fair, queue, share)
  mark_used(queue)
end
changed_queue = queue
announce('share')
return 1
