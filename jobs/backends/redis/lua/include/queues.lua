-- The bound on a namespace's queues, whose names clients choose: every overview reads them all. `main` has a place always.
-- A queue's score is the minute of its last use, so that prune can forget those that nobody uses.
-- Needs: queues; now
local admits, mark_used
do
  local MAX_QUEUES = 1000
  local used_minute, known_queues, room = math.floor(now / 60000), {}, nil

  local function has_room()
    if not room then
      local kept_for_main = redis.call('ZSCORE', queues, 'main') and 0 or 1
      room = MAX_QUEUES - redis.call('ZCARD', queues) - kept_for_main
    end
    room = room - 1
    return room >= 0
  end

  -- Whether a queue is known or may become so.
  function admits(queue)
    local known = known_queues[queue]
    if known == nil then
      known = redis.call('ZSCORE', queues, queue) or queue == 'main' or has_room()
      known_queues[queue] = known
    end
    return known
  end

  function mark_used(queue)
    if tonumber(known_queues[queue]) ~= used_minute then
      redis.call('ZADD', queues, used_minute, queue)
    end
  end
end
