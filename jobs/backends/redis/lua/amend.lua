-- Tells the store that a schedule was changed or removed: whoever has read an older one decides nothing any more.
-- FLAGS allow-oom
-- KEYS  schedule_prefix  prefix  what the store knows of a schedule
-- KEYS  fires_prefix     prefix  what became of its last instants
-- ARGV  schedule  id
-- ARGV  rev       of the schedule as it is now
-- ARGV  manner    `keep` · `remove`: nothing is kept but that it is gone, and that for an hour · `revive`: it is there
--                 again, out of a copy of the database · `rewind`: its mark, which is ahead of the clock, goes back to now
-- ARGV  seen      with `rewind`, where the caller saw the mark (ms)
-- RETURN  now (ms)
-- @include now
-- @include number
local FOR_AN_HOUR_MS, LAST_REV, MOST_AHEAD = 3600000, '9007199254740991', 200
local key, fires = schedule_prefix .. schedule, fires_prefix .. schedule
local state = redis.call('HMGET', key, 'rev', 'mark', 'ahead')
local mark = number_of(state[2])

-- Instants to come that have their jobs already, from when the clock was ahead: they do not fire again.
local function set_aside()
  local ahead, known = {}, {}
  local function add(instant)
    if type(instant) == 'number' and instant > now and #ahead < MOST_AHEAD and not known[instant] then
      known[instant] = true
      ahead[#ahead + 1] = instant
    end
  end
  for _, packed in ipairs(redis.call('LRANGE', fires, 0, -1)) do
    local is_readable, fire = pcall(cmsgpack.unpack, packed)
    if is_readable and type(fire) == 'table' and fire[3] == 'fired' then
      add(fire[1])
    end
  end
  local is_readable, before = pcall(cmsgpack.unpack, state[3] or '')
  for _, instant in ipairs(is_readable and type(before) == 'table' and before or {}) do
    add(instant)
  end
  return cmsgpack.pack(ahead)
end

if manner == 'remove' then
  redis.call('DEL', fires)
  redis.call('HSET', key, 'rev', LAST_REV)
  redis.call('HDEL', key, 'mark', 'job', 'act', 'answer', 'ahead', 'late')
  redis.call('PEXPIRE', key, FOR_AN_HOUR_MS)
elseif manner == 'revive' and state[1] == LAST_REV then
  redis.call('HSET', key, 'rev', rev)
  redis.call('PERSIST', key)
elseif manner == 'rewind' and mark and mark == tonumber(seen) and mark > now then
  redis.call('HSET', key, 'ahead', set_aside(), 'mark', string.format('%.0f', now))
elseif manner == 'keep' and tonumber(rev) > (tonumber(state[1]) or 0) then
  redis.call('HSET', key, 'rev', rev)
end
return now
