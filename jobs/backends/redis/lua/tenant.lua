-- Reads what a namespace may have, how long it keeps what has ended, and how much it has.
-- FLAGS no-writes
-- KEYS  tenant        hash    quota, its bucket of tokens, retention, weight
-- KEYS  leases        zset    running jobs by lease expiry (ms)
-- KEYS  counts        hash    jobs by queue, status and priority; bytes
-- KEYS  completed     zset    by end (ms)
-- KEYS  cancelled     zset    by end (ms)
-- KEYS  dlq           zset    dead letters by time (ms)
-- RETURN  quota, retention (msgpack or ''), weight or '', jobs stored, their bytes, jobs running, ended jobs kept, dead letters
local rules = redis.call('HMGET', tenant, 'quota', 'retention', 'weight')
local ended = redis.call('ZCARD', completed) + redis.call('ZCARD', cancelled)
return {rules[1] or '', rules[2] or '', rules[3] or '', tonumber(redis.call('HGET', counts, 'jobs')) or 0,
  tonumber(redis.call('HGET', counts, 'stored')) or 0, redis.call('ZCARD', leases), ended, redis.call('ZCARD', dlq)}
