-- Tells the store that a schedule was changed or removed: whoever has read an older one decides nothing any more.
-- FLAGS allow-oom
-- KEYS  schedule_prefix  prefix  what the store knows of a schedule
-- KEYS  fires_prefix     prefix  what became of its last instants
-- ARGV  schedule  id
-- ARGV  rev       of the schedule as it is now
-- ARGV  manner    `keep` · `remove`: nothing is kept but that it is gone, and that for an hour
-- RETURN  OK
local FOR_AN_HOUR_MS, LAST_REV = 3600000, '9007199254740991'
local key = schedule_prefix .. schedule
if manner == 'remove' then
  redis.call('DEL', fires_prefix .. schedule)
  redis.call('HSET', key, 'rev', LAST_REV)
  redis.call('HDEL', key, 'mark', 'job', 'act', 'answer')
  redis.call('PEXPIRE', key, FOR_AN_HOUR_MS)
elseif tonumber(rev) > (tonumber(redis.call('HGET', key, 'rev')) or 0) then
  redis.call('HSET', key, 'rev', rev)
end
return 'OK'
