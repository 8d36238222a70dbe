-- What the store knows of a schedule, and the time there.
-- FLAGS no-writes
-- KEYS  schedule_prefix  prefix  what the store knows of a schedule
-- KEYS  fires_prefix     prefix  what became of its last instants, newest first
-- ARGV  schedule  id
-- ARGV  amount    how many of its last instants, at most 100
-- RETURN  now (ms), mark or '', rev or '', instants that amend.lua set aside or '', last instants as fire.lua wrote them
-- @include now
local notes = {}
if tonumber(amount) > 0 then
  notes = redis.call('LRANGE', fires_prefix .. schedule, 0, math.min(tonumber(amount), 100) - 1)
end
local state = redis.call('HMGET', schedule_prefix .. schedule, 'mark', 'rev', 'ahead')
return {now, state[1] or '', state[2] or '', state[3] or '', notes}
