-- A claim that is not asked again: makes ready what is due, and takes from the queues in their order.
-- Needs: paused names limit manner seq token PROMOTE_LIMIT; due_at leased ids_made is_left are_limited are_turns_taken of claim; record observe place turns
-- promote held look quota_rules limits claim_record claim_queue
local function claim_new()
  if are_limited then
    look_at_held(limit)
  end
  due_at = promote_first(PROMOTE_LIMIT)
  local room = running_room()
  limit = math.min(limit, room)
  for _, queue in ipairs(cmsgpack.unpack(names)) do
    if room > 0 and redis.call('HEXISTS', paused, queue) == 0 then
      is_left = false
      claim_from(queue)
      -- The hint that brought this worker may have been for a queue that it had no room for.
      if is_left or is_any_ready(queue) then
        wake(queue, 1)
      end
    end
  end
  if are_limited then
    write_limits()
  end
  write_and_wake()
  if are_turns_taken then
    end_turns()
  end
  Times.write('wait')
  if leased > 0 or manner == 'void' then
    remember(seq, token, ids_made)
  end
  record('claim')
end
