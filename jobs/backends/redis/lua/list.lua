-- Returns a stretch of one index from a place on.
-- FLAGS no-writes
-- KEYS  job_prefix  prefix  job hashes
-- KEYS  index       zset    the index to walk
-- ARGV  direction   1 lowest first · -1 highest first
-- ARGV  score       place to go on from: score, or '' for the start
-- ARGV  place       … and id
-- ARGV  limit       most jobs, 1–200
-- RETURN  for each job: id, score, [values of SUMMARY]
-- @include summary
direction, limit = tonumber(direction), tonumber(limit)
-- @include id_order
-- @include stretch
local entries = stretch(index)
local answers = {}
for i = 1, #entries, 2 do
  answers[#answers + 1] = entries[i]
  answers[#answers + 1] = entries[i + 1]
  answers[#answers + 1] = summary(entries[i])
end
return answers
