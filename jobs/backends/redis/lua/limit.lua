-- Limits a kind: how many of its jobs run at once, and how many start in a time; or ends its limits. What workers say of
-- their handlers does not touch what an operator has set.
-- FLAGS allow-oom
-- KEYS  job_prefix      prefix  job hashes
-- KEYS  leases          zset    running jobs by lease expiry (ms)
-- KEYS  limits          hash    limits by kind
-- KEYS  limit_state     hash    tokens of a kind's rate and since when (ms)
-- KEYS  held            zset    kinds and queues with held jobs, by when to look at them (ms)
-- KEYS  holders_prefix  prefix  running jobs of a kind whose number is limited, by start (ms)
-- ARGV  kind            name
-- ARGV  limit           msgpack: [jobs at once or 0, starts or 0, in how long (ms), starts at once, who set it, when (ms)], '' for none
-- ARGV  manner          `set` · `code`: unless somebody else has set one
-- ARGV  most            kinds that may have limits
-- RETURN  `set` · `kept`: an operator's stands · `too_many`
-- @include number
-- @include spec
local CONCURRENCY, BY, CODE, MAX_LEASES = 1, 5, 'code', 10000

-- What runs already counts as well.
local function note_holders()
  for _, id in ipairs(redis.call('ZRANGE', leases, 0, MAX_LEASES - 1)) do
    local spec = readable_spec(redis.call('HGET', job_prefix .. id, 'spec'))
    if spec and spec[KIND] == kind then
      redis.call('ZADD', holders_prefix .. kind, 'NX', 0, id)
    end
  end
end

-- Each list of held jobs is looked at by the next claim, for it may run now.
local function look_at_once()
  local start = kind .. ' '
  for _, pair in ipairs(redis.call('ZRANGE', held, 0, -1)) do
    if string.sub(pair, 1, #start) == start then
      redis.call('ZADD', held, 0, pair)
    end
  end
end

-- What was damaged from outside is nobody's word.
local function is_of_an_operator(packed)
  local is_readable, found = pcall(cmsgpack.unpack, packed)
  return is_readable and type(found) == 'table' and type(found[BY]) == 'string' and found[BY] ~= CODE
end

local before = redis.call('HGET', limits, kind)
if manner == CODE and is_of_an_operator(before) then
  return 'kept'
end
if limit == '' then
  redis.call('HDEL', limits, kind)
  redis.call('HDEL', limit_state, kind)
elseif not before and redis.call('HLEN', limits) >= tonumber(most) then
  return 'too_many'
else
  redis.call('HSET', limits, kind, limit)
end
if limit == '' or cmsgpack.unpack(limit)[CONCURRENCY] == 0 then
  redis.call('UNLINK', holders_prefix .. kind)
else
  note_holders()
end
look_at_once()
return 'set'
