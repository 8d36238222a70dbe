-- Notes what running attempts say of themselves: progress, lines of log, a checkpoint for the next attempt. Only the holder
-- of the lease can. The reports of an attempt are numbered: one that is known, as after a lost reply, changes nothing.
-- It works beyond the limit of memory, but takes no lines and no large checkpoints long before.
-- FLAGS allow-oom
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  log_prefix    prefix  lines of log of a job, oldest first
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- KEYS  events        stream  what changed
-- ARGV  max_lines     most lines kept of a job; the oldest go first
-- ARGV  max_bytes     most bytes of them
-- ARGV  max_all       bytes of the lines of all jobs, beyond which no line is taken
-- ARGV  max_share     of the limit of memory, for the lines of all jobs, where there is a limit
-- ARGV  full_share    of the limit of memory: with more in use, no line and no large checkpoint is taken
-- ARGV  batch         msgpack, seven values in a row for each job: id, token, number of the report (0: it has none), fraction 0–1 or -1 for
--                     no progress, its text, lines [age (ms), level, text …] in one row, checkpoint or ''
-- RETURN  for each job: 1 noted · 2 noted without its checkpoint, for which there is no memory · 0 lost
-- @include now
-- @include record
-- @include number
-- @include spec
-- @include memory
-- @include job_log
local WIDTH = 7
-- As much as a job may bring along in any case; a handler that keeps new arguments there needs no more.
local SMALL_BYTES = 1024
local answers = {}

local function last_number(noted, token)
  local noted_token, number = string.match(noted or '', '^(%S+) (%d+)$')
  return noted_token == token and tonumber(number) or 0
end

local function has_room_for(key, checkpoint)
  return #checkpoint <= SMALL_BYTES or not is_memory_full(full_share)
    or #checkpoint <= redis.call('HSTRLEN', key, 'checkpoint')
end

local function note(id, token, number, fraction, text, lines, checkpoint)
  local key = job_prefix .. id
  local job = redis.call('HMGET', key, 'status', 'lease', 'noted', 'log_bytes', 'attempt', 'spec')
  if job[1] ~= 'running' or string.match(job[2] or '', '%S+') ~= token then
    return 0
  end
  local last = last_number(job[3], token)
  if number > 0 and number <= last then
    return 1
  end
  put('noted', token .. ' ' .. string.format('%.0f', math.max(number, last)))
  if fraction >= 0 then
    put('progress', string.format('%.4f %.0f %s', fraction, now, text))
  end
  local is_dropped = checkpoint ~= '' and not has_room_for(key, checkpoint)
  if is_dropped then
    tally('checkpoints_dropped')
  elseif checkpoint ~= '' then
    put('checkpoint', checkpoint)
  end
  if #lines > 0 then
    note_lines(id, job, lines)
  end
  redis.call('HSET', key, unpack(fields))
  fields = {}
  local spec = readable_spec(job[6])
  changed(id, 'running', spec and spec[QUEUE])
  return is_dropped and 2 or 1
end

-- Redis does not roll back, so nothing is written before the whole batch is known to be sound.
local function are_lines(lines)
  for i = 1, #lines, LINE_WIDTH do
    if type(lines[i]) ~= 'number' or type(lines[i + 1]) ~= 'string' or type(lines[i + 2]) ~= 'string' then
      return false
    end
  end
  return true
end

local function is_sound(at)
  return type(batch[at]) == 'string' and type(batch[at + 1]) == 'string' and type(batch[at + 2]) == 'number'
    and type(batch[at + 3]) == 'number' and type(batch[at + 4]) == 'string' and type(batch[at + 5]) == 'table'
    and type(batch[at + 6]) == 'string' and are_lines(batch[at + 5])
end

batch = cmsgpack.unpack(batch)
for at = 1, #batch, WIDTH do
  if not is_sound(at) then
    return redis.error_reply('ERR a report is malformed')
  end
end
for at = 1, #batch, WIDTH do
  answers[#answers + 1] = note(unpack(batch, at, at + WIDTH - 1))
end
record('report')
return answers
