-- Passes places on that came free.
-- Needs: held held_names; now limiter held place wake circuit circuit_turns
local pass_places_on
do
  local MAX_LISTS, LOOK_MS = 200, 1000

  -- The queues with lists of a limiter. A key that goes on where this one ends has its names among them.
  local function queues_of(id)
    local found = {}
    for _, pair in ipairs(redis.call('ZRANGE', held_names, '[' .. id .. ' ', '(' .. id .. '!', 'BYLEX', 'LIMIT', 0, MAX_LISTS)) do
      local queue = string.sub(pair, #id + 2)
      if not string.find(queue, ' ', 1, true) then
        found[#found + 1] = queue
      end
    end
    return found
  end

  local function pass_on(id, limiter)
    for _, queue in ipairs(queues_of(id)) do
      local places, pair = places_of(limiter), id .. ' ' .. queue
      if id == 'q:' .. queue then
        wake(queue, places)
      elseif unhold(pair, queue, places) then
        -- Who was brought back may be cancelled before it takes its place.
        local wait_ms = places < 1 and math.max(Circuit.shut_ms(limiter), token_wait_ms(limiter, 0)) or places < math.huge and LOOK_MS or 1
        redis.call('ZADD', held, 'XX', 'LT', now + math.max(1, wait_ms), pair)
      end
    end
  end

  -- After jobs left `running`: each place goes to the first in the list of every queue, since nobody knows whose workers
  -- come next. Where there are more lists than a few, `held` gets to the rest.
  function pass_places_on()
    if not has_limits() then
      return
    end
    Circuit.write()
    write_indexes()
    if redis.call('EXISTS', held) == 0 then
      return
    end
    for id, limiter in pairs(limiters) do
      if limiter and limiter.has_freed then
        limiter.has_freed = false
        pass_on(id, limiter)
      end
    end
  end
end
