-- Hands one ready job out, or ends it, holds it back or leaves it.
-- Needs: job_prefix queue_prefix leases lease_ms manner MAX_LOOKS STATUS SPEC PAYLOAD READY_AT ATTEMPT CREATED; leased looks is_left
-- are_limited are_turns_taken ids_made of claim; now number spec place fair take_turns ties end_waiting bury limits claimed
local function lease(id, queue, score)
  local key = job_prefix .. id
  local values = fields_of(key)
  local spec = readable_spec(values[SPEC])
  if values[STATUS] ~= 'queued' or not (spec and values[PAYLOAD]) then
    return bury_ready(id, queue, score, values[STATUS], values[SPEC])
  end
  local is_tied = spec[EXPIRES_AT] or spec[UNIQUE]
  if is_tied and is_expired(spec, values[ATTEMPT]) then
    return end_waiting(id, spec, 'queued', 'expired')
  end
  if manner == 'waited' and spec[AT_MOST_ONCE] then
    put_into(queue_prefix .. queue, score, id)
    looks, is_left = MAX_LOOKS, true
    return
  end
  if are_limited and not has_place(spec, id, queue, score) then
    return
  end
  if tonumber(score) >= FAIR then
    take_turn(id, queue, tonumber(score), spec)
    are_turns_taken = true
  end
  local attempt = (number_of(values[ATTEMPT]) or 0) + 1
  local held_by = token_of(id) .. lease_end(#values[PAYLOAD])
  redis.call('HSET', key, 'status', 'running', 'attempt', attempt, 'lease', held_by, 'started_at', now)
  if is_tied then
    loosen_at_start(id, spec)
  end
  put_into(leases, now + lease_ms, id)
  status_change(id, spec[QUEUE], spec[RANK], 'queued', 'running')
  observe_wait(queue, spec[KIND], values[READY_AT])
  leased = leased + 1
  ids_made[leased] = id
  answer_with(leased, id, attempt, values, not (values[ATTEMPT] or values[CREATED]))
end
