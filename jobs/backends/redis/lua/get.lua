-- Returns whole jobs, their summaries without payload, result, traceback and attempts, or their payloads alone.
-- FLAGS no-writes
-- KEYS  job_prefix  prefix  job hashes
-- ARGV  form        `whole` · `summary` · `payload`
-- ARGV  names       msgpack: [id …]
-- ARGV  needle      of payloads only those that hold these bytes; '' for all
-- RETURN  for each job: whole: [field, value …] · summary: [values of SUMMARY]; empty if there is none · payload: its
--         bytes, '' where there is none or it lacks the needle
-- @include summary
local answers = {}
for i, id in ipairs(cmsgpack.unpack(names)) do
  if form == 'whole' then
    answers[i] = redis.call('HGETALL', job_prefix .. id)
  elseif form == 'payload' then
    local payload = redis.call('HGET', job_prefix .. id, 'payload') or ''
    answers[i] = string.find(payload, needle, 1, true) and payload or ''
  else
    answers[i] = summary(id)
  end
end
return answers
