-- Notes what running attempts say of themselves: progress, lines of log, a checkpoint for the next attempt. Only the holder
-- of the lease can. The reports of an attempt are numbered: one that is known, as after a lost reply, changes nothing.
-- FLAGS
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  log_prefix    prefix  lines of log of a job, oldest first
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- KEYS  events        stream  what changed
-- ARGV  max_lines     most lines kept of a job; the oldest go first
-- ARGV  max_bytes     most bytes of them
-- ARGV  max_all       bytes of the lines of all jobs, beyond which no line is taken
-- ARGV  batch         msgpack, seven values in a row for each job: id, token, number of the report (0: it has none), fraction 0–1 or -1 for
--                     no progress, its text, lines [age (ms), level, text …] in one row, checkpoint or ''
-- RETURN  for each job: 1 noted · 0 lost
-- @include now
-- @include record
-- @include number
-- @include spec
local WIDTH, LINE_WIDTH = 7, 3
max_lines, max_bytes, max_all = tonumber(max_lines), tonumber(max_bytes), tonumber(max_all)
local all_bytes = number_of(redis.call('HGET', counts, 'log_bytes') or '') or 0
local answers, fields = {}, {}

local function put(field, value)
  fields[#fields + 1], fields[#fields + 2] = field, value
end

local function last_number(noted, token)
  local noted_token, number = string.match(noted or '', '^(%S+) (%d+)$')
  return noted_token == token and tonumber(number) or 0
end

local function append(key, lines, attempt)
  local bytes = 0
  for i = 1, #lines, LINE_WIDTH do
    local line = string.format('%.0f %.0f %s %s', now - lines[i], attempt, lines[i + 1], lines[i + 2])
    redis.call('RPUSH', key, line)
    bytes = bytes + #line
  end
  return bytes
end

local function drop_oldest(key, bytes)
  local length = redis.call('LLEN', key)
  while length > max_lines or (bytes > max_bytes and length > 1) do
    bytes, length = bytes - #redis.call('LPOP', key), length - 1
  end
  return bytes
end

local function note_lines(id, job, lines)
  if all_bytes >= max_all then
    return tally('log_lines_dropped', #lines / LINE_WIDTH)
  end
  local key, before = log_prefix .. id, number_of(job[4] or '') or 0
  local kept = drop_oldest(key, before + append(key, lines, number_of(job[5] or '') or 1))
  add(count_deltas, 'log_bytes', kept - before)
  all_bytes = all_bytes + kept - before
  put('log_bytes', string.format('%.0f', kept))
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
  if checkpoint ~= '' then
    put('checkpoint', checkpoint)
  end
  if #lines > 0 then
    note_lines(id, job, lines)
  end
  redis.call('HSET', key, unpack(fields))
  fields = {}
  local spec = readable_spec(job[6])
  changed(id, 'running', spec and spec[QUEUE])
  return 1
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
