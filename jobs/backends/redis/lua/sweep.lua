-- Removes workflows some steps at a time: what was staged and never started goes with its jobs; one that ended is forgotten
-- after its time, and its jobs stay as long as all others.
-- FLAGS allow-oom
-- KEYS  job_prefix        prefix  job hashes
-- KEYS  log_prefix        prefix  lines of log of a job, oldest first
-- KEYS  idem_prefix       prefix  idempotency records, 24 h
-- KEYS  workflow_prefix   prefix  workflows: what each is, and its graph
-- KEYS  stats_prefix      prefix  minute statistics
-- KEYS  waiting           zset    workflow steps whose parents have not completed
-- KEYS  expiring          zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  pages             zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix       prefix  ids of jobs, in no order
-- KEYS  workflows         zset    started workflows by start (ms)
-- KEYS  workflows_staged  zset    workflows that are not started, by the time of their first steps (ms)
-- KEYS  workflows_ended   zset    workflows by end (ms)
-- KEYS  counts            hash    jobs by queue, status and priority
-- KEYS  totals            hash    counters since the beginning
-- KEYS  events            stream  what changed
-- ARGV  only              id of a staged workflow to remove whatever its age, or ''
-- ARGV  staged_ms         how long one may be staged (ms)
-- ARGV  max_age_ms        how long one that completed or was cancelled is kept (ms)
-- ARGV  failed_ms         how long one that failed is kept (ms)
-- ARGV  most              how many that ended are kept
-- ARGV  limit             most steps or workflows to remove, 1–200
-- RETURN  1 if there is more to do, else 0
-- @include now
-- @include record
-- @include number
-- @include spec
-- @include id_order
-- @include pages
-- @include paging
-- @include forget_job
limit, most = math.min(tonumber(limit), 200), tonumber(most)
local LOOKS = 200

local function remove_job(id)
  local job = redis.call('HMGET', job_prefix .. id, 'status', 'spec', 'log_bytes')
  if job[1] == 'waiting' then
    redis.call('ZREM', waiting, id)
    redis.call('ZREM', expiring, id)
    forget_job(id, false, job[3], 'cancelled')
    local spec = readable_spec(job[2])
    if spec then
      count(spec[QUEUE], 'waiting', spec[RANK], -1)
      changed(id, 'purged', spec[QUEUE])
      tally_minute('out:' .. spec[QUEUE])
    end
    tally('purged')
  end
end

local function sweep(id)
  local key = workflow_prefix .. id
  local f = redis.call('HMGET', key, 'status', 'steps', 'swept')
  if f[1] ~= 'staged' and f[1] ~= 'swept' then
    redis.call('ZREM', workflows_staged, id)
    return
  end
  local first, steps = (tonumber(f[3]) or 0) + 1, tonumber(f[2]) or 0
  local last = math.min(first + limit - 1, steps)
  for number = first, last do
    local job = redis.call('HGET', key, 'j' .. number)
    if job then
      remove_job(job)
    end
  end
  if last >= steps then
    redis.call('UNLINK', key)
    redis.call('ZREM', workflows_staged, id)
  else
    redis.call('HSET', key, 'status', 'swept', 'swept', last)
  end
end

local function forget(id)
  redis.call('UNLINK', workflow_prefix .. id)
  redis.call('ZREM', workflows, id)
  redis.call('ZREM', workflows_ended, id)
end

local surplus, more = math.max(0, redis.call('ZCARD', workflows_ended) - most), 0

-- Looks at a stretch of those that ended, and the next time at the one behind it: what failed stays for long, and hides
-- nobody.
local function forget_old()
  local PLACE = workflow_prefix .. '~swept'
  local kept_place = redis.call('GET', PLACE)
  local first = surplus == 0 and number_of(kept_place) or 0
  local ended = redis.call('ZRANGE', workflows_ended, first, first + LOOKS - 1, 'WITHSCORES')
  local next_place = #ended < 2 * LOOKS and 0 or first + LOOKS
  for at = 1, #ended, 2 do
    local is_failed = redis.call('HGET', workflow_prefix .. ended[at], 'status') == 'failed'
    if (at + 1) / 2 <= surplus or tonumber(ended[at + 1]) <= now - (is_failed and failed_ms or max_age_ms) then
      forget(ended[at])
      next_place = math.max(0, next_place - 1)
    end
  end
  if next_place > 0 then
    redis.call('SET', PLACE, next_place)
  elseif kept_place then
    redis.call('UNLINK', PLACE)
  end
end

local old = only == '' and redis.call('ZRANGE', workflows_staged, '-inf', now - staged_ms, 'BYSCORE', 'LIMIT', 0, 1) or {only}
if old[1] then
  sweep(old[1])
  more = 1
end
if only == '' then
  forget_old()
else
  more = redis.call('EXISTS', workflow_prefix .. only)
end
end_forgetting()
record('purge')
return more
