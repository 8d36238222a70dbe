-- What a claim does about jobs that are held back: it looks at those that may run now before it takes any.
-- Needs: held held_prefix holders_prefix job_prefix; now limiter limits held place wake circuit_turns
local look_at_held, or_next_look, bring_next
do
  local LOOK_AT_HOLDERS, MAX_DUE, LEAST_DUE, NO_LIMIT = 20, 50, 10, 400

  -- A holder that no longer runs went without a word, as a damaged job does.
  local function drop_dead_holders(limiter)
    local list = holders_prefix .. limiter.id
    for _, id in ipairs(redis.call('ZRANGE', list, 0, LOOK_AT_HOLDERS - 1)) do
      if redis.call('HGET', job_prefix .. id, 'status') ~= 'running' then
        redis.call('ZREM', list, id)
        limiter.free = limiter.free + 1
      end
    end
  end

  local function look_at_list(pair)
    local id, queue = string.match(pair, '^(.*) (%S+)$')
    if not id then
      return forget_list(pair)
    end
    local limiter = limiter_named(id)
    local places = limiter and places_of(limiter) or NO_LIMIT
    if places < 1 and limiter.free <= 0 then
      drop_dead_holders(limiter)
      places = places_of(limiter)
    elseif places < 1 then
      Circuit.drop_dead_trials(limiter)
      places = places_of(limiter)
    end
    if id == 'q:' .. queue and places > 0 then
      forget_list(pair)
      wake(queue, 1)
    elseif id == 'q:' .. queue or unhold(pair, queue, places) then
      -- As many as there are places are ready now. Without a limit, or with room for all, the rest follows at once.
      redis.call('ZADD', held, places < NO_LIMIT and look_at(limiter, places) or now, pair)
    end
  end

  -- Before jobs are taken: what a limit no longer holds is ready. `most` of them are wanted.
  function look_at_held(most)
    local amount = math.min(MAX_DUE, LEAST_DUE + most)
    for _, pair in ipairs(redis.call('ZRANGE', held, '-inf', now, 'BYSCORE', 'LIMIT', 0, amount)) do
      look_at_list(pair)
    end
    write_indexes()
  end

  -- When the first list of held jobs is to be looked at, or `due` if that is sooner (ms, 0: never).
  function or_next_look(due)
    local look = tonumber(redis.call('ZRANGE', held, 0, 0, 'WITHSCORES')[2])
    return look and (due == 0 or look < due) and look or due
  end

  -- Jobs that their kind let go were held by their keys: brings the next ones of the kinds in this queue. Tells whether any came.
  function bring_next(queue)
    local before, has_written = brought_back(), false
    for id, limiter in pairs(limiters) do
      local owed = limiter and limiter.owed and limiter.owed[queue] or 0
      if owed > 0 and places_of(limiter) > 0 then
        if not has_written then
          write_indexes()
          has_written = true
        end
        limiter.owed[queue] = 0
        unhold(id .. ' ' .. queue, queue, math.min(owed, places_of(limiter)))
      end
    end
    write_indexes()
    return brought_back() > before
  end
end
