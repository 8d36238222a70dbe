-- Decides about the instants of a schedule up to a time: stores the jobs of those that are due, and remembers what became of each.
-- What makes a job single is `mark`, up to which instants are decided: it moves in the step that stores the jobs, and
-- only for a caller who has seen where it stood. So each (schedule, instant) is decided once, whoever fires, and however often.
-- FLAGS
-- KEYS  schedule_prefix  prefix  what the store knows of a schedule: mark, rev, job, act, answer, late, ahead
-- KEYS  fires_prefix     prefix  what became of its last instants, newest first
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  queue_prefix     prefix  ready jobs of a queue, by score
-- KEYS  fair             hash    queues whose keys take turns, and where each is
-- KEYS  fair_prefix      prefix  waiting jobs of a key by turn, and keys by their last
-- KEYS  wake_prefix      prefix  hints to sleeping workers
-- KEYS  idem_prefix      prefix  idempotency records, 24 h, of jobs by hand
-- KEYS  stats_prefix     prefix  minute statistics
-- KEYS  scheduled        zset    delayed jobs by due time (ms)
-- KEYS  pages            zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix      prefix  ids of jobs, in no order
-- KEYS  queues           zset    names of all queues, by the minute of their last use
-- KEYS  paused           hash    paused queues
-- KEYS  leases           zset    running jobs by lease expiry (ms)
-- KEYS  tenant           hash    quota, its bucket of tokens
-- KEYS  counts           hash    jobs by queue, status and priority
-- KEYS  totals           hash    counters since the beginning
-- KEYS  events           stream  what changed
-- ARGV  schedule  id
-- ARGV  act       names the call, so that a repeat answers alike
-- ARGV  rev       of the schedule as the caller knows it; an older one than the store has seen decides nothing
-- ARGV  seen      where the caller saw `mark` stand
-- ARGV  until_ms  the new one (ms), not later than now; 0: by hand, whatever is decided and under way
-- ARGV  overlap   `allow` · `skip` · `queue_one`: what a job under way means to the next
-- ARGV  missed    msgpack: how many instants are passed over, the newest of them (ms)
-- ARGV  nominals  msgpack: the instants that are due, rising (ms)
-- ARGV  batch     msgpack: the job of each, as in submit.lua
-- RETURN  msgpack: code (fired · changed · stale · early), now (ms), mark (ms or -1), then id and outcome of each
--         instant (fired · overlap · too_many_queues · quota_jobs · quota_bytes · quota_rate). An instant that comes too
--         soon for the quota of submissions is not decided, nor are those behind it: the mark stays before it.
-- @include now
-- @include record
-- @include wake
-- @include id_order
-- @include pages
-- @include paging
-- @include place
-- @include number
-- @include spec
-- @include bands
-- @include fair
-- @include turns
-- @include created
-- @include known_status
-- @include known
-- @include queues
-- @include quota_rules
-- @include quota
-- @include store
-- @include fires
local LAST_REV = 2 ^ 53 - 1
rev, seen, until_ms = tonumber(rev), tonumber(seen), tonumber(until_ms)
local key = schedule_prefix .. schedule
local state = redis.call('HMGET', key, 'mark', 'rev', 'job', 'act', 'answer')
local mark, known_rev, last = number_of(state[1]), number_of(state[2]) or 0, state[3]
if state[4] == act and state[5] then
  return state[5]
end

nominals, batch, missed = cmsgpack.unpack(nominals), cmsgpack.unpack(batch), cmsgpack.unpack(missed)
if #batch ~= #nominals * WIDTH then
  return redis.error_reply('ERR a schedule has one job an instant')
end
for at = 1, #batch, WIDTH do
  if not is_sound(batch, at) then
    return redis.error_reply('ERR a submission is malformed')
  end
end

local is_by_hand = until_ms == 0
local repeated = is_by_hand and batch[1] and known(batch[1], batch[2], batch[3])
if repeated then
  return cmsgpack.pack({'fired', now, mark or -1, repeated[2], 'fired'})
elseif rev < known_rev and (not is_by_hand or known_rev == LAST_REV) then
  return cmsgpack.pack({'changed', now, mark or -1})
elseif not is_by_hand and mark and mark ~= seen then
  return cmsgpack.pack({'stale', now, mark})
elseif until_ms > now then
  return cmsgpack.pack({'early', now, mark or -1})
end

if missed[1] > 0 then
  note(missed[2], 'missed', missed[1])
end
local has_quota = read_quota()
local answer, last_status = {'fired', now, mark or -1}, last and status_under_way(last)
for number, nominal in ipairs(nominals) do
  local at = (number - 1) * WIDTH + 1
  local id = batch[at]
  local outcome = not is_by_hand and is_held_up(overlap, last_status) and 'overlap'
    or not admits(batch[at + 3]) and 'too_many_queues' or has_quota and over_quota(1, #batch[at + 8]) or 'fired'
  if outcome == 'quota_rate' and not is_by_hand then
    until_ms = nominal - 1
    note_late(key, nominal)
    break
  end
  if outcome == 'fired' then
    last, last_status = id, select(3, store(unpack(batch, at, at + WIDTH - 1)))
  end
  note(nominal, is_by_hand and outcome == 'fired' and 'by_hand' or outcome, outcome == 'fired' and id or '')
  answer[#answer + 1], answer[#answer + 2] = id, outcome
end
if has_quota then
  write_quota()
end
write_notes(fires_prefix .. schedule)
answer[3] = is_by_hand and answer[3] or until_ms
local packed = cmsgpack.pack(answer)
redis.call('HSET', key, 'act', act, 'answer', packed, 'job', last or '')
if not is_by_hand then
  redis.call('HSET', key, 'mark', string.format('%.0f', until_ms), 'rev', rev)
end
book_stored()
record('submit')
return packed
