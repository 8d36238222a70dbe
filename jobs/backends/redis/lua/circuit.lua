-- Opens or closes the circuit of a kind by hand. Open it stays so until somebody closes it.
-- FLAGS allow-oom
-- KEYS  job_prefix      prefix  job hashes
-- KEYS  stats_prefix    prefix  minute statistics
-- KEYS  limits          hash    limits of kinds, queues and keys
-- KEYS  circuits        hash    circuits and retry budgets of kinds
-- KEYS  tokens_prefix   prefix  tokens of a limiter's rate and since when (ms)
-- KEYS  held            zset    limiters and queues with held jobs, by when to look at them (ms)
-- KEYS  held_names      zset    the same, score 0
-- KEYS  holders_prefix  prefix  running jobs of a limiter whose number is limited, by start (ms)
-- KEYS  counts          hash    jobs by queue, status and priority
-- KEYS  totals          hash    counters since the beginning
-- KEYS  events          stream  what changed
-- ARGV  kind            whose
-- ARGV  state           `open` · `closed`
-- ARGV  by              the actor
-- ARGV  reason          for people
-- RETURN  `set` · `none`: the kind has no circuit
-- @include now
-- @include record
-- @include kinds
-- @include number
-- @include spec
-- @include circuit
-- @include bands
-- @include limited
-- @include limiter
-- @include circuit_turns
local limiter = limiter_of(kind)
local circuit = limiter and Circuit.of(limiter)
if not circuit then
  return 'none'
end
local is_open_by_hand, has_turned = circuit.state == Circuit.OPEN and circuit.till == 0, true
if state == 'open' and not is_open_by_hand then
  Circuit.open(limiter, by, reason)
elseif state == 'closed' and circuit.state ~= Circuit.CLOSED then
  Circuit.close(limiter)
else
  has_turned = false
end
if has_turned then
  Circuit.write()
  -- What it holds back is looked at by one of the next claims.
  for _, pair in ipairs(redis.call('ZRANGE', held_names, '[' .. kind .. ' ', '(' .. kind .. '!', 'BYLEX')) do
    redis.call('ZADD', held, 'XX', now, pair)
  end
  record('circuit')
end
return 'set'
