-- Returns every queue, the counters and the last minutes at one instant.
-- FLAGS no-writes
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  queue_prefix  prefix  ready jobs of a queue, by score
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  queues        zset    names of all queues, score 0
-- KEYS  paused        hash    paused queues
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- ARGV  minutes       how many minutes, 0–1440
-- RETURN  now (ms), [queue, oldest ready time (µs or 0) …], [paused field, value …], [counts …], [totals …], [minute, [field, value …] …]
-- @include now
local MAX_QUEUES = 1000
-- The longest wait is sought among the jobs that run next: their order mixes priority and time.
local LOOK_AT = 20

local function oldest_ready(index)
  local oldest = 0
  for _, id in ipairs(redis.call('ZRANGE', index, 0, LOOK_AT - 1)) do
    local ready_at = tonumber(redis.call('HGET', job_prefix .. id, 'ready_at')) or 0
    if ready_at > 0 and (oldest == 0 or ready_at < oldest) then
      oldest = ready_at
    end
  end
  return oldest
end

local known = {}
for _, name in ipairs(redis.call('ZRANGE', queues, 0, MAX_QUEUES - 1)) do
  known[#known + 1] = name
  known[#known + 1] = oldest_ready(queue_prefix .. name)
end
local history = {}
local this_minute = math.floor(now / 60000)
for minute = this_minute - minutes + 1, this_minute do
  history[#history + 1] = minute
  history[#history + 1] = redis.call('HGETALL', stats_prefix .. minute)
end
return {now, known, redis.call('HGETALL', paused), redis.call('HGETALL', counts), redis.call('HGETALL', totals), history}
