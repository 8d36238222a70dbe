-- Takes a unique key from its holder, which goes on without it and remembers that, so that a repeat answers alike.
-- FLAGS allow-oom
-- KEYS  unique_keys    zset    unique keys that are held, by when they were taken (ms)
-- KEYS  unique_prefix  prefix  who holds a unique key
-- KEYS  job_prefix     prefix  job hashes
-- ARGV  key            the key
-- ARGV  holder         id of the job that holds it
-- RETURN  1 taken · 0 it does not hold the key
local id = string.match(redis.call('GET', unique_prefix .. key) or '', '^%S+')
if id ~= holder then
  return redis.call('HGET', job_prefix .. holder, 'unlocked') == key and 1 or 0
end
redis.call('DEL', unique_prefix .. key)
redis.call('ZREM', unique_keys, key)
if redis.call('EXISTS', job_prefix .. holder) == 1 then
  redis.call('HSET', job_prefix .. holder, 'unlocked', key)
end
return 1
