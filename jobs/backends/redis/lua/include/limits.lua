-- Limits by kind: how many of its jobs run at once, and how many start in a time (a bucket of tokens). A job that is held
-- back stays in its queue behind all that may run, with a score raised by HELD, and stands in a list of its kind and queue
-- by its own score, from which `unhold` (held) brings the first back. `held` says when to look at each list: when a token is there,
-- and every second, for a place may come free unnoticed.
-- Needs: limits limit_state held held_prefix holders_prefix queue_prefix; now number place
local HELD, LOOK_MS, limiters = 1000000000000, 1000, {}
local CONCURRENCY, RATE, PERIOD, BURST = 1, 2, 3, 4
local has_limits, limiter_of, look_at, has_place, leave_place, write_limits
do
  local LEAST_WAIT_MS, is_limited = 20, nil

  function has_limits()
    if is_limited == nil then
      is_limited = redis.call('EXISTS', limits, held) > 0
    end
    return is_limited
  end

  -- A bucket fills evenly up to BURST; a kind without a rate has tokens without end.
  local function read_limiter(kind, limit)
    local limiter = {kind = kind, limit = limit, free = math.huge, tokens = math.huge, freed = 0, waits = {}}
    if limit[CONCURRENCY] > 0 then
      limiter.free = limit[CONCURRENCY] - redis.call('ZCARD', holders_prefix .. kind)
    end
    if limit[RATE] > 0 then
      local state = redis.call('HGET', limit_state, kind)
      local tokens, since = string.match(state or '', '^(%S+) (%S+)$')
      local gained = math.max(0, now - (number_of(since) or now)) * limit[RATE] / limit[PERIOD]
      limiter.tokens = math.min(limit[BURST], math.max(tonumber(tokens) or limit[BURST], 0) + gained)
    end
    return limiter
  end

  -- What was damaged from outside limits nothing.
  local function readable_limit(packed)
    local is_readable, limit = pcall(cmsgpack.unpack, packed)
    if not is_readable or type(limit) ~= 'table' then
      return nil
    end
    for place = CONCURRENCY, BURST do
      if type(limit[place]) ~= 'number' or not number_of(limit[place]) then
        return nil
      end
    end
    return limit[PERIOD] > 0 and limit
  end

  function limiter_of(kind)
    if not has_limits() then
      return false
    end
    local limiter = limiters[kind]
    if limiter == nil then
      local limit = readable_limit(redis.call('HGET', limits, kind))
      limiter = limit and read_limiter(kind, limit) or false
      limiters[kind] = limiter
    end
    return limiter
  end

  function leave_place(kind, id)
    local limiter = limiter_of(kind)
    if limiter and limiter.limit[CONCURRENCY] > 0 then
      take_from(holders_prefix .. kind, id)
      limiter.freed = limiter.freed + 1
    end
  end

  local function hold(limiter, id, queue, score)
    put_into(queue_prefix .. queue, HELD + score, id)
    local pair = limiter.kind .. ' ' .. queue
    put_into(held_prefix .. pair, score, id)
    limiter.waits[queue] = true
    return false
  end

  -- Takes a place for a job that is about to run, or holds it back.
  function has_place(kind, id, queue, score)
    local limiter = limiter_of(kind)
    if not limiter then
      return true
    elseif limiter.free <= 0 or limiter.tokens < 1 then
      return hold(limiter, id, queue, score)
    end
    limiter.free, limiter.tokens, limiter.is_used = limiter.free - 1, limiter.tokens - 1, true
    if limiter.limit[CONCURRENCY] > 0 then
      put_into(holders_prefix .. kind, now, id)
    end
    return true
  end

  -- When it is worth looking whether a job of this kind may start, beside as many as were brought back by then.
  function look_at(limiter, brought)
    local tokens, wait_ms = limiter.tokens - brought, LOOK_MS
    if limiter.free > 0 and tokens < 1 then
      wait_ms = math.ceil((1 - tokens) * limiter.limit[PERIOD] / limiter.limit[RATE])
    end
    return now + math.max(brought > 0 and LEAST_WAIT_MS or 1, wait_ms)
  end

  -- The end of a call that took places or held jobs back.
  function write_limits()
    for kind, limiter in pairs(limiters) do
      if limiter and limiter.is_used and limiter.limit[RATE] > 0 then
        redis.call('HSET', limit_state, kind, string.format('%.6f %.0f', limiter.tokens, now))
      end
      for queue in pairs(limiter and limiter.waits or {}) do
        redis.call('ZADD', held, look_at(limiter, 0), kind .. ' ' .. queue)
      end
    end
  end
end
