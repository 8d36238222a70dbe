-- A hint to one sleeping worker. Polling is the truth, so a short list is enough and a lost hint costs at most 1 s.
-- Needs: wake_prefix paused
local wake
do
  local MAX_HINTS = 8

  function wake(queue, wanted)
    local list = wake_prefix .. queue
    local missing = math.min(wanted, MAX_HINTS - redis.call('LLEN', list))
    if missing > 0 and redis.call('HEXISTS', paused, queue) == 0 then
      local hints = {1, 1, 1, 1, 1, 1, 1, 1}
      redis.call('RPUSH', list, unpack(hints, 1, missing))
    end
  end
end
