-- Gives jobs a place that fits how their queue is shared now, some at a time: those that became ready before it was fair, or
-- while it was. One that a limit holds back is looked at again. And forgets keys whose turns are over, and in the end what a queue has of turns that is fair no longer.
-- FLAGS allow-oom
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  queue_prefix  prefix  ready jobs of a queue, by score
-- KEYS  fair          hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix   prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  held_prefix   prefix  held jobs of a limiter and queue, by score
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
-- @include bands
-- @include fair
-- @include trim_keys
-- @include turns
-- @include held_lists
local LAST_RANK, EVERY_TURN = 3, '+inf'
amount = tonumber(amount)
local done = 0

local function leave_lists(id, queue)
  local spec = readable_spec(redis.call('HGET', job_prefix .. id, 'spec'))
  for _, list in ipairs(spec and held_lists(spec, queue) or {}) do
    take_from(list, id)
  end
end

-- `base` is what the scores are raised by: 0, or HELD.
local function place_again(queue, base, first, last)
  local index, most = queue_prefix .. queue, math.max(0, amount - done)
  for _, id in ipairs(redis.call('ZRANGE', index, base + first, '(' .. base + last, 'BYSCORE', 'LIMIT', 0, most)) do
    local old = tonumber(redis.call('ZSCORE', index, id)) - base
    local score = fit_score(id, queue, old)
    if score ~= old then
      put_into(index, score, id)
      done = done + 1
      if base > 0 then
        leave_lists(id, queue)
      end
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
      place_again(queue, 0, 0, FAIR)
      place_again(queue, HELD, 0, FAIR)
      trim(queue, false)
    else
      place_again(queue, 0, FAIR, HELD)
      place_again(queue, HELD, FAIR, HELD)
      if done == before then
        end_sharing(queue)
      end
    end
  end
end
write_indexes()
return done
