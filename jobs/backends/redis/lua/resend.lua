-- Tells once more what a delivery told that has ended: another delivery, with the same rules. A repeat makes no second one,
-- nor does another request while the successor is under way.
-- FLAGS
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  queue_prefix  prefix  ready jobs of a queue, by score
-- KEYS  fair          hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix   prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  wake_prefix   prefix  hints to sleeping workers
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  paused        hash    paused queues
-- KEYS  pages         zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix   prefix  ids of jobs, in no order
-- KEYS  queues        zset    names of all queues, by the minute of their last use
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- KEYS  events        stream  what changed
-- ARGV  delivery      id of the delivery that has ended
-- ARGV  again         id of the new one, of the same shard
-- ARGV  about         id of the job that it tells of
-- ARGV  payload       JSON text of the new one
-- RETURN  code (done · conflict · not_found), status of the delivery, or of its successor that is under way
-- @include now
-- @include record
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
-- @include known_status
-- @include delivery
local key, job = job_prefix .. delivery, job_prefix .. about
local FINAL = {completed = true, dead_letter = true, cancelled = true}
local status, packed, successor = unpack(redis.call('HMGET', key, 'status', 'spec', 'resent'))
local spec = status and readable_spec(packed)
if not spec or spec[KIND] ~= DELIVERY.kind or spec[QUEUE] ~= DELIVERY.queue then
  return {'not_found', ''}
end
if redis.call('EXISTS', job_prefix .. again) == 1 then
  return {'done', status}
end
if status ~= 'completed' and status ~= 'cancelled' then
  return {'conflict', status}
end
local how_far = successor and redis.call('HGET', job_prefix .. successor, 'status')
if KNOWN_STATUS[how_far] and not FINAL[how_far] then
  return {'conflict', how_far}
end
redis.call('HSET', key, 'resent', again)
redis.call('ZADD', queues, math.floor(now / 60000), DELIVERY.queue)
put_delivery(again, packed, payload, redis.call('EXISTS', job) == 1 and job)
write_and_wake()
record('resend')
return {'done', status}
