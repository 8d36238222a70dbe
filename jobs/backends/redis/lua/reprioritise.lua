-- Gives jobs that wait another priority, each at most once a request. The time they became ready stays, so that they go
-- before or behind others as if they had been submitted so.
-- FLAGS allow-oom
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  queue_prefix     prefix  ready jobs of a queue, by score
-- KEYS  fair             hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix      prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  held_prefix      prefix  jobs of a limiter and queue that it holds back, by score
-- KEYS  wake_prefix      prefix  hints to sleeping workers
-- KEYS  stats_prefix     prefix  minute statistics
-- KEYS  dlq              zset    dead letters by time (ms)
-- KEYS  pages            zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix      prefix  ids of jobs, in no order
-- KEYS  queues           zset    names of all queues, by the minute of their last use
-- KEYS  paused           hash    paused queues
-- KEYS  webhook          string  final statuses that the namespace's webhook hears of
-- KEYS  expiring         zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  unique_keys      zset    unique keys that are held, by when they were taken (ms)
-- KEYS  unique_prefix    prefix  who holds a unique key
-- KEYS  counts           hash    jobs by queue, status and priority
-- KEYS  totals           hash    counters since the beginning
-- KEYS  events           stream  what changed
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- ARGV  request_id    names this request
-- ARGV  rank          the new priority, 0 critical – 3 low
-- ARGV  offset        that of the priority (s), or '' for the default mode's
-- ARGV  names         msgpack: [id …]
-- RETURN  for each job: code (done · conflict · not_found), status
-- @include now
-- @include record
-- @include kinds
-- @include number
-- @include spec
-- @include held_lists
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
-- @include act
-- @include respec
-- @include place_again
-- @include shift
rank, offset = tonumber(rank), tonumber(offset)
local changes = {[RANK] = cmsgpack.pack(rank), [OFFSET] = cmsgpack.pack(offset)}

local function reprioritise(id, key, job)
  return shift(id, key, job, changes, job.queue, rank, offset)
end

for _, id in ipairs(cmsgpack.unpack(names)) do
  act_on(id, reprioritise)
end
write_and_wake()
record('reprioritise')
return answers
