-- Forgets a worker that stops in good order.
-- FLAGS allow-oom
-- KEYS  worker_prefix  prefix  what a worker last said of itself
-- KEYS  order_prefix   prefix  what a worker is to do
-- KEYS  workers        zset    workers by the time they were last seen (ms)
-- ARGV  worker_id      who
-- RETURN  1
redis.call('DEL', worker_prefix .. worker_id, order_prefix .. worker_id)
redis.call('ZREM', workers, worker_id)
return 1
