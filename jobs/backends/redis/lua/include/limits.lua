-- What limits make of a claim. A job takes a place of each of its limiters or of none. One that its kind or its key holds
-- back stays in its queue behind all that may run, with a score raised by HELD, and stands in one list, of the limiter and
-- the queue, by its own score, from which `unhold` (held) brings the first back. A full queue is not looked into.
-- `held` says when to look at each list, or at a full queue: when a token is there, and now and then, for a place may come
-- free unnoticed. `held_names` has the same names, so that those of one limiter are found.
-- Needs: held held_names held_prefix holders_prefix tokens_prefix queue_prefix; now limiter spec place circuit circuit_turns held
local has_place, room_in, look_at, write_limits
do
  -- A key tells its own when a place comes free, and there are many keys: a look is for the damaged among its holders.
  local LOOK_MS, LOOK_AT_KEY_MS, LEAST_WAIT_MS = 1000, 10000, 20
  -- A bucket that is full needs no record.
  local SPARE_MS, NONE = 1000, {}

  -- There are many limiters, and most hold nothing back.
  local function wait_in(limiter, queue)
    limiter.waits = limiter.waits or {}
    limiter.waits[queue] = true
  end

  local function hold(limiter, id, queue, score, spec)
    local pair = limiter.id .. ' ' .. queue
    score = held_turn(pair, queue, spec, tonumber(score))
    put_into(queue_prefix .. queue, HELD + score, id)
    put_into(held_prefix .. pair, score, id)
    wait_in(limiter, queue)
    return false
  end

  local function take(limiter, id)
    if limiter then
      limiter.free, limiter.tokens, limiter.is_used = limiter.free - 1, limiter.tokens - 1, true
      Circuit.begin_trial(limiter, id)
      -- A key mostly has one job in a call, a kind has many: those are written together.
      if limiter.rule[CONCURRENCY] > 0 and limiter.first then
        put_into(limiter.holders, now, id)
      elseif limiter.rule[CONCURRENCY] > 0 then
        limiter.first = id
      end
    end
  end

  -- Takes its places for a job that is about to run, or holds it back; `room_in` its queue was asked for before.
  function has_place(spec, id, queue, score)
    local of_kind, of_key, of_queue = limiter_of(spec[KIND]), key_limiter(spec), limiter_of('q:' .. queue)
    if of_key and places_of(of_key) < 1 then
      -- It may have come back for a place of its kind, which is then the next one's.
      if of_kind and places_of(of_kind) > 0 then
        of_kind.owed = of_kind.owed or {}
        of_kind.owed[queue] = (of_kind.owed[queue] or 0) + 1
      end
      return hold(of_key, id, queue, score, spec)
    elseif of_kind and places_of(of_kind) < 1 then
      return hold(of_kind, id, queue, score, spec)
    end
    take(of_kind, id)
    take(of_key, id)
    take(of_queue, id)
    return true
  end

  -- How many jobs of a queue its own limit lets go.
  function room_in(queue)
    local limiter = limiter_of('q:' .. queue)
    local places = limiter and places_of(limiter) or math.huge
    if places < 1 then
      wait_in(limiter, queue)
    end
    return places
  end

  -- When it is worth looking whether a job may start, beside as many as were brought back by then.
  function look_at(limiter, brought)
    local shut_ms = Circuit.shut_ms(limiter)
    if shut_ms > 0 then
      return now + shut_ms
    end
    local is_full = places_of(limiter) < 1 and limiter.free <= 0
    local wait_ms = is_full and string.sub(limiter.id, 1, 2) == 'b:' and LOOK_AT_KEY_MS or LOOK_MS
    local until_token_ms = is_full and 0 or token_wait_ms(limiter, brought)
    return now + math.max(brought > 0 and LEAST_WAIT_MS or 1, until_token_ms > 0 and until_token_ms or wait_ms)
  end

  local function write_tokens(limiter, rule)
    if limiter.is_used and rule[RATE] > 0 then
      local full_in_ms = math.ceil((rule[BURST] - limiter.tokens) * rule[PERIOD] / rule[RATE]) + SPARE_MS
      local text = string.format('%.6f %.0f', limiter.tokens, now)
      redis.call('SET', tokens_prefix .. limiter.id, text, 'PX', string.format('%.0f', full_in_ms))
    end
  end

  local function write_waiting(id, limiter)
    for queue, amount in pairs(limiter.owed or NONE) do
      if amount > 0 then
        redis.call('ZADD', held, 'XX', 'LT', now, id .. ' ' .. queue)
      end
    end
    for queue in pairs(limiter.waits or NONE) do
      redis.call('ZADD', held, 'LT', look_at(limiter, 0), id .. ' ' .. queue)
      put_into(held_names, 0, id .. ' ' .. queue)
    end
  end

  -- The end of a call that took places or held jobs back.
  function write_limits()
    Circuit.write()
    for id, limiter in pairs(limiters) do
      if limiter then
        write_tokens(limiter, limiter.rule)
        if limiter.first then
          redis.call('ZADD', limiter.holders, now, limiter.first)
        end
        if limiter.owed or limiter.waits then
          write_waiting(id, limiter)
        end
      end
    end
  end
end
