-- Returns how queues are shared.
-- FLAGS no-writes
-- KEYS  fair  hash  queues whose keys take turns, and where each is
-- RETURN  for each: queue, msgpack as of `share`; the turns that were taken last are among them, by queue and rank
return redis.call('HGETALL', fair)
