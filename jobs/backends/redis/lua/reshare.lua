-- Gives jobs a place that fits how their queue is shared now, some at a time: those that became ready before it was fair, or
-- while it was. And forgets keys whose turns are over, and in the end what a queue has of turns that is fair no longer.
-- FLAGS allow-oom
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  queue_prefix  prefix  ready jobs of a queue, by score
-- KEYS  fair          hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix   prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  wake_prefix   prefix  hints to sleeping workers
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  paused        hash    paused queues
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- KEYS  events        stream  what changed
-- ARGV  amount        most jobs, 1–200
-- RETURN  how many there were, of jobs and of keys
-- @include now
-- @include record
-- @include number
-- @include spec
-- @include wake
-- @include place
-- @include fair
-- @include trim_keys
-- @include turns
local LAST_RANK, HELD, EVERY_TURN = 3, 1000000000000, '+inf'
amount = tonumber(amount)
local done = 0

local function place_again(queue, first, last)
  local index = queue_prefix .. queue
  for _, id in ipairs(redis.call('ZRANGE', index, first, last, 'BYSCORE', 'LIMIT', 0, math.max(0, amount - done))) do
    local old = tonumber(redis.call('ZSCORE', index, id))
    local score = fit_score(id, queue, old)
    if score ~= old then
      put_into(index, score, id)
      done = done + 1
    end
  end
end

local function trim(queue, is_over)
  local trimmed = 0
  for rank = 0, LAST_RANK do
    local clock, field = clock_of(queue, rank)
    trimmed = trimmed + trim_keys(field, is_over and EVERY_TURN or clock)
  end
  done = done + trimmed
  return trimmed
end

-- Its clocks stay until no job has a turn: if it is fair again meanwhile, they go on.
local function end_sharing(queue)
  if trim(queue, true) == 0 then
    redis.call('HDEL', fair, queue)
    for rank = 0, LAST_RANK do
      redis.call('HDEL', fair, queue .. ' ' .. rank)
    end
  end
end

local flat = redis.call('HGETALL', fair)
for i = 1, #flat, 2 do
  local queue = flat[i]
  if not string.find(queue, ' ', 1, true) then
    local before = done
    if share_of(queue) then
      place_again(queue, '-inf', '(' .. FAIR)
      trim(queue, false)
    else
      place_again(queue, FAIR, '(' .. HELD)
      if done == before then
        end_sharing(queue)
      end
    end
  end
end
write_indexes()
return done
