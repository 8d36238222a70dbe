-- Puts a queued job where its spec says that it stands now: out of the queue, the lists and the line of the one before. When
-- it became ready stays as it was. One that a limit held back is looked at again.
-- Needs: job_prefix queue_prefix held_prefix; number spec held_lists place
local function place_again(id, before, spec)
  take_from(queue_prefix .. before[QUEUE], id)
  for _, list in ipairs(held_lists(before, before[QUEUE])) do
    take_from(list, id)
  end
  leave_line(id, before[QUEUE], before[RANK], before)
  local ready_at = number_of(redis.call('HGET', job_prefix .. id, 'ready_at')) or now_us
  place_ready(id, spec[QUEUE], spec[RANK], spec[OFFSET], ready_at, spec)
end
