-- Begins a walk through a workflow: `cancel` ends what has not ended, `retry` runs again what failed or was cancelled.
-- `tend` does it.
-- FLAGS allow-oom
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- KEYS  workflow_walks   list    walks through workflows
-- KEYS  workflows_ended  zset    workflows by end (ms)
-- ARGV  id               of the workflow
-- ARGV  verb             `cancel` · `retry`
-- ARGV  request_id       names this request
-- ARGV  by               the actor
-- RETURN  code (done · conflict: there is nothing to do, or another walk is under way · not_found), status of the workflow
-- @include number
-- @include reopen
local key = workflow_prefix .. id
local f = redis.call('HMGET', key, 'status', 'acted', 'walks', 'd', 'x')
if not f[1] or f[1] == 'staged' or f[1] == 'swept' then
  return {'not_found', ''}
end
local acted = verb .. ':' .. request_id
if f[2] == acted then
  return {'done', f[1]}
end
local is_possible = verb == 'cancel' and f[1] == 'running' or verb == 'retry' and (number_of(f[4]) or 1) + (number_of(f[5]) or 1) > 0
if not is_possible or (number_of(f[3]) or 0) > 0 then
  return {'conflict', f[1]}
end
if verb == 'cancel' then
  redis.call('HSET', key, 'cancel_by', by)
else
  redis.call('HDEL', key, 'cancel_by')
  reopen_workflow(id, key)
end
redis.call('HSET', key, 'acted', acted)
redis.call('HSET', key, 'walks', 1)
redis.call('RPUSH', workflow_walks, verb .. ' ' .. id .. ' 1')
return {'done', 'running'}
