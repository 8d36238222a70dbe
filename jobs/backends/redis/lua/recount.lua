-- Compares the counts of a namespace with the sizes of its indexes, and counts its jobs anew where they differ.
-- FLAGS allow-oom
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  queue_prefix  prefix  ready jobs of a queue, by score
-- KEYS  scheduled     zset    delayed jobs by due time (ms)
-- KEYS  failed        zset    retries by due time (ms)
-- KEYS  waiting       zset    workflow steps whose parents have not completed
-- KEYS  leases        zset    running jobs by lease expiry (ms)
-- KEYS  completed     zset    by end (ms)
-- KEYS  cancelled     zset    by end (ms)
-- KEYS  dlq           zset    dead letters by time (ms)
-- KEYS  ids           zset    every job, score 0
-- KEYS  queues        zset    names of all queues, by the minute of their last use
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  tenant        hash    quota, its bucket of tokens, retention; whether bytes were counted
-- ARGV  most          jobs that may be counted in this one step, which holds the store up for 3 µs each
-- RETURN  `right` · `counted`: they were wrong · `too_many`: they are wrong, and stay so
-- @include number
-- @include spec
local INDEX = {scheduled = scheduled, failed = failed, running = leases, completed = completed, cancelled = cancelled,
  dead_letter = dlq, waiting = waiting}
local STRIDE = 500

local function sums()
  local by_status, ready = {}, {}
  local flat = redis.call('HGETALL', counts)
  for i = 1, #flat, 2 do
    local queue, status = string.match(flat[i], '^([^|]+)|([^|]+)|')
    if status then
      by_status[status] = (by_status[status] or 0) + flat[i + 1]
    end
    if status == 'queued' then
      ready[queue] = (ready[queue] or 0) + flat[i + 1]
    end
  end
  return by_status, ready
end

local function is_right()
  local by_status, ready = sums()
  for status, index in pairs(INDEX) do
    if (by_status[status] or 0) ~= redis.call('ZCARD', index) then
      return false
    end
  end
  for _, queue in ipairs(redis.call('ZRANGE', queues, 0, 1000)) do
    if (ready[queue] or 0) ~= redis.call('ZCARD', queue_prefix .. queue) then
      return false
    end
    ready[queue] = nil
  end
  return next(ready) == nil
end

local function add(found, field, amount)
  found[field] = (found[field] or 0) + amount
end

local function count_job(found, id)
  local key = job_prefix .. id
  local bytes = redis.call('HSTRLEN', key, 'payload') + redis.call('HSTRLEN', key, 'result')
  add(found, 'stored', bytes)
  local job = redis.call('HMGET', key, 'status', 'spec', 'log_bytes')
  local spec = readable_spec(job[2])
  if not (spec and (job[1] == 'queued' or INDEX[job[1]])) then
    return
  end
  add(found, spec[QUEUE] .. '|' .. job[1] .. '|' .. spec[RANK], 1)
  if job[3] then
    add(found, 'log_bytes', number_of(job[3]) or 0)
  end
  if job[1] == 'completed' or job[1] == 'cancelled' then
    add(found, 'bytes', bytes)
  end
end

local function count_all()
  local found = {}
  for first = 0, redis.call('ZCARD', ids) - 1, STRIDE do
    for _, id in ipairs(redis.call('ZRANGE', ids, first, first + STRIDE - 1)) do
      count_job(found, id)
    end
  end
  redis.call('DEL', counts)
  for field, amount in pairs(found) do
    redis.call('HSET', counts, field, amount)
  end
end

local size, are_right = redis.call('ZCARD', ids), is_right()
-- Versions before quotas did not count the bytes of all jobs.
local is_sized = size == 0 or redis.call('HEXISTS', tenant, 'sized') == 1
if size <= tonumber(most) and not (are_right and is_sized) then
  count_all()
  redis.call('HSET', tenant, 'sized', 1)
elseif not are_right then
  return 'too_many'
end
return are_right and 'right' or 'counted'
