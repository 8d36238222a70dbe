-- Makes a staged workflow live, in one step: its first steps become ready, a hundred at once and the rest as maintenance
-- goes on.
-- FLAGS
-- KEYS  job_prefix        prefix  job hashes
-- KEYS  workflow_prefix   prefix  workflows: what each is, and its graph
-- KEYS  queue_prefix      prefix  ready jobs of a queue, by score
-- KEYS  fair              hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix       prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  wake_prefix       prefix  hints to sleeping workers
-- KEYS  idem_prefix       prefix  idempotency records, 24 h
-- KEYS  stats_prefix      prefix  minute statistics
-- KEYS  workflows         zset    started workflows by start (ms)
-- KEYS  workflows_staged  zset    workflows that are not started, by the time of their first steps (ms)
-- KEYS  workflows_ended   zset    workflows by end (ms)
-- KEYS  scheduled         zset    delayed jobs by due time (ms)
-- KEYS  waiting           zset    workflow steps whose parents have not completed
-- KEYS  completed         zset    by end (ms)
-- KEYS  cancelled         zset    by end (ms)
-- KEYS  retained          zset    ended jobs with a retention of their own, by when it is over (ms)
-- KEYS  dlq               zset    dead letters by time (ms)
-- KEYS  paused            hash    paused queues
-- KEYS  pages             zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix       prefix  ids of jobs, in no order
-- KEYS  queues            zset    names of all queues, by the minute of their last use
-- KEYS  webhook           string  final statuses that the namespace's webhook hears of
-- KEYS  expiring          zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  unique_keys       zset    unique keys that are held, by when they were taken (ms)
-- KEYS  unique_prefix     prefix  who holds a unique key
-- KEYS  counts            hash    jobs by queue, status and priority
-- KEYS  totals            hash    counters since the beginning
-- KEYS  events            stream  what changed
-- ARGV  id                of the workflow
-- ARGV  roots             numbers of the steps without parents, a space between
-- ARGV  idempotency       hash of the idempotency key, or ''
-- ARGV  fingerprint       of the request that used it
-- RETURN  code (started · replayed · idempotency_mismatch · gone: swept, or not all of it was staged), id of the workflow
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
-- @include place_final
-- @include created
-- @include ended
-- @include step
-- @include delivery
-- @include webhook
-- @include ties
-- @include bury
-- @include waiting_step
-- @include workflow_end
-- @include release
local IDEMPOTENCY_TTL_MS = 86400000
local key = workflow_prefix .. id
local f = redis.call('HMGET', key, 'status', 'steps', 'w', 'x')
if f[1] and f[1] ~= 'staged' and f[1] ~= 'swept' then
  return {'started', id}
end
if idempotency ~= '' then
  local seen = redis.call('GET', idem_prefix .. idempotency)
  local known, first = string.match(seen or '', '^(%S*) (%S+) %S+ %S+$')
  if known then
    return {known == fingerprint and 'replayed' or 'idempotency_mismatch', first}
  end
end
if f[1] ~= 'staged' or tonumber(f[2]) ~= (number_of(f[3]) or 0) + (number_of(f[4]) or 0) then
  return {'gone', id}
end
if idempotency ~= '' then
  local entry = table.concat({fingerprint, id, string.format('%.0f', now), 'queued'}, ' ')
  redis.call('SET', idem_prefix .. idempotency, entry, 'PX', IDEMPOTENCY_TTL_MS)
end
redis.call('HSET', key, 'status', 'running', 'created', now, 's0', 'c', 'c0', roots)
redis.call('ZADD', workflows, now, id)
redis.call('ZREM', workflows_staged, id)
steps.tell(id, 0)
tally('workflows:started')
steps.release(100)
write_and_wake()
record('start')
return {'started', id}
