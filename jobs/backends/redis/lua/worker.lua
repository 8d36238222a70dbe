-- Returns what one worker last said of itself.
-- FLAGS no-writes
-- KEYS  worker_prefix  prefix  what a worker last said of itself
-- ARGV  worker_id      who
-- RETURN  JSON, or false for a worker that is not known
return redis.call('GET', worker_prefix .. worker_id)
