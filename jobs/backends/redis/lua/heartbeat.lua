-- Records that a worker lives, and tells it what somebody wants it to do. One that is new may be one too many.
-- FLAGS allow-oom
-- KEYS  worker_prefix  prefix  what a worker last said of itself
-- KEYS  order_prefix   prefix  what a worker is to do
-- KEYS  workers        zset    workers by the time they were last seen (ms)
-- ARGV  worker_id      who
-- ARGV  text           JSON
-- ARGV  most           workers known at a time, beyond which a new one is refused; 0 for any number
-- RETURN  now (ms), the order: `run` · `quiet` · `terminate`; or `refused`, and nothing is recorded
-- @include now
local FORGET_AFTER_MS = 60000
redis.call('ZREMRANGEBYSCORE', workers, '-inf', now - FORGET_AFTER_MS)
most = tonumber(most)
if most > 0 and redis.call('ZCARD', workers) >= most and not redis.call('ZSCORE', workers, worker_id) then
  return {now, 'refused'}
end
redis.call('SET', worker_prefix .. worker_id, text, 'PX', FORGET_AFTER_MS)
redis.call('ZADD', workers, now, worker_id)
local order = redis.call('GET', order_prefix .. worker_id)
if order then
  redis.call('PEXPIRE', order_prefix .. worker_id, FORGET_AFTER_MS)
end
return {now, order or 'run'}
