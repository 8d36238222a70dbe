-- A unique key as it is shown: itself, when it was taken (ms), its entry, its holder's status and spec.
-- Needs: job_prefix unique_prefix
local function lock_row(key, taken_at)
  local entry = redis.call('GET', unique_prefix .. key) or ''
  local id = string.match(entry, '^%S+')
  local job = id and redis.call('HMGET', job_prefix .. id, 'status', 'spec') or {}
  return {key, taken_at, entry, job[1] or '', job[2] or ''}
end
