-- What becomes of a new job whose unique key another one holds.
-- Needs: job_prefix scheduled; now; number spec record place known created ties end_waiting holder
local meet_holder, has_conflict
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

  -- The waiting job gets the newer payload, and as long as it is not due it waits anew, within its bound.
  local function push(holder, unique, payload)
    local key = job_prefix .. holder.id
    add(count_deltas, 'stored', #payload - redis.call('HSTRLEN', key, 'payload'))
    redis.call('HSET', key, 'payload', payload)
    if holder.status == 'scheduled' then
      local due = now + unique[DELAY]
      if unique[MAX_WAIT] > 0 then
        due = math.min(due, holder.created_at + unique[MAX_WAIT])
      end
      redis.call('HSET', key, 'scheduled_for', due)
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
      push(holder, unique, payload)
    end
    if idempotency ~= '' then
      remember(idempotency, fingerprint, holder.id, holder.status, holder.created_at)
    end
    return {'existing', holder.id, holder.status, holder.created_at}
  end

  -- Whether a batch that is stored whole or not at all would meet a holder that it may not; jobs of its own count too.
  local held_here = {}

  function has_conflict(id, unique, packed)
    local key = unique[KEY]
    local holder = held_here[key] or living_holder(key)
    if holder and is_refused(unique, holder, packed) then
      return {'unique_conflict', held_here[key] and '' or holder.id, holder.status, now}
    elseif not holder or unique[ON_CONFLICT] == 'replace' then
      held_here[key] = {id = id, status = unique[DELAY] and 'scheduled' or 'queued', spec = readable_spec(packed)}
    end
    return nil
  end
end
