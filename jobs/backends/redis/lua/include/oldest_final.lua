-- The oldest completed and cancelled jobs, merged by time.
-- Needs: FINAL (place_final)
local function oldest_final(limit)
  local lists, at = {}, {completed = 1, cancelled = 1}
  for status in pairs(at) do
    lists[status] = redis.call('ZRANGE', FINAL[status], 0, limit - 1, 'WITHSCORES')
  end
  return function()
    local c, x = lists.completed[at.completed + 1], lists.cancelled[at.cancelled + 1]
    if not c and not x then
      return nil
    end
    local status = (c and (not x or tonumber(c) <= tonumber(x))) and 'completed' or 'cancelled'
    local i = at[status]
    at[status] = i + 2
    return lists[status][i], status, tonumber(lists[status][i + 1])
  end
end
