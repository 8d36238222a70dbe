-- Makes a dead letter ready again: retries counted afresh, old attempts kept. Returns a code and a status, as `act_on` wants
-- them. `change`, if any, gives it another payload, and returns the spec that it has then.
-- Needs: job_prefix dlq workflow_prefix; now_us; spec record place created ties holder step reopen
local function reinject(id, key, job, change)
  if job.status ~= 'dead_letter' then
    return 'conflict', job.status
  end
  local unique = unique_of(job.spec)
  if unique and not try_lock(unique, id) then
    return 'unique_conflict', job.status
  end
  take_from(dlq, id)
  add(count_deltas, 'stored', -redis.call('HSTRLEN', key, 'result'))
  redis.call('HDEL', key, 'finished_at', 'reason', 'cancel_by', 'unknown_kinds', 'lost_leases', 'retry_count',
    'scheduled_for', 'result')
  keep_created(key, unpack(redis.call('HMGET', key, 'created', 'ready_at')))
  redis.call('HSET', key, 'status', 'queued', 'ready_at', now_us)
  local spec = change and change(id, key, job.spec) or job.spec
  if job.spec[EXPIRES_AT] then
    -- Whoever wants it to run all the same knows that it is late.
    redis.call('HSETNX', key, 'attempt', 0)
  end
  place_ready(id, job.queue, job.rank, job.offset, now_us, spec)
  status_change(id, job.queue, job.rank, 'dead_letter', 'queued')
  tally('reinjected')
  local workflow = steps.revive(id, spec)
  if workflow then
    reopen_workflow(workflow, workflow_prefix .. workflow)
  end
  return 'done', 'queued'
end
