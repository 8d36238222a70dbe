-- Removes what a deleted namespace has left beside its jobs: workers, where its jobs are sent, and groups of failures.
-- FLAGS allow-oom
-- KEYS  workers        zset    workers by the time they were last seen (ms)
-- KEYS  worker_prefix  prefix  what a worker last said of itself
-- KEYS  order_prefix   prefix  what a worker is to do
-- KEYS  endpoints      hash    kinds bound to URLs
-- KEYS  error_groups   hash    groups of failures by id
-- KEYS  errors_seen    zset    ids of groups by when they were last seen (ms)
-- ARGV  limit          most workers to remove, 1–200
-- RETURN  0, for none of this is a job; 1 if more is to be removed
local found = redis.call('ZRANGE', workers, 0, tonumber(limit) - 1)
for _, id in ipairs(found) do
  redis.call('UNLINK', worker_prefix .. id, order_prefix .. id)
end
if #found > 0 then
  redis.call('ZREM', workers, unpack(found))
end
redis.call('UNLINK', endpoints, error_groups, errors_seen)
return {0, redis.call('EXISTS', workers)}
