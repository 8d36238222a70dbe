-- Keeps what a worker's code says of schedules. Where two versions of the code differ, the worker that started later is heard.
-- FLAGS allow-oom
-- KEYS  code_schedules  hash  schedules that code declares: msgpack [text, since, when it was last told], times in ms
-- ARGV  batch           msgpack: name and text of each
-- ARGV  since           when the worker started (ms)
-- ARGV  most            schedules of a namespace
-- RETURN  OK
-- @include now
local SILENT_MS, FORGOTTEN_MS = 300000, 86400000

local function read(packed)
  local is_readable, found = pcall(cmsgpack.unpack, packed)
  if is_readable and type(found) == 'table' and type(found[2]) == 'number' and type(found[3]) == 'number' then
    return found
  end
  return nil
end

local known, left = {}, 0
local all = redis.call('HGETALL', code_schedules)
for at = 1, #all, 2 do
  local told = read(all[at + 1])
  if told and now - told[3] < FORGOTTEN_MS then
    known[all[at]], left = told, left + 1
  else
    redis.call('HDEL', code_schedules, all[at])
  end
end

batch, since = cmsgpack.unpack(batch), tonumber(since)
for at = 1, #batch, 2 do
  local name, text = batch[at], batch[at + 1]
  local told = known[name]
  if told and told[1] == text then
    redis.call('HSET', code_schedules, name, cmsgpack.pack({text, math.max(since, told[2]), now}))
  elseif told and (since >= told[2] or now - told[3] > SILENT_MS) or not told and left < tonumber(most) then
    left = left + (told and 0 or 1)
    redis.call('HSET', code_schedules, name, cmsgpack.pack({text, since, now}))
  end
end
return 'OK'
