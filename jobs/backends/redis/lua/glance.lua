-- Tells whether a claim on these queues may bring a job now, and whether upkeep has something to do; changes nothing. Who
-- serves many namespaces looks at all of them so, and asks in earnest where there is something.
-- FLAGS no-writes
-- KEYS  queue_prefix     prefix  ready jobs of a queue, by score
-- KEYS  scheduled        zset    delayed jobs by due time (ms)
-- KEYS  failed           zset    retries by due time (ms)
-- KEYS  leases           zset    running jobs by lease expiry (ms)
-- KEYS  expiring         zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  held             zset    limiters and queues with held jobs, by when to look at them (ms)
-- KEYS  fair             hash    queues whose keys take turns, and where each is
-- KEYS  paused           hash    paused queues
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- KEYS  workflow_walks   list    walks through workflows
-- KEYS  tenant           hash    quota, its bucket of tokens, retention, weight
-- ARGV  names            msgpack: [queue …]
-- RETURN  1 if a claim may bring a job; ms until one may be due, -1 for not yet; 1 if upkeep is due; weight or ''
-- @include now
-- @include number
-- @include quota_rules
local HELD, UNTOLD = 1000000000000, '~work'

local function first_of(index)
  return tonumber(redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')[2]) or math.huge
end

-- A job behind which only held ones stand is the first of its queue.
local function has_ready(queue)
  return first_of(queue_prefix .. queue) < HELD and redis.call('HEXISTS', paused, queue) == 0
end

local due = math.min(first_of(scheduled), first_of(failed))
local next_at = math.min(due, first_of(held))
local is_ready = false
for _, queue in ipairs(cmsgpack.unpack(names)) do
  is_ready = is_ready or has_ready(queue)
end
local needs_upkeep = math.min(due, first_of(leases), first_of(expiring)) <= now
  or redis.call('EXISTS', fair, workflow_walks, workflow_prefix .. UNTOLD) > 0
is_ready = (is_ready or next_at <= now) and running_room() > 0
return {is_ready and 1 or 0, next_at < math.huge and math.max(0, next_at - now) or -1, needs_upkeep and 1 or 0,
  redis.call('HGET', tenant, 'weight') or ''}
