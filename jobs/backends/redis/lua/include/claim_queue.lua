-- Takes from one queue what is at its head.
-- Needs: queue_prefix limit MAX_LOOKS; lease leased looks is_left are_limited of claim; limiter limits look place
-- What stands at the head goes back as it came; only jobs that are held are behind it.
local function put_back_from(index, popped, first)
  for i = first, #popped, 2 do
    put_into(index, popped[i + 1], popped[i])
  end
end

-- Leases what was popped. Tells whether there may be more.
local function lease_all(index, queue, popped)
  looks = looks + #popped / 2
  for i = 1, #popped, 2 do
    if are_limited and tonumber(popped[i + 1]) >= HELD then
      put_back_from(index, popped, i)
      return false
    end
    lease(popped[i], queue, popped[i + 1])
  end
  return #popped > 0
end

local function claim_from(queue)
  local index = queue_prefix .. queue
  while leased < limit and looks < MAX_LOOKS do
    local wanted = limit - leased
    if are_limited then
      wanted = math.min(wanted, room_in(queue))
    end
    if wanted < 1 or not lease_all(index, queue, redis.call('ZPOPMIN', index, wanted)) then
      if wanted < 1 or not (are_limited and bring_next(queue)) then
        return
      end
    end
  end
end

-- Whether anything is left at the head of a queue that no limit holds back.
local function is_any_ready(queue)
  if not are_limited then
    return redis.call('EXISTS', queue_prefix .. queue) == 1
  end
  local score = redis.call('ZRANGE', queue_prefix .. queue, 0, 0, 'WITHSCORES')[2]
  return score ~= nil and tonumber(score) < HELD and room_in(queue) > 0
end
