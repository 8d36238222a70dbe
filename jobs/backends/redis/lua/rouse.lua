-- Ends the wait of one listener for hints, so that it can listen for further queues.
-- FLAGS allow-oom
-- KEYS  wake_prefix  prefix  hints to sleeping workers
-- ARGV  listener     its name, which no queue can have
-- RETURN  1
local FORGET_AFTER_MS = 5000
local list = wake_prefix .. listener
if redis.call('EXISTS', list) == 0 then
  redis.call('RPUSH', list, 1)
end
redis.call('PEXPIRE', list, FORGET_AFTER_MS)
return 1
