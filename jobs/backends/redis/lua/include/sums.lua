-- Whether the counts of a namespace are the sizes of its indexes.
-- Needs: counts queues queue_prefix; INDEX of recount
local function sums()
  local by_status, ready, jobs = {}, {}, 0
  local flat = redis.call('HGETALL', counts)
  for i = 1, #flat, 2 do
    local queue, status = string.match(flat[i], '^([^|]+)|([^|]+)|')
    if status then
      by_status[status] = (by_status[status] or 0) + flat[i + 1]
    end
    if flat[i] == 'jobs' then
      jobs = tonumber(flat[i + 1])
    end
    if status == 'queued' then
      ready[queue] = (ready[queue] or 0) + flat[i + 1]
    end
  end
  return by_status, ready, jobs
end

local function is_right()
  local by_status, ready, jobs = sums()
  local all = by_status.queued or 0
  for status, index in pairs(INDEX) do
    if (by_status[status] or 0) ~= redis.call('ZCARD', index) then
      return false
    end
    all = all + (by_status[status] or 0)
  end
  if all ~= jobs then
    return false
  end
  for _, queue in ipairs(redis.call('ZRANGE', queues, 0, 1000)) do
    if (ready[queue] or 0) ~= redis.call('ZCARD', queue_prefix .. queue) then
      return false
    end
    ready[queue] = nil
  end
  return next(ready) == nil
end
