-- What a job is tied into beside the index of its status: `expiring`, from its submission until it is handed out for the
-- first time, and the lock of its unique key. `unique:<key>` is `<id> <end (ms), 0 for none>`, and `unique_keys` has the keys by
-- when they were taken. A lock is let go by its holder only, in the script that starts, ends or deletes it.
-- Needs: expiring unique_keys unique_prefix; now; spec
local unique_of, holder_of, take_lock, untie, is_expired, loosen_at_start, may_expire
do
  local KEY, UNTIL = 1, 2

  -- What a job asked for, nil for nothing: what was damaged from outside ties nobody.
  function unique_of(spec)
    local unique = spec[UNIQUE]
    return type(unique) == 'table' and type(unique[KEY]) == 'string' and unique or nil
  end

  -- The id under a key and whether its time is over, nil without a lock.
  local function entry_of(key)
    local id, ends_at = string.match(redis.call('GET', unique_prefix .. key) or '', '^(%S+) (%d+)$')
    return id, id and ends_at ~= '0' and tonumber(ends_at) <= now
  end

  function holder_of(key)
    local id, is_over = entry_of(key)
    return not is_over and id or nil
  end

  function take_lock(key, id, ttl_ms)
    redis.call('SET', unique_prefix .. key, string.format('%s %.0f', id, ttl_ms > 0 and now + ttl_ms or 0))
    redis.call('ZADD', unique_keys, now, key)
  end

  local function let_go(id, key)
    if entry_of(key) == id then
      redis.call('DEL', unique_prefix .. key)
      redis.call('ZREM', unique_keys, key)
    end
  end

  -- At the end of a job, or where it is deleted.
  function untie(id, spec)
    if spec[EXPIRES_AT] then
      redis.call('ZREM', expiring, id)
    end
    local unique = spec[UNIQUE] and unique_of(spec)
    if unique then
      let_go(id, unique[KEY])
    end
  end

  -- `attempt` is the job's field, which is there once it was handed out.
  function is_expired(spec, attempt)
    local expires_at = spec[EXPIRES_AT]
    return not attempt and type(expires_at) == 'number' and expires_at <= now
  end

  -- Where a job is handed out.
  function loosen_at_start(id, spec)
    if spec[EXPIRES_AT] then
      redis.call('ZREM', expiring, id)
    end
    local unique = spec[UNIQUE] and unique_of(spec)
    if unique and unique[UNTIL] == 'started' then
      let_go(id, unique[KEY])
    end
  end

  -- Puts a job that may expire back among those; true where it was missing there.
  function may_expire(id, status, spec, attempt)
    local expires_at = spec[EXPIRES_AT]
    return not attempt and type(expires_at) == 'number' and (status == 'queued' or status == 'scheduled' or status == 'waiting')
      and redis.call('ZADD', expiring, 'NX', expires_at, id) == 1
  end
end
