-- Ended jobs that say themselves how long they are kept: those whose time is over go, whatever their age, and those that
-- are to stay are passed over by who removes the old ones.
-- Needs: retained completed cancelled tenant; now; FINAL (place_final)
local is_retained, remove_by_retention
do
  local has_any = redis.call('EXISTS', retained) == 1

  -- Without an id: whether there is any.
  function is_retained(id)
    return has_any and (not id or redis.call('ZSCORE', retained, id) ~= false)
  end

  -- The ids whose time is over, each with its status. What is no longer there, or has not ended, is forgotten here.
  local function retention_over(most)
    local found = {}
    for _, id in ipairs(has_any and redis.call('ZRANGE', retained, '-inf', now, 'BYSCORE', 'LIMIT', 0, most) or {}) do
      local status = redis.call('HGET', job_prefix .. id, 'status')
      if status == 'completed' or status == 'cancelled' then
        found[#found + 1] = {id, status}
      else
        redis.call('ZREM', retained, id)
      end
    end
    return found
  end

  -- Where the last look at an index ended: behind the job that it names, or behind all that ended before it.
  local function first_rank(status, oldest_kept)
    local ended_at, id = string.match(redis.call('HGET', tenant, 'aged:' .. status) or '', '^(%d+) (%S+)$')
    if not id or tonumber(ended_at) > oldest_kept then
      return 0
    end
    local rank = redis.call('ZRANK', FINAL[status], id)
    return rank and rank + 1 or redis.call('ZCOUNT', FINAL[status], '-inf', '(' .. ended_at)
  end

  -- Up to `most` ids of a status that ended by then and say nothing of their retention, and how many were looked at. What is
  -- passed over stands at the head of the index for as long as it is kept, and is looked at once.
  local function aged(status, oldest_kept, most)
    local first = first_rank(status, oldest_kept)
    local entries = most > 0 and redis.call('ZRANGE', FINAL[status], first, first + most - 1, 'WITHSCORES') or {}
    local found, looked = {}, 0
    for i = 1, #entries, 2 do
      local id, ended_at = entries[i], tonumber(entries[i + 1])
      if ended_at > oldest_kept then
        break
      end
      looked = looked + 1
      if not is_retained(id) then
        found[#found + 1] = id
      elseif ended_at < now then
        redis.call('HSET', tenant, 'aged:' .. status, string.format('%.0f %s', ended_at, id))
      end
    end
    return found, looked
  end

  -- Removes up to `most`; true where another call would find more.
  function remove_by_retention(oldest_kept, most, remove)
    local left, is_more = most, false
    for _, over in ipairs(retention_over(left)) do
      remove(over[1], over[2])
      left = left - 1
    end
    for _, status in ipairs({'completed', 'cancelled'}) do
      local found, looked = aged(status, oldest_kept, left)
      for _, id in ipairs(found) do
        remove(id, status)
      end
      is_more = is_more or looked == left
      left = left - #found
    end
    return is_more
  end
end
