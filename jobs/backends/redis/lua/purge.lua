-- Deletes a stretch of a queue's ready jobs that became ready by a fixed instant. The event and the total are the
-- record. The same request answers again with the same numbers.
-- FLAGS allow-oom
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  log_prefix       prefix  lines of log of a job, oldest first
-- KEYS  queue_prefix     prefix  ready jobs of a queue, by score
-- KEYS  fair             hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix      prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  held_prefix      prefix  jobs of a limiter and queue that it holds back, by score
-- KEYS  idem_prefix      prefix  idempotency records, 24 h
-- KEYS  purge_prefix     prefix  the last purge call of a queue
-- KEYS  stats_prefix     prefix  minute statistics
-- KEYS  pages            zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix      prefix  ids of jobs, in no order
-- KEYS  expiring         zset    jobs that may expire and were never handed out, by when (ms)
-- KEYS  unique_keys      zset    unique keys that are held, by when they were taken (ms)
-- KEYS  unique_prefix    prefix  who holds a unique key
-- KEYS  counts           hash    jobs by queue, status and priority
-- KEYS  totals           hash    counters since the beginning
-- KEYS  events           stream  what changed
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- ARGV  queue         name
-- ARGV  request_id    names this call
-- ARGV  until_ms      jobs that became ready later stay (ms)
-- ARGV  after         how many at the tail were looked at and stay
-- ARGV  limit         most jobs to look at, 1–200
-- RETURN  how many were purged, `after` for the next call or -1
-- @include now
-- @include record
-- @include number
-- @include spec
-- @include bands
-- @include fair
-- @include held_lists
-- @include step
-- @include ties
-- @include id_order
-- @include pages
-- @include paging
-- @include forget_job
local ANSWER_TTL_MS = 600000

local function purge_stretch()
  local index = queue_prefix .. queue
  -- From the tail, since claims take from the head: a rank counted from there would pass jobs over.
  local found = redis.call('ZRANGE', index, after, after + limit - 1, 'REV')
  local purged = 0
  for _, id in ipairs(found) do
    local job = redis.call('HMGET', job_prefix .. id, 'ready_at', 'spec', 'idem', 'log_bytes')
    if math.floor((number_of(job[1]) or 0) / 1000) <= tonumber(until_ms) then
      redis.call('ZREM', index, id)
      local spec = readable_spec(job[2])
      if spec then
        steps.note(id, 'cancelled', spec)
        count(queue, 'queued', spec[RANK], -1)
        untie(id, spec)
        for _, list in ipairs(held_lists(spec, queue)) do
          redis.call('ZREM', list, id)
        end
        local line = line_of(queue, spec[RANK], spec)
        if line then
          redis.call('ZREM', line, id)
        end
      end
      -- To whoever asks with its key, a purged job is one that somebody cancelled.
      forget_job(id, job[3], job[4], 'cancelled')
      changed(id, 'purged', queue)
      purged = purged + 1
    end
  end
  tally('purged', purged)
  tally_minute('out:' .. queue, purged)
  return purged, #found == tonumber(limit) and after + #found - purged or -1
end

local last = redis.call('GET', purge_prefix .. queue)
local entry = last and cmsgpack.unpack(last)
if not entry or entry[1] ~= request_id then
  entry = {request_id, purge_stretch()}
  redis.call('SET', purge_prefix .. queue, cmsgpack.pack(entry), 'PX', ANSWER_TTL_MS)
  end_forgetting()
  record('purge')
end
return {entry[2], entry[3]}
