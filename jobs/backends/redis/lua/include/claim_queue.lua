-- Takes from one queue what is at its head.
-- Needs: queue_prefix limit MAX_LOOKS; lease leased looks is_left are_limited of claim; limits place
-- What stands at the head goes back as it came; only jobs that are held are behind it.
local function put_back_from(index, popped, first)
  for i = first, #popped, 2 do
    put_into(index, popped[i + 1], popped[i])
  end
end

local function claim_from(queue)
  local index = queue_prefix .. queue
  while leased < limit and looks < MAX_LOOKS do
    local popped = redis.call('ZPOPMIN', index, limit - leased)
    if #popped == 0 then
      return
    end
    looks = looks + #popped / 2
    for i = 1, #popped, 2 do
      if are_limited and tonumber(popped[i + 1]) >= HELD then
        return put_back_from(index, popped, i)
      end
      lease(popped[i], queue, popped[i + 1])
    end
  end
end

-- Whether anything is left at the head of a queue that no limit holds back.
local function is_any_ready(queue)
  if not are_limited then
    return redis.call('EXISTS', queue_prefix .. queue) == 1
  end
  local score = redis.call('ZRANGE', queue_prefix .. queue, 0, 0, 'WITHSCORES')[2]
  return score ~= nil and tonumber(score) < HELD
end
