-- Limits a kind, a queue or each key of a kind: how many jobs run at once, and how many start in a time; or ends these
-- limits. What workers say of their handlers does not touch what an operator has set.
-- FLAGS allow-oom
-- KEYS  job_prefix      prefix  job hashes
-- KEYS  leases          zset    running jobs by lease expiry (ms)
-- KEYS  limits          hash    limits of kinds, queues and keys
-- KEYS  circuits        hash    circuits and retry budgets of kinds
-- KEYS  limit_paths     hash    where a kind has its key in the payload
-- KEYS  tokens_prefix   prefix  tokens of a limiter's rate and since when (ms)
-- KEYS  held            zset    limiters and queues with held jobs, by when to look at them (ms)
-- KEYS  held_names      zset    the same, score 0
-- KEYS  holders_prefix  prefix  running jobs of a limiter whose number is limited, by start (ms)
-- ARGV  name            kind · `q:` and a queue · `b:` and a kind, for each of its keys
-- ARGV  limit           msgpack: of the limit: see include/limiter and circuit, '' for none
-- ARGV  path            of a key: where the payload has it, '' for nowhere
-- ARGV  manner          `set` · `code`: unless somebody else has set one
-- ARGV  most            how many limits there may be
-- RETURN  `set` · `kept`: an operator's stands · `too_many`
-- @include number
-- @include spec
local CONCURRENCY, BY, CIRCUIT, BUDGET, CODE, MAX_LEASES, AT_ONCE = 1, 5, 11, 12, 'code', 10000, 1000
local rule = limit ~= '' and cmsgpack.unpack(limit) or {}
local is_of_keys = string.sub(name, 1, 2) == 'b:'

-- The limiter of this limit that a job comes under, if any.
local function limiter_of(spec)
  if is_of_keys then
    return name == 'b:' .. spec[KIND] and type(spec[LIMIT_KEY]) == 'string' and name .. ':' .. spec[LIMIT_KEY]
  end
  return (name == spec[KIND] or name == 'q:' .. spec[QUEUE]) and name
end

-- What runs already counts as well; where nothing is counted any more, nothing is left of it.
local function note_holders(is_counted)
  for _, id in ipairs(redis.call('ZRANGE', leases, 0, MAX_LEASES - 1)) do
    local spec = readable_spec(redis.call('HGET', job_prefix .. id, 'spec'))
    local limiter = spec and limiter_of(spec)
    if limiter and is_counted then
      redis.call('ZADD', holders_prefix .. limiter, 'NX', 0, id)
    elseif limiter then
      redis.call('ZREM', holders_prefix .. limiter, id)
    end
  end
end

-- Each list of held jobs is looked at by one of the next claims, for it may run now.
local function look_at_once()
  local first, behind = name .. (is_of_keys and ':' or ' '), name .. (is_of_keys and ';' or '!')
  local pairs_found = redis.call('ZRANGE', held_names, '[' .. first, '(' .. behind, 'BYLEX')
  for i = 1, #pairs_found, AT_ONCE do
    local due = {}
    for at = i, math.min(i + AT_ONCE - 1, #pairs_found) do
      due[#due + 1] = 0
      due[#due + 1] = pairs_found[at]
    end
    redis.call('ZADD', held, 'XX', unpack(due))
  end
end

-- What was damaged from outside is nobody's word.
local function is_of_an_operator(packed)
  local is_readable, found = pcall(cmsgpack.unpack, packed)
  return is_readable and type(found) == 'table' and type(found[BY]) == 'string' and found[BY] ~= CODE
end

local before = redis.call('HGET', limits, name)
if manner == CODE and is_of_an_operator(before) then
  return 'kept'
end
if limit == '' then
  redis.call('HDEL', limits, name)
  redis.call('UNLINK', tokens_prefix .. name)
elseif not before and redis.call('HLEN', limits) >= tonumber(most) then
  return 'too_many'
else
  redis.call('HSET', limits, name, limit)
end
if path ~= '' and limit ~= '' then
  redis.call('HSET', limit_paths, string.sub(name, 3), path)
elseif is_of_keys then
  redis.call('HDEL', limit_paths, string.sub(name, 3))
end
if limit == '' or rule[CONCURRENCY] == 0 then
  if is_of_keys then
    note_holders(false)
  end
  redis.call('UNLINK', holders_prefix .. name)
else
  note_holders(true)
end
if not rule[CIRCUIT] then
  redis.call('HDEL', circuits, name)
end
if not rule[BUDGET] then
  redis.call('HDEL', circuits, 'r:' .. name)
end
look_at_once()
return 'set'
