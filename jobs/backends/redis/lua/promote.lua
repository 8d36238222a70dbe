-- Makes delayed jobs ready: those named, whenever they are due, or without names those whose time has come.
-- FLAGS allow-oom
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  queue_prefix     prefix  ready jobs of a queue, by score
-- KEYS  fair             hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix      prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  wake_prefix      prefix  hints to sleeping workers
-- KEYS  stats_prefix     prefix  minute statistics
-- KEYS  scheduled        zset    delayed jobs by due time (ms)
-- KEYS  failed           zset    retries by due time (ms)
-- KEYS  dlq              zset    dead letters by time (ms)
-- KEYS  paused           hash    paused queues
-- KEYS  pages            zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix      prefix  ids of jobs, in no order
-- KEYS  queues           zset    names of all queues, by the minute of their last use
-- KEYS  webhook          string  final statuses that the namespace's webhook hears of
-- KEYS  expiring         zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  unique_keys      zset    unique keys that are held, by when they were taken (ms)
-- KEYS  unique_prefix    prefix  who holds a unique key
-- KEYS  completed        zset    by end (ms)
-- KEYS  cancelled        zset    by end (ms)
-- KEYS  retained         zset    ended jobs with a retention of their own, by when it is over (ms)
-- KEYS  waiting          zset    workflow steps whose parents have not completed
-- KEYS  held_prefix      prefix  jobs of a limiter and queue that it holds back, by score
-- KEYS  counts           hash    jobs by queue, status and priority
-- KEYS  totals           hash    counters since the beginning
-- KEYS  events           stream  what changed
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- ARGV  request_id    names this request, or '' for what is due
-- ARGV  names         msgpack: [id …], or for what is due the most jobs to take
-- RETURN  for what is due: how many · else for each job: code (done · conflict · not_found), status
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
-- @include held_lists
-- @include end_waiting
-- @include bury
-- @include known_status
-- @include promote
-- @include act
local INDEX = {scheduled = scheduled, failed = failed}

local function run_now(id, _, job)
  if not INDEX[job.status] then
    return 'conflict', job.status
  end
  if not make_ready(id, INDEX[job.status], job.status, now_us) then
    return 'conflict', 'cancelled'
  end
  return 'done', 'queued'
end

local reply = answers
names = cmsgpack.unpack(names)
if request_id == '' then
  reply = promote_due(names)
else
  for _, id in ipairs(names) do
    act_on(id, run_now)
  end
end
write_and_wake()
record('promote')
return reply
