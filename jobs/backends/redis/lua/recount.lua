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
-- KEYS  pages         zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix   prefix  ids of jobs, in no order
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

-- @include sums
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
  add(found, 'jobs', 1)
  add(found, spec[QUEUE] .. '|' .. job[1] .. '|' .. spec[RANK], 1)
  if job[3] then
    add(found, 'log_bytes', number_of(job[3]) or 0)
  end
  if job[1] == 'completed' or job[1] == 'cancelled' then
    add(found, 'bytes', bytes)
  end
end

-- Calls `act` with each page, until it returns false.
local function for_pages(act)
  for first = 0, redis.call('ZCARD', pages) - 1, STRIDE do
    for _, page in ipairs(redis.call('ZRANGE', pages, first, first + STRIDE - 1)) do
      if act(page_prefix .. page) == false then
        return
      end
    end
  end
end

local function listed_up_to(amount)
  local listed = 0
  for_pages(function(page)
    listed = listed + redis.call('LLEN', page)
    return listed <= amount
  end)
  return listed
end

local function count_all()
  local found = {}
  for_pages(function(page)
    for _, id in ipairs(redis.call('LRANGE', page, 0, -1)) do
      count_job(found, id)
    end
  end)
  redis.call('DEL', counts)
  for field, amount in pairs(found) do
    redis.call('HSET', counts, field, amount)
  end
end

local are_right = is_right()
-- Versions before quotas did not count the bytes of all jobs.
local is_sized = redis.call('EXISTS', pages) == 0 or redis.call('HEXISTS', tenant, 'sized') == 1
most = tonumber(most)
if not (are_right and is_sized) and listed_up_to(most) <= most then
  count_all()
  redis.call('HSET', tenant, 'sized', 1)
elseif not are_right then
  return 'too_many'
end
return are_right and 'right' or 'counted'
