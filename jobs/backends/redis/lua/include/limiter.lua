-- Limits of a kind, of a queue and of each key of a kind: how many jobs run at once, and how many start in a time (a bucket
-- of tokens). What such a limit counts for is a limiter: `<kind>`, `q:<queue>` or `b:<kind>:<key>`, of the limit `<kind>`,
-- `q:<queue>` or `b:<kind>`. Each is read once a call, and only what is needed of it.
-- Needs: limits held tokens_prefix holders_prefix; now number spec circuit; take_from (place)
local limiters = {}
local CONCURRENCY, RATE, PERIOD, BURST = 1, 2, 3, 4
local limiter_of, limiter_named, key_limiter, places_of, token_wait_ms, leave_place
do
  local rules, key_limits = {}, {}

  -- What was damaged from outside limits nothing.
  local function readable_rule(packed)
    local is_readable, rule = pcall(cmsgpack.unpack, packed)
    if not is_readable or type(rule) ~= 'table' then
      return false
    end
    for place = CONCURRENCY, BURST do
      if type(rule[place]) ~= 'number' or not number_of(rule[place]) then
        return false
      end
    end
    return rule[PERIOD] > 0 and rule
  end

  local function rule_of(name)
    local rule = rules[name]
    if rule == nil then
      rule = readable_rule(redis.call('HGET', limits, name))
      rules[name] = rule
    end
    return rule
  end

  -- The limiter `id` of the limit `name`, by which it goes itself where none is given; false where nothing limits.
  function limiter_of(name, id)
    id = id or name
    local limiter = limiters[id]
    if limiter == nil then
      local rule = rule_of(name)
      -- All that most of them hold: a table that grows is made anew each time, one of more than eight fields takes twice
      -- the room, and there may be one for each job.
      limiter = rule and {id = id, rule = rule, holders = holders_prefix .. id, free = false, tokens = false, first = false,
        is_used = false}
      limiters[id] = limiter
    end
    return limiter
  end

  function limiter_named(id)
    return limiter_of(string.match(id, '^(b:[^:]*):') or id, id)
  end

  function key_limiter(spec)
    local key = spec[LIMIT_KEY]
    if type(key) ~= 'string' then
      return false
    end
    local kind = spec[KIND]
    local name = key_limits[kind]
    if not name then
      name = 'b:' .. kind
      key_limits[kind] = name
    end
    return rule_of(name) and limiter_of(name, name .. ':' .. key)
  end

  -- A bucket fills evenly up to BURST; one without a rate has tokens without end. One that is further ahead of the clock
  -- than it takes to fill is from before that went back: nobody waits until it is there again.
  local function read_tokens(limiter, rule)
    local tokens, since = string.match(redis.call('GET', tokens_prefix .. limiter.id) or '', '^(%S+) (%S+)$')
    local gained = (now - (number_of(since) or now)) * rule[RATE] / rule[PERIOD]
    gained = gained < -rule[BURST] and rule[BURST] or math.max(0, gained)
    return math.min(rule[BURST], math.max(tonumber(tokens) or rule[BURST], 0) + gained)
  end

  -- How many more jobs may start now.
  function places_of(limiter)
    if not limiter.free then
      local rule = limiter.rule
      limiter.free = rule[CONCURRENCY] > 0 and rule[CONCURRENCY] - redis.call('ZCARD', limiter.holders) or math.huge
      limiter.tokens = rule[RATE] > 0 and read_tokens(limiter, rule) or math.huge
    end
    return math.max(0, math.min(limiter.free, math.floor(limiter.tokens), Circuit.gate(limiter)))
  end

  -- In how long there is a token, beside so many that are spoken for (ms, 0: there is one).
  function token_wait_ms(limiter, spoken_for)
    local missing = places_of(limiter) and 1 - (limiter.tokens - spoken_for)
    return missing > 0 and math.ceil(missing * limiter.rule[PERIOD] / limiter.rule[RATE]) or 0
  end

  local function leave(limiter, id)
    if limiter and limiter.rule[CONCURRENCY] > 0 then
      take_from(limiter.holders, id)
      limiter.has_freed, limiter.free = true, nil
    end
  end

  -- A job leaves `running`: whoever waits for its places is told at the end of the call, by `pass_places_on` (held).
  function leave_place(spec, id)
    leave(limiter_of(spec[KIND]), id)
    leave(limiter_of('q:' .. spec[QUEUE]), id)
    leave(key_limiter(spec), id)
  end
end
