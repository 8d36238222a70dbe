-- Takes ids off the list of all jobs, from as many pages as it takes: where most jobs were pruned, each has a few.
-- Needs: pages page_prefix
local function take_ids(amount)
  local found = {}
  for _, page in ipairs(redis.call('ZRANGE', pages, 0, amount - 1)) do
    for _, id in ipairs(redis.call('LPOP', page_prefix .. page, amount - #found) or {}) do
      found[#found + 1] = id
    end
    if redis.call('EXISTS', page_prefix .. page) == 1 then
      break
    end
    redis.call('ZREM', pages, page)
  end
  return found
end
