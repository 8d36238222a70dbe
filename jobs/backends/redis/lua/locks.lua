-- Reads a stretch of the unique keys that are held, newest first.
-- FLAGS no-writes
-- KEYS  unique_keys    zset    unique keys that are held, by when they were taken (ms)
-- KEYS  unique_prefix  prefix  who holds a unique key
-- KEYS  job_prefix     prefix  job hashes
-- ARGV  score          of the last one seen, '' for the newest
-- ARGV  place          the last key seen
-- ARGV  limit          most keys, 1–200
-- RETURN  the rows of include/lock_row
local direction = -1
limit = math.min(tonumber(limit), 200)
-- @include id_order
-- @include stretch
-- @include lock_row
local answers = {}
local found = stretch(unique_keys)
for i = 1, #found, 2 do
  answers[#answers + 1] = lock_row(found[i], found[i + 1])
end
return answers
