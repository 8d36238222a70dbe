-- Reads who holds a unique key.
-- FLAGS no-writes
-- KEYS  unique_keys    zset    unique keys that are held, by when they were taken (ms)
-- KEYS  unique_prefix  prefix  who holds a unique key
-- KEYS  job_prefix     prefix  job hashes
-- ARGV  key            the key
-- RETURN  the row of include/lock_row, nothing for a key that nobody holds
-- @include lock_row
local taken_at = redis.call('ZSCORE', unique_keys, key)
return taken_at and {lock_row(key, taken_at)} or {}
