-- Tells a worker what to do from its next heartbeat on.
-- FLAGS allow-oom
-- KEYS  worker_prefix  prefix  what a worker last said of itself
-- KEYS  order_prefix   prefix  what a worker is to do
-- KEYS  workers        zset    workers by the time they were last seen (ms)
-- ARGV  worker_id      who
-- ARGV  order          `run` · `quiet` · `terminate`
-- RETURN  1, or 0 where no such worker lives
-- @include now
local ALIVE_MS, TTL_MS = 30000, 60000
local seen = redis.call('ZSCORE', workers, worker_id)
if not seen or tonumber(seen) < now - ALIVE_MS or redis.call('EXISTS', worker_prefix .. worker_id) == 0 then
  return 0
end
redis.call('SET', order_prefix .. worker_id, order, 'PX', TTL_MS)
return 1
