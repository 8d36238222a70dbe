-- Gives places that came free to jobs that a limit held back.
-- Needs: limits; job_prefix
local look_at_held, or_next_look, pass_places_on
do
  local LOOK_AT_HOLDERS = 20
  local MAX_BROUGHT, MAX_DUE, MAX_LISTS = 400, 50, 200
  local brought = 0

  -- Brings the first jobs of a list back. Who was cancelled or purged meanwhile still stands there, and is passed over.
  local function unhold(pair, queue, amount)
    local list, index, found = held_prefix .. pair, ready_index(queue), 0
    amount = math.min(amount, MAX_BROUGHT - brought)
    while found < amount do
      local popped = redis.call('ZPOPMIN', list, amount - found)
      if #popped == 0 then
        break
      end
      for i = 1, #popped, 2 do
        local score = redis.call('ZSCORE', index, popped[i])
        if score and tonumber(score) >= HELD then
          put_ready(queue, tonumber(popped[i + 1]), popped[i])
          found = found + 1
        end
      end
    end
    brought = brought + found
    if redis.call('EXISTS', list) == 0 then
      redis.call('ZREM', held, pair)
      return false
    end
    return true
  end

  -- A holder that no longer runs went without a word, as a damaged job does.
  local function drop_dead_holders(limiter)
    local list = holders_prefix .. limiter.kind
    for _, id in ipairs(redis.call('ZRANGE', list, 0, LOOK_AT_HOLDERS - 1)) do
      if redis.call('HGET', job_prefix .. id, 'status') ~= 'running' then
        redis.call('ZREM', list, id)
        limiter.free = limiter.free + 1
      end
    end
  end

  local function places_of(limiter)
    if not limiter then
      return MAX_BROUGHT
    end
    if limiter.free <= 0 then
      drop_dead_holders(limiter)
    end
    return math.max(0, math.min(limiter.free, math.floor(limiter.tokens)))
  end

  local function look_at_list(pair)
    local kind, queue = string.match(pair, '^(%S+) (%S+)$')
    local limiter = limiter_of(kind)
    local places = places_of(limiter)
    if not unhold(pair, queue, places) then
      return
    end
    -- As many as there are places are ready now. Without a limit the rest follows at once.
    redis.call('ZADD', held, limiter and look_at(limiter, places) or now, pair)
  end

  -- Before jobs are taken: what a limit no longer holds is ready.
  function look_at_held()
    if not has_limits() then
      return
    end
    for _, pair in ipairs(redis.call('ZRANGE', held, '-inf', now, 'BYSCORE', 'LIMIT', 0, MAX_DUE)) do
      look_at_list(pair)
    end
    write_indexes()
  end

  -- When the first list of held jobs is to be looked at, or `due` if that is sooner (ms, 0: never).
  function or_next_look(due)
    local look = has_limits() and tonumber(redis.call('ZRANGE', held, 0, 0, 'WITHSCORES')[2])
    return look and (due == 0 or look < due) and look or due
  end

  local function lists_of(kind)
    local found, start = {}, kind .. ' '
    for _, pair in ipairs(redis.call('ZRANGE', held, 0, MAX_LISTS - 1)) do
      if string.sub(pair, 1, #start) == start then
        found[#found + 1] = pair
      end
    end
    return found
  end

  -- After jobs left `running`: each place goes to the first in the list of every queue, since nobody knows whose workers
  -- come next. Where there are more lists than a few, `held` gets to the rest.
  function pass_places_on()
    if not has_limits() then
      return
    end
    write_indexes()
    for kind, limiter in pairs(limiters) do
      if limiter and limiter.freed > 0 then
        limiter.free, limiter.freed = limiter.free + limiter.freed, 0
        local places = places_of(limiter)
        for _, pair in ipairs(places > 0 and lists_of(kind) or {}) do
          unhold(pair, string.sub(pair, #kind + 2), places)
        end
      end
    end
  end
end
