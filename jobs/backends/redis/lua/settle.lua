-- Records how attempts ended. Only the holder of the lease can: a stale token changes nothing and answers `lost`;
-- the same token again answers with what its settlement made of the job.
-- FLAGS allow-oom
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  queue_prefix  prefix  ready jobs of a queue, by score
-- KEYS  wake_prefix   prefix  hints to sleeping workers
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  scheduled     zset    delayed jobs by due time (ms)
-- KEYS  failed        zset    retries by due time (ms)
-- KEYS  leases        zset    running jobs by lease expiry (ms)
-- KEYS  completed     zset    by end (ms)
-- KEYS  cancelled     zset    by end (ms)
-- KEYS  dlq           zset    dead letters by time (ms)
-- KEYS  paused        hash    paused queues
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- KEYS  events        stream  what changed
-- ARGV  batch         msgpack: [[id, token, outcome, duration (ms), result, error type, message, traceback, delay (ms), chance 0–1] …]; what is missing at the end is empty
-- RETURN  for each job: its new status, or `lost`
-- @include now
-- @include record
-- @include observe
-- @include spec
-- @include wake
-- @include place
-- @include place_final
-- @include running
-- @include attempt
-- @include end_attempt
-- @include outcome
local USES_NO_ATTEMPT = {released = true, unknown_kind = true}

local function apply(job, given)
  local outcome, error_type = given[OUTCOME], given[ERROR_TYPE] or ''
  if outcome ~= 'completed' then
    read_policy(job)
  end
  if not USES_NO_ATTEMPT[outcome] then
    local label = kind_label(job.kind)
    close_attempt(job, outcome, error_type, given[ERROR_MESSAGE], given[TRACEBACK])
    observe('dur_le:' .. label, 'dur_sum:' .. label, given[DURATION])
  end
  if error_type ~= '' then
    put('error_type', error_type)
    put('error_message', given[ERROR_MESSAGE])
    put('traceback', given[TRACEBACK])
  elseif outcome == 'completed' and job.error_type then
    redis.call('HDEL', job.key, 'error_type', 'error_message', 'traceback')
  end
  local status = settle[outcome](job, given)
  put('settled', job.token .. ' ' .. status)
  write(job)
  return status
end

local function settle_one(given)
  local job = read_running(given[ID])
  if job and job.token == given[TOKEN] then
    return apply(job, given)
  end
  local earlier = redis.call('HGET', job_prefix .. given[ID], 'settled')
  local token, status = string.match(earlier or '', '(%S+) (%S+)')
  if token == given[TOKEN] then
    return status
  end
  tally('stale_settles')
  return 'lost'
end

-- Redis does not roll back, so nothing is written before the whole batch is known to be sound.
local TYPES = {'string', 'string', 'string', 'number', 'string', 'string', 'string', 'string', 'number', 'number'}

local function is_sound(item)
  for i = 1, #TYPES do
    if type(item[i]) ~= TYPES[i] and (item[i] ~= nil or i <= DURATION) then
      return false
    end
  end
  return settle[item[OUTCOME]]
end

batch = cmsgpack.unpack(batch)
for _, item in ipairs(batch) do
  if not is_sound(item) then
    return redis.error_reply('ERR a settlement is malformed')
  end
end
local answers = {}
for i, item in ipairs(batch) do
  answers[i] = settle_one(item)
end
write_and_wake()
record('settle')
return answers
