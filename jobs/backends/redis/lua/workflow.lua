-- Returns a workflow and a stretch of its steps.
-- FLAGS no-writes
-- KEYS  job_prefix       prefix  job hashes
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- ARGV  id               of the workflow
-- ARGV  first            number of the first step, from 1
-- ARGV  amount           most steps, 0–500
-- RETURN  values of HEAD, or nothing if there is no such workflow; then, for each step: number, name, id of its job, the job's status
--         or '', state, numbers of its parents, policy or ''
-- @include number
-- @include workflow_head
local key = workflow_prefix .. id
local head = workflow_head(id)
if not head then
  return {}
end
local reply, last = {head}, math.min(first + math.min(tonumber(amount), 500) - 1, number_of(redis.call('HGET', key, 'steps')) or 0)
for number = tonumber(first), last do
  local f = redis.call('HMGET', key, 'n' .. number, 'j' .. number, 's' .. number, 'a' .. number, 'f' .. number)
  local status = f[2] and redis.call('HGET', job_prefix .. f[2], 'status')
  reply[#reply + 1] = {number, f[1] or '', f[2] or '', status or '', f[3] or '', f[4] or '', f[5] or ''}
end
return reply
