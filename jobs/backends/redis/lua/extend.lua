-- Renews leases by token, and says which jobs somebody asked to cancel.
-- FLAGS allow-oom
-- KEYS  job_prefix  prefix  job hashes
-- KEYS  leases      zset    running jobs by lease expiry (ms)
-- ARGV  lease_ms    length of the leases from now (ms)
-- ARGV  batch       msgpack: [[id, token] …]
-- RETURN  for each job: 0 lost · 1 extended · 2 extended, and cancellation is asked for
-- @include now
local answers = {}
for i, item in ipairs(cmsgpack.unpack(batch)) do
  local job = redis.call('HMGET', job_prefix .. item[1], 'status', 'lease', 'cancel_by')
  answers[i] = 0
  if job[1] == 'running' and string.match(job[2] or '', '%S+') == item[2] then
    redis.call('ZADD', leases, 'XX', now + lease_ms, item[1])
    answers[i] = job[3] and 2 or 1
  end
end
return answers
