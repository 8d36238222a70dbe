-- Ends a job that does not run, and asks one that runs to stop. Returns a code and a status, as `act_on` wants them.
-- Needs: record end_waiting
local function cancel_job(id, key, job, by, or_stop)
  if job.status == 'running' and or_stop then
    redis.call('HSET', key, 'cancel_by', by)
    changed(id, 'running', job.queue)
    return 'requested', 'running'
  elseif take_out(id, job.status, job.spec) then
    end_waiting(id, job.spec, job.status, 'cancelled', by)
    return 'done', 'cancelled'
  end
  return 'conflict', job.status
end
