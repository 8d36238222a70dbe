-- How a job leaves `running`, and how it ends there; shared by settle and reap. `write` must follow.
-- Needs: leases; now; record kinds running limited limiter circuit_turns place place_final ended ties
local leave_running, finish
do
  function leave_running(job, after, reason)
    take_from(leases, job.id)
    if has_limits() then
      leave_place(job.spec, job.id)
      Circuit.leave_trial(job.kind, job.id)
    end
    local n = fields_size
    fields[n + 1], fields[n + 2], fields[n + 3], fields[n + 4] = 'status', after, 'lease', ''
    fields_size = n + 4
    if reason then
      put('reason', reason)
    end
    status_change(job.id, job.queue, job.rank, 'running', after)
  end

  -- `result_bytes` of a job that completes; any other has none.
  function finish(job, status, reason, result_bytes)
    leave_running(job, status, reason)
    put('finished_at', now)
    if job.noted and status ~= 'dead_letter' then
      redis.call('HDEL', job.key, 'checkpoint')
    end
    place_final(job.id, status, job.spec, result_bytes and payload_bytes_of(job) + result_bytes)
    deliver_end(job.id, status, job.spec)
    if job.spec[EXPIRES_AT] or job.spec[UNIQUE] then
      untie(job.id, job.spec)
    end
    tally_minute('out:' .. job.queue)
    if status == 'cancelled' then
      tally('cancelled')
    elseif status == 'dead_letter' then
      tally('dead:' .. kind_label(job.kind))
      tally_minute('dead')
      -- A lost worker or an unknown kind: no failure of an attempt was counted for this death.
      if not job.has_failed then
        tally_minute('dead_unfailed')
      end
    end
    return status
  end
end
