-- The lines of log of running jobs: bounded for each, for all, and by the memory of the store.
-- Needs: log_prefix counts; max_lines max_bytes max_all max_share full_share; now; number; tally add count_deltas (record); memory
local LINE_WIDTH = 3
local all_bytes, fields = nil, {}
max_lines, max_bytes, max_all = tonumber(max_lines), tonumber(max_bytes), tonumber(max_all)

local function put(field, value)
  fields[#fields + 1], fields[#fields + 2] = field, value
end

local function has_room_for_lines()
  if not all_bytes then
    local _, limit = memory()
    all_bytes = number_of(redis.call('HGET', counts, 'log_bytes') or '') or 0
    max_all = limit > 0 and math.min(max_all, limit * max_share) or max_all
  end
  return all_bytes < max_all and not is_memory_full(full_share)
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
  if not has_room_for_lines() then
    return tally('log_lines_dropped', #lines / LINE_WIDTH)
  end
  local key, before = log_prefix .. id, number_of(job[4] or '') or 0
  local kept = drop_oldest(key, before + append(key, lines, number_of(job[5] or '') or 1))
  add(count_deltas, 'log_bytes', kept - before)
  all_bytes = all_bytes + kept - before
  put('log_bytes', string.format('%.0f', kept))
end
