-- Returns the workers that were seen lately, in the order of their ids.
-- FLAGS no-writes
-- KEYS  worker_prefix  prefix  what a worker last said of itself
-- KEYS  workers        zset    workers by the time they were last seen (ms)
-- ARGV  after          id of the last one that is known already, or ''
-- ARGV  limit          most workers, 0 only to count them
-- RETURN  how many there are in all; for each of these: seen (ms), JSON
-- @include now
local ALIVE_MS = 30000
local MAX_LOOKS = 10000
limit = tonumber(limit)
local answers = {redis.call('ZCOUNT', workers, now - ALIVE_MS, '+inf')}
if limit == 0 then
  return answers
end
local seen = redis.call('ZRANGE', workers, now - ALIVE_MS, '+inf', 'BYSCORE', 'LIMIT', 0, MAX_LOOKS, 'WITHSCORES')
local ids, seen_at = {}, {}
for i = 1, #seen, 2 do
  if seen[i] > after then
    ids[#ids + 1], seen_at[seen[i]] = seen[i], seen[i + 1]
  end
end
table.sort(ids)
for _, id in ipairs(ids) do
  local text = redis.call('GET', worker_prefix .. id)
  if text then
    answers[#answers + 1] = seen_at[id]
    answers[#answers + 1] = text
    if #answers > 2 * limit then
      break
    end
  end
end
return answers
