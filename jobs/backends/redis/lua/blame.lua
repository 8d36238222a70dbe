-- Notes attempts that failed, by group: when it was first and last seen, how often, by which versions, its newest jobs.
-- FLAGS allow-oom
-- KEYS  error_groups  hash  groups of failures by id: msgpack
-- KEYS  errors_seen   zset  ids of groups by when they were last seen (ms)
-- ARGV  batch          msgpack: [[id, [kind, type, message, where, status], [[version, count] …], [job id …]] …], the newest job last
-- ARGV  most_groups    that are kept
-- ARGV  most_versions  that a group names
-- ARGV  most_jobs      that a group names
-- ARGV  keep_ms        for how long a group is kept that is seen no more (ms)
-- RETURN  how many groups made room
-- @include now
local FIRST, LAST, COUNT, VERSIONS, JOBS = 6, 7, 8, 9, 10

local function known_group(id)
  local is_read, group = pcall(cmsgpack.unpack, redis.call('HGET', error_groups, id) or '')
  local is_sound = is_read and type(group) == 'table' and type(group[FIRST]) == 'number' and type(group[COUNT]) == 'number'
    and type(group[VERSIONS]) == 'table' and type(group[JOBS]) == 'table'
  return is_sound and group or {'', '', '', '', '', now, now, 0, {}, {}}
end

-- A version: [name, first (ms), last (ms), count], the newest last.
local function add_version(group, name, count)
  local version = {name, now, now, 0}
  for at, known in ipairs(group[VERSIONS]) do
    if known[1] == name then
      version = table.remove(group[VERSIONS], at)
      break
    end
  end
  version[3], version[4] = now, version[4] + count
  table.insert(group[VERSIONS], version)
  if #group[VERSIONS] > tonumber(most_versions) then
    table.remove(group[VERSIONS], 1)
  end
  group[COUNT] = group[COUNT] + count
end

local function add_job(group, id)
  for at, known in ipairs(group[JOBS]) do
    if known == id then
      table.remove(group[JOBS], at)
      break
    end
  end
  table.insert(group[JOBS], id)
  if #group[JOBS] > tonumber(most_jobs) then
    table.remove(group[JOBS], 1)
  end
end

for _, told in ipairs(cmsgpack.unpack(batch)) do
  local id, group = told[1], known_group(told[1])
  for at = 1, #told[2] do
    group[at] = told[2][at]
  end
  group[LAST] = now
  for _, version in ipairs(told[3]) do
    add_version(group, version[1], version[2])
  end
  for _, job in ipairs(told[4]) do
    add_job(group, job)
  end
  redis.call('HSET', error_groups, id, cmsgpack.pack(group))
  redis.call('ZADD', errors_seen, now, id)
end
local MOST_DROPPED = 200
local gone = redis.call('ZRANGE', errors_seen, '-inf', now - tonumber(keep_ms), 'BYSCORE', 'LIMIT', 0, MOST_DROPPED)
local over = math.min(redis.call('ZCARD', errors_seen) - #gone - tonumber(most_groups), MOST_DROPPED)
if over > 0 then
  gone = redis.call('ZRANGE', errors_seen, 0, #gone + over - 1)
end
for _, id in ipairs(gone) do
  redis.call('ZREM', errors_seen, id)
  redis.call('HDEL', error_groups, id)
end
return #gone
