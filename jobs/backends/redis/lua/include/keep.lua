-- Puts an ended job that says itself how long it is kept back among those; true where it was missing there.
-- Needs: retained; number spec
local function misses_retention(id, status, spec, finished_at)
  local retention_ms = (status == 'completed' or status == 'cancelled') and spec[RETENTION_MS]
  local ended_at = retention_ms and number_of(retention_ms) and number_of(finished_at)
  return ended_at and redis.call('ZADD', retained, 'NX', ended_at + number_of(retention_ms), id) == 1
end
