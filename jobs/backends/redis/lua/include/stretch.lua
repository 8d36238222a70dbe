-- Finds a stretch of an index from a place on by bisection, so that equal scores and removed jobs do no harm.
-- Needs: score place (ARGV); direction limit as numbers; id_order
-- Entries are ordered by score, then id; returns how many stand before (or, with `or_at`, at) the place.
local function entries_before(index, size, or_at)
  local low, high = 0, size
  local at = tonumber(score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local entry = redis.call('ZRANGE', index, middle, middle, 'WITHSCORES')
    local entry_score = tonumber(entry[2])
    if entry_score < at or (entry_score == at and (is_before(entry[1], place) or (or_at and entry[1] == place))) then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end

-- Returns id, score … of up to `limit` entries after the place (score '': from the start), in the wanted direction.
local function stretch(index)
  local size = redis.call('ZCARD', index)
  local here = score ~= '' and entries_before(index, size, direction == 1)
  if direction == 1 then
    local first = here or 0
    return first < size and redis.call('ZRANGE', index, first, first + limit - 1, 'WITHSCORES') or {}
  end
  local rest = size - (here or size)
  return rest < size and redis.call('ZRANGE', index, rest, rest + limit - 1, 'REV', 'WITHSCORES') or {}
end
