-- Records that a worker lives.
-- FLAGS allow-oom
-- KEYS  worker_prefix  prefix  what a worker last said of itself
-- KEYS  workers        zset    workers by the time they were last seen (ms)
-- ARGV  worker_id      who
-- ARGV  text           JSON
-- RETURN  now (ms)
-- @include now
local FORGET_AFTER_MS = 60000
redis.call('SET', worker_prefix .. worker_id, text, 'PX', FORGET_AFTER_MS)
redis.call('ZADD', workers, now, worker_id)
redis.call('ZREMRANGEBYSCORE', workers, '-inf', now - FORGET_AFTER_MS)
return now
