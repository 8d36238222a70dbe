-- Puts jobs that wait into another queue, each at most once a request. Priority and the time they became ready stay.
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
-- ARGV  queue         where they go; it may be new
-- ARGV  names         msgpack: [id …]
-- RETURN  for each job: code (done · conflict · not_found · too_many_queues), status
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
-- @include queues
-- @include respec
-- @include place_again
-- @include shift
local changes = {[QUEUE] = cmsgpack.pack(queue)}
local has_place, is_used = admits(queue), false

-- What tells of the ends of jobs has a queue of its own, to which its senders look.
local function move(id, key, job)
  if job.spec[KIND] == DELIVERY.kind then
    return 'conflict', job.status
  end
  local code, status = shift(id, key, job, changes, queue, job.rank, job.offset)
  if code == 'done' and queue ~= job.queue then
    is_used = true
    tally_minute('out:' .. job.queue)
    tally_minute('in:' .. queue)
  end
  return code, status
end

for _, id in ipairs(cmsgpack.unpack(names)) do
  if has_place then
    act_on(id, move)
  else
    answer('too_many_queues')
  end
end
if is_used then
  mark_used(queue)
end
write_and_wake()
record('move')
return answers
