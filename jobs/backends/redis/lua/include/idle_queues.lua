-- Forgets queues without jobs that nobody has used for an hour, so that the bound on queues heals by itself. `main` and
-- paused queues stay.
-- Needs: queues paused counts wake_prefix; now; queue_counts forget_details
local IDLE_MINUTES = 60
local IDLE_AT_ONCE = 100

local function is_in_use(queue)
  if queue == 'main' or redis.call('HEXISTS', paused, queue) == 1 then
    return true
  end
  for _, number in ipairs(redis.call('HMGET', counts, unpack(count_fields(queue)))) do
    if number then
      return true
    end
  end
  return false
end

local function forget_idle_queues()
  local minute = math.floor(now / 60000)
  -- The minute of the last use is rounded down: only what lies before the hour was idle for the whole of it.
  local idle = redis.call('ZRANGE', queues, '-inf', '(' .. minute - IDLE_MINUTES, 'BYSCORE', 'LIMIT', 0, IDLE_AT_ONCE)
  for _, queue in ipairs(idle) do
    if is_in_use(queue) then
      -- Looked at again in an hour; the others get their turn.
      redis.call('ZADD', queues, minute, queue)
    else
      redis.call('ZREM', queues, queue)
      redis.call('DEL', wake_prefix .. queue)
      forget_details(queue)
    end
  end
end
