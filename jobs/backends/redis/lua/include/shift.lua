-- Puts a job that waits under another queue or priority. When it became ready, or is due, stays as it was: only its place
-- changes. One that a limit held back is looked at again.
-- Needs: job_prefix queue_prefix held_prefix; number spec held_lists respec record place
local shift
do
  local WAITS = {queued = true, scheduled = true, failed = true, waiting = true}

  local function place_again(id, job, queue, rank, offset)
    take_from(queue_prefix .. job.queue, id)
    for _, list in ipairs(held_lists(job.spec, job.queue)) do
      take_from(list, id)
    end
    leave_line(id, job.queue, job.rank, job.spec)
    local ready_at = number_of(redis.call('HGET', job_prefix .. id, 'ready_at')) or now_us
    place_ready(id, queue, rank, offset, ready_at, job.spec)
  end

  -- `changes` has packed values by their place in the spec. The answers are those of an act.
  function shift(id, key, job, changes, queue, rank, offset)
    if not WAITS[job.status] then
      return 'conflict', job.status
    elseif queue == job.queue and rank == job.rank and offset == job.offset then
      return 'done', job.status
    end
    redis.call('HSET', key, 'spec', respec(redis.call('HGET', key, 'spec'), changes))
    if job.status == 'queued' then
      place_again(id, job, queue, rank, offset)
    end
    count(job.queue, job.status, job.rank, -1)
    count(queue, job.status, rank, 1)
    changed(id, job.status, queue)
    return 'done', job.status
  end
end
