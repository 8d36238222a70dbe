-- Tells one asker at a time that it is time to look through the namespace again. Who was told is told so again: it asks
-- once more when the answer was lost. A clock that went back makes all looks due, those at held jobs too.
-- FLAGS allow-oom
-- KEYS  store_life    hash    run_id of the server, end of the grace (ms), time of the last look (ms)
-- KEYS  queues        zset    names of all queues, by the minute of their last use
-- KEYS  held          zset    limiters and queues with held jobs, by when to look at them (ms)
-- ARGV  interval_ms   between two looks (ms)
-- ARGV  asker         names this asking, until its answer came
-- RETURN  1, names of all queues: look now · 0: somebody else did or does
-- @include now
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local last = redis.call('HMGET', store_life, 'reconciled_at', 'reconciled_in', 'reconciled_by')
local is_behind = last[1] and now < tonumber(last[1])
-- What restarted, or was a replica before, may have lost what was written last.
if not is_behind and last[2] == run_id and last[3] ~= asker and now < tonumber(last[1]) + tonumber(interval_ms) then
  return {0}
end
if is_behind then
  redis.call('ZUNIONSTORE', held, 1, held, 'WEIGHTS', 0)
end
redis.call('HSET', store_life, 'reconciled_at', now, 'reconciled_in', run_id, 'reconciled_by', asker)
return {1, unpack(redis.call('ZRANGE', queues, 0, 1000))}
