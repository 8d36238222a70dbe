-- Returns whole jobs, or their summaries without payload, result, traceback and attempts.
-- FLAGS no-writes
-- KEYS  job_prefix  prefix  job hashes
-- ARGV  form        `whole` · `summary`
-- ARGV  names       msgpack: [id …]
-- RETURN  for each job: whole: [field, value …] · summary: [values of SUMMARY]; empty if there is none
-- @include summary
local answers = {}
for i, id in ipairs(cmsgpack.unpack(names)) do
  if form == 'whole' then
    answers[i] = redis.call('HGETALL', job_prefix .. id)
  else
    answers[i] = summary(id)
  end
end
return answers
