-- Returns a stretch of all ready queues merged by score: the order in which jobs would run if every worker served all.
-- FLAGS no-writes
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  queue_prefix  prefix  ready jobs of a queue, by score
-- KEYS  queues        zset    names of all queues, by the minute of their last use
-- ARGV  direction     1 lowest first · -1 highest first
-- ARGV  score         place to go on from: score, or '' for the start
-- ARGV  place         … and id
-- ARGV  limit         most jobs, 1–200
-- RETURN  for each job: id, score, [values of SUMMARY]
-- @include summary
-- As many as include/queues.lua lets in.
local MAX_QUEUES = 1000
direction, limit = tonumber(direction), tonumber(limit)
-- @include id_order
-- @include stretch

-- An entry never comes before itself: table.sort compares entries with themselves, and sorts wrongly otherwise.
local function comes_before(a, b)
  if direction == -1 then
    a, b = b, a
  end
  return a.score < b.score or (a.score == b.score and is_before(a.id, b.id))
end

local found, last_wanted = {}, nil

-- What cannot be among the first is dropped on the way, so that many long queues are not sorted whole.
local function take(queue)
  local entries = stretch(queue_prefix .. queue)
  for i = 1, #entries, 2 do
    local entry = {id = entries[i], score = tonumber(entries[i + 1]), text = entries[i + 1]}
    if last_wanted and comes_before(last_wanted, entry) then
      break
    end
    found[#found + 1] = entry
  end
  if #found > 4 * limit then
    table.sort(found, comes_before)
    last_wanted = found[limit]
    for i = #found, limit + 1, -1 do
      found[i] = nil
    end
  end
end

-- The queue used last has the latest jobs most likely: from the other end its jobs come first.
local known = redis.call('ZRANGE', queues, 0, MAX_QUEUES - 1)
for i = 1, #known do
  take(known[direction == 1 and i or #known + 1 - i])
end
table.sort(found, comes_before)
local answers = {}
for i = 1, math.min(limit, #found) do
  answers[#answers + 1] = found[i].id
  answers[#answers + 1] = found[i].text
  answers[#answers + 1] = summary(found[i].id)
end
return answers
