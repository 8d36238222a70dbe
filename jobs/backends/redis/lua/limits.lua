-- Returns limits and how full they are: all of a namespace, or those that some jobs come under.
-- FLAGS no-writes
-- KEYS  limits          hash    limits of kinds, queues and keys
-- KEYS  circuits        hash    circuits and retry budgets of kinds
-- KEYS  tokens_prefix   prefix  tokens of a limiter's rate and since when (ms)
-- KEYS  held            zset    limiters and queues with held jobs, by when to look at them (ms)
-- KEYS  held_names      zset    the same, score 0
-- KEYS  held_prefix     prefix  held jobs of a limiter and queue, by score
-- KEYS  holders_prefix  prefix  running jobs of a limiter whose number is limited, by start (ms)
-- KEYS  queue_prefix    prefix  ready jobs of a queue, by score
-- ARGV  wanted          msgpack: [[limit, limiter] …], [] for all limits
-- ARGV  named           how many running jobs are named of each
-- RETURN  for each limit that is there: its name, msgpack as of `limit`, how many jobs run if that is limited, how many are held
--         back, in how many lists, when the next may start by its rate (ms, 0: now), and as msgpack [state, until (ms), times it
--         opened in a row, since (ms), by, reason, attempts, failures, jobs on trial] of a circuit, [first attempts, retries] of a
--         budget, [] where it has none, how many may start now by its rate (-1: as many as come), and the jobs that have run
--         longest, each with its start (ms). Of the keys of a kind together only how many are held
-- @include now
-- @include number
-- @include spec
-- @include circuit
-- @include bands
-- @include limited
-- @include limiter
-- Of many keys the first are counted.
named = tonumber(named)
local MAX_LISTS, CIRCUIT, BUDGET, WINDOW, answers, n = 1000, 11, 12, 3, {}, 0

-- The lists between two names.
local function count_held(first, behind)
  local held_back = 0
  for _, pair in ipairs(redis.call('ZRANGE', held_names, '[' .. first, '(' .. behind, 'BYLEX', 'LIMIT', 0, MAX_LISTS)) do
    held_back = held_back + redis.call('ZCARD', held_prefix .. pair)
  end
  return held_back, redis.call('ZLEXCOUNT', held_names, '[' .. first, '(' .. behind)
end

-- Of a circuit whose cool-down is over the next job is on trial.
local function circuit_told(limiter)
  local it = limiter and limiter.rule[CIRCUIT] and Circuit.of(limiter)
  if not it then
    return {}
  end
  local attempts, failures = Circuit.sums_of(it.ring)
  if it.state ~= Circuit.CLOSED then
    attempts, failures = it.good + it.bad, it.bad
  end
  local state = it.state == Circuit.OPEN and Circuit.shut_ms(limiter) == 0 and Circuit.HALF_OPEN or it.state
  return {state, it.till, it.trips, it.since, it.by, it.reason, attempts, failures, #it.trial}
end

local function budget_told(limiter)
  local rule = limiter and limiter.rule[BUDGET]
  return Circuit.are_numbers(rule, WINDOW) and {Circuit.sums_of(Circuit.read_ring('r:' .. limiter.id, rule[WINDOW]))} or {}
end

local function tokens_of(limiter)
  return limiter and limiter.rule[RATE] > 0 and math.floor(limiter.tokens) or -1
end

local function holders_of(id)
  return named > 0 and redis.call('ZRANGE', holders_prefix .. id, 0, named - 1, 'WITHSCORES') or {}
end

local function use_of(name, id)
  local limiter = limiter_of(name, id)
  local places, queue = limiter and places_of(limiter) or 1, string.match(id, '^q:(.*)$')
  local held_back, lists = count_held(id .. ' ', id .. '!')
  if queue then
    held_back, lists = places < 1 and redis.call('ZCARD', queue_prefix .. queue) or 0, 0
  end
  local wait_ms = limiter and token_wait_ms(limiter, 0) or 0
  return redis.call('ZCARD', holders_prefix .. id), held_back, lists, wait_ms > 0 and now + wait_ms or 0,
    cmsgpack.pack({circuit_told(limiter), budget_told(limiter), tokens_of(limiter), holders_of(id)})
end

local function answer(name, packed, ...)
  answers[n + 1], answers[n + 2] = name, packed
  for place, number in ipairs({...}) do
    answers[n + 2 + place] = number
  end
  n = n + 7
end

wanted = cmsgpack.unpack(wanted)
for _, pair in ipairs(wanted) do
  local packed = redis.call('HGET', limits, pair[1])
  if packed then
    answer(pair[1], packed, use_of(pair[1], pair[2]))
  end
end
local flat = wanted[1] and {} or redis.call('HGETALL', limits)
for i = 1, #flat, 2 do
  local name = flat[i]
  if string.sub(name, 1, 2) == 'b:' then
    local held_back, lists = count_held(name .. ':', name .. ';')
    answer(name, flat[i + 1], 0, held_back, lists, 0, cmsgpack.pack({{}, {}, -1, {}}))
  else
    answer(name, flat[i + 1], use_of(name, name))
  end
end
return answers
