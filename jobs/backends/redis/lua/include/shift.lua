-- Puts a job that waits under another queue or priority. When it became ready, or is due, stays as it was: only its place
-- changes. One that a limit held back is looked at again.
-- Needs: respec spec record place place_again
local shift
do
  local WAITS = {queued = true, scheduled = true, failed = true, waiting = true}

  -- `changes` has packed values by their place in the spec. The answers are those of an act.
  function shift(id, key, job, changes, queue, rank, offset)
    if not WAITS[job.status] then
      return 'conflict', job.status
    elseif queue == job.queue and rank == job.rank and offset == job.offset then
      return 'done', job.status
    end
    local packed = respec(redis.call('HGET', key, 'spec'), changes)
    redis.call('HSET', key, 'spec', packed)
    if job.status == 'queued' then
      place_again(id, job.spec, readable_spec(packed))
    end
    count(job.queue, job.status, job.rank, -1)
    count(queue, job.status, rank, 1)
    changed(id, job.status, queue)
    return 'done', job.status
  end
end
