-- Looks through a stretch of the unique keys and frees those whose holder is gone or has ended, or has another key.
-- FLAGS allow-oom
-- KEYS  job_prefix     prefix  job hashes
-- KEYS  unique_prefix  prefix  who holds a unique key
-- KEYS  expiring       zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  unique_keys    zset    unique keys that are held, by when they were taken (ms)
-- KEYS  stats_prefix   prefix  minute statistics
-- KEYS  counts         hash    jobs by queue, status and priority
-- KEYS  totals         hash    counters since the beginning
-- KEYS  events         stream  what changed
-- ARGV  first          rank of the first key to look at
-- ARGV  amount         most keys to look at, 1–200
-- RETURN  rank to go on from (-1: the end), ids of the jobs that held what was freed
-- @include now
-- @include record
-- @include number
-- @include spec
-- @include created
-- @include ties
-- @include holder
first, amount = tonumber(first), math.min(tonumber(amount), 200)
local freed = {}
local keys = redis.call('ZRANGE', unique_keys, first, first + amount - 1)
for _, key in ipairs(keys) do
  local id = string.match(redis.call('GET', unique_prefix .. key) or '', '^%S+')
  local job = id and redis.call('HMGET', job_prefix .. id, 'status', 'spec')
  local spec = job and is_living(job[1]) and readable_spec(job[2])
  local unique = spec and unique_of(spec)
  if not unique or unique[1] ~= key then
    redis.call('DEL', unique_prefix .. key)
    redis.call('ZREM', unique_keys, key)
    tally('repaired')
    freed[#freed + 1] = id or ''
  end
end
record('reconcile')
return {#keys < amount and -1 or first + #keys - #freed, freed}
