-- What becomes of a new job whose unique key another one holds.
-- Needs: job_prefix scheduled; now; spec record place known ties end_waiting holder replace_payload place_again
local meet_holder, added_by, has_conflict, forget_trial
do
  -- As the codec writes what a job asks for; a debounced job has a delay.
  local KEY, TTL, ON_CONFLICT, DELAY, MAX_WAIT = 1, 3, 4, 5, 6
  -- In the spec of the job that holds the key.
  local HELD_DELAY = 4

  local function is_refused(unique, holder, packed)
    if unique[DELAY] then
      local held = unique_of(holder.spec)
      local may_change = held and held[HELD_DELAY] and (holder.status == 'scheduled' or holder.status == 'queued')
      return not may_change or holder.spec[KIND] ~= readable_spec(packed)[KIND]
    end
    return unique[ON_CONFLICT] == 'reject' or unique[ON_CONFLICT] == 'replace' and holder.status == 'running'
  end

  -- The waiting job gets the newer payload with its key, and as long as it is not due it waits anew, within its bound.
  local function push(holder, unique, packed, payload)
    local spec = replace_payload(holder.id, payload, readable_spec(packed)[LIMIT_KEY])
    if holder.status == 'queued' and spec[LIMIT_KEY] ~= holder.spec[LIMIT_KEY] then
      write_indexes()
      place_again(holder.id, holder.spec, spec)
    elseif holder.status == 'scheduled' then
      local due = now + unique[DELAY]
      if unique[MAX_WAIT] > 0 then
        due = math.min(due, holder.created_at + unique[MAX_WAIT])
      end
      redis.call('HSET', job_prefix .. holder.id, 'scheduled_for', due)
      put_into(scheduled, due, holder.id)
    end
    tally('debounced')
    changed(holder.id, holder.status, holder.spec[QUEUE])
  end

  -- Takes the key for a job, or answers for the one that has it: {code, id, status, created (ms)}.
  function meet_holder(idempotency, fingerprint, unique, packed, payload)
    local holder = living_holder(unique[KEY])
    if not holder then
      return nil
    elseif is_refused(unique, holder, packed) then
      tally('unique_conflicts')
      return {'unique_conflict', holder.id, holder.status, holder.created_at}
    elseif unique[ON_CONFLICT] == 'replace' then
      -- No job moves twice between two writes of the indexes, and this one may be of this very call.
      write_indexes()
      take_out(holder.id, holder.status, holder.spec)
      end_waiting(holder.id, holder.spec, holder.status, 'replaced')
      return nil
    elseif unique[DELAY] then
      push(holder, unique, packed, payload)
    end
    if idempotency ~= '' then
      remember(idempotency, fingerprint, holder.id, holder.status, holder.created_at)
    end
    return {'existing', holder.id, holder.status, holder.created_at}
  end

  -- Who would hold which key by now, in the trial of a batch that is stored whole or not at all.
  local held_here = {}

  function forget_trial()
    held_here = {}
  end

  -- How many jobs, 1 or 0, and how many bytes are stored more where this one is taken.
  function added_by(unique, packed, payload)
    local holder = held_here[unique[KEY]] or living_holder(unique[KEY])
    local is_met = holder and (is_refused(unique, holder, packed) or unique[ON_CONFLICT] ~= 'replace')
    if not is_met then
      return 1, #payload
    elseif unique[DELAY] and not is_refused(unique, holder, packed) then
      return 0, #payload - (holder.size or redis.call('HSTRLEN', job_prefix .. holder.id, 'payload'))
    end
    return 0, 0
  end

  -- Whether a job of the trial would meet a holder that it may not; those before it count too.
  function has_conflict(id, unique, packed, payload)
    local key = unique[KEY]
    local holder = held_here[key] or living_holder(key)
    if holder and is_refused(unique, holder, packed) then
      return {'unique_conflict', holder.is_here and '' or holder.id, holder.status, now}
    elseif not holder or unique[ON_CONFLICT] == 'replace' then
      local status = unique[DELAY] and 'scheduled' or 'queued'
      held_here[key] = {id = id, status = status, spec = readable_spec(packed), size = #payload, is_here = true}
    elseif unique[DELAY] then
      holder.size, held_here[key] = #payload, holder
    end
    return nil
  end
end
