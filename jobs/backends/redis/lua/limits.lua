-- Returns the limits of a namespace, and how full they are.
-- FLAGS no-writes
-- KEYS  limits          hash    limits by kind
-- KEYS  held            zset    kinds and queues with held jobs, by when to look at them (ms)
-- KEYS  held_prefix     prefix  held jobs of a kind and queue, by score
-- KEYS  holders_prefix  prefix  running jobs of a kind whose number is limited, by start (ms)
-- RETURN  for each: kind, msgpack as of `limit`, how many of its jobs run if that is limited, how many are held back
local waiting = {}
for _, pair in ipairs(redis.call('ZRANGE', held, 0, -1)) do
  local kind = string.match(pair, '^%S+')
  waiting[kind] = (waiting[kind] or 0) + redis.call('ZCARD', held_prefix .. pair)
end
local answers, n = {}, 0
local flat = redis.call('HGETALL', limits)
for i = 1, #flat, 2 do
  answers[n + 1], answers[n + 2] = flat[i], flat[i + 1]
  answers[n + 3], answers[n + 4] = redis.call('ZCARD', holders_prefix .. flat[i]), waiting[flat[i]] or 0
  n = n + 4
end
return answers
