-- Brings jobs back that a limit held back, and lists them no more.
-- Needs: held held_names held_prefix; limiter place
local unhold, forget_list, brought_back
do
  local MAX_BROUGHT, brought = 400, 0

  function forget_list(pair)
    redis.call('ZREM', held, pair)
    redis.call('ZREM', held_names, pair)
  end

  -- Brings the first jobs of a list back. Who was cancelled or purged meanwhile still stands there, and is passed over.
  -- Tells whether any are left.
  function unhold(pair, queue, amount)
    local list, index, found = held_prefix .. pair, ready_index(queue), 0
    amount = math.min(amount, MAX_BROUGHT - brought)
    while found < amount do
      local popped = redis.call('ZPOPMIN', list, amount - found)
      if #popped == 0 then
        break
      end
      for i = 1, #popped, 2 do
        local score = redis.call('ZSCORE', index, popped[i])
        if score and tonumber(score) >= HELD then
          put_ready(queue, fit_score(popped[i], queue, tonumber(popped[i + 1])), popped[i])
          found = found + 1
        end
      end
    end
    brought = brought + found
    local is_left = redis.call('EXISTS', list) == 1
    if not is_left then
      forget_list(pair)
    end
    return is_left
  end

  -- How many came back in this call.
  function brought_back()
    return brought
  end
end
