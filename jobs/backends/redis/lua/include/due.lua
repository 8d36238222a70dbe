-- When delayed jobs fall due.
-- Needs: scheduled failed; now; place promote
local next_due, promote_first
do
  -- When the next delayed job falls due (ms), 0 if there is none.
  function next_due()
    local first, other = redis.call('ZRANGE', scheduled, 0, 0, 'WITHSCORES'), redis.call('ZRANGE', failed, 0, 0, 'WITHSCORES')
    local due, retry = tonumber(first[2]), tonumber(other[2])
    return due and retry and math.min(due, retry) or due or retry or 0
  end

  -- Makes ready what is due before anything else is done, and returns when the next job falls due.
  function promote_first(limit)
    local due = next_due()
    if due > 0 and due <= now then
      promote_due(limit)
      write_indexes()
      due = next_due()
    end
    return due
  end
end
