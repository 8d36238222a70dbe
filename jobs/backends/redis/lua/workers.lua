-- Returns the workers that were seen lately.
-- FLAGS no-writes
-- KEYS  worker_prefix  prefix  what a worker last said of itself
-- KEYS  workers        zset    workers by the time they were last seen (ms)
-- RETURN  for each worker: seen (ms), JSON
-- @include now
local ALIVE_MS = 30000
local MAX_WORKERS = 1000
local answers = {}
local seen = redis.call('ZRANGE', workers, now - ALIVE_MS, '+inf', 'BYSCORE', 'LIMIT', 0, MAX_WORKERS, 'WITHSCORES')
for i = 1, #seen, 2 do
  local text = redis.call('GET', worker_prefix .. seen[i])
  if text then
    answers[#answers + 1] = seen[i + 1]
    answers[#answers + 1] = text
  end
end
return answers
