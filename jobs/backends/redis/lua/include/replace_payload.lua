-- A job that does not run gets another payload, and with it the key that its kind is limited by.
-- Needs: job_prefix; spec respec record
local replace_payload
do
  -- `limit_key` is nil for a job without one. Returns the spec that the job has from now on.
  function replace_payload(id, payload, limit_key)
    local key = job_prefix .. id
    local size, packed = redis.call('HSTRLEN', key, 'payload'), redis.call('HGET', key, 'spec')
    add(count_deltas, 'stored', #payload - size)
    if readable_spec(packed)[LIMIT_KEY] ~= limit_key then
      packed = respec(packed, {[LIMIT_KEY] = cmsgpack.pack(limit_key)})
    end
    redis.call('HSET', key, 'payload', payload, 'spec', packed)
    return readable_spec(packed)
  end
end
