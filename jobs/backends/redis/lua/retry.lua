-- Re-injects dead letters: ready now, retries counted afresh, old attempts kept; one may get another payload, and the key
-- of its limit with it.
-- FLAGS allow-oom
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  queue_prefix     prefix  ready jobs of a queue, by score
-- KEYS  fair             hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix      prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  wake_prefix      prefix  hints to sleeping workers
-- KEYS  stats_prefix     prefix  minute statistics
-- KEYS  dlq              zset    dead letters by time (ms)
-- KEYS  paused           hash    paused queues
-- KEYS  pages            zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix      prefix  ids of jobs, in no order
-- KEYS  queues           zset    names of all queues, by the minute of their last use
-- KEYS  webhook          string  final statuses that the namespace's webhook hears of
-- KEYS  expiring         zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  unique_keys      zset    unique keys that are held, by when they were taken (ms)
-- KEYS  unique_prefix    prefix  who holds a unique key
-- KEYS  tenant           hash    quota
-- KEYS  leases           zset    running jobs by lease expiry (ms)
-- KEYS  counts           hash    jobs by queue, status and priority
-- KEYS  totals           hash    counters since the beginning
-- KEYS  events           stream  what changed
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- KEYS  workflows_ended  zset    workflows by end (ms)
-- ARGV  request_id    names this request
-- ARGV  payload       JSON text that replaces the payload, or ''
-- ARGV  limit_key     msgpack: the key that comes with the payload, nil for none; '' leaves the one that is there
-- ARGV  names         msgpack: [id …]
-- RETURN  for each job: code (done · conflict · unique_conflict: another holds its key · quota_bytes: of the new payload · not_found), status
-- @include now
-- @include record
-- @include kinds
-- @include number
-- @include spec
-- @include wake
-- @include id_order
-- @include pages
-- @include paging
-- @include place
-- @include bands
-- @include fair
-- @include turns
-- @include created
-- @include ended
-- @include step
-- @include delivery
-- @include webhook
-- @include ties
-- @include bury
-- @include known_status
-- @include holder
-- @include quota_rules
-- @include quota
-- @include respec
-- @include replace_payload
-- @include act
-- @include reopen
-- @include reinject
local has_quota = payload ~= '' and read_quota()
local keeps_key, new_key = limit_key == '', limit_key ~= '' and cmsgpack.unpack(limit_key) or nil

-- What the new payload needs beside what goes with the old one and with the result.
local function has_room(key)
  return not has_quota
    or not over_bytes(#payload - redis.call('HSTRLEN', key, 'payload') - redis.call('HSTRLEN', key, 'result'))
end

local function with_payload(id, key, spec)
  -- What an attempt got done with another payload is no place to go on from.
  redis.call('HDEL', key, 'checkpoint')
  return replace_payload(id, payload, keeps_key and spec[LIMIT_KEY] or new_key)
end

local function run_again(id, key, job)
  if job.status == 'dead_letter' and not has_room(key) then
    return 'quota_bytes', job.status
  end
  return reinject(id, key, job, payload ~= '' and with_payload)
end

for _, id in ipairs(cmsgpack.unpack(names)) do
  act_on(id, run_again)
end
write_and_wake()
record('retry')
return answers
