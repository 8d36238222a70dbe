-- A workflow that ended runs on, as a further run of it.
-- Needs: workflows_ended; number
local function reopen_workflow(id, key)
  local status = redis.call('HGET', key, 'status')
  if status == 'completed' or status == 'failed' or status == 'cancelled' then
    redis.call('HSET', key, 'status', 'running')
    redis.call('HDEL', key, 'finished_at')
    redis.call('HSET', key, 'run', (number_of(redis.call('HGET', key, 'run')) or 1) + 1)
    redis.call('ZREM', workflows_ended, id)
  end
end
