-- Removes the lists that a deleted namespace has beside its jobs.
-- Needs: queues queue_prefix wake_prefix held held_prefix fair_prefix limits holders_prefix tokens_prefix limit
local remove_held, remove_lists
do
  -- There may be a list for each key of a limit. Some go in each call; tells whether there were any.
  function remove_held()
    local found = redis.call('ZRANGE', held, 0, tonumber(limit) - 1)
    for _, pair in ipairs(found) do
      local turns = '~' .. pair
      redis.call('UNLINK', held_prefix .. pair)
      redis.call('UNLINK', fair_prefix .. turns)
    end
    if #found > 0 then
      redis.call('ZREM', held, unpack(found))
    end
    return #found > 0
  end

  -- There are at most 1 000 queues and so many limits.
  function remove_lists()
    for _, queue in ipairs(redis.call('ZRANGE', queues, 0, -1)) do
      redis.call('UNLINK', queue_prefix .. queue, wake_prefix .. queue)
    end
    local limited = redis.call('HGETALL', limits)
    for i = 1, #limited, 2 do
      redis.call('UNLINK', holders_prefix .. limited[i], tokens_prefix .. limited[i])
    end
  end
end
