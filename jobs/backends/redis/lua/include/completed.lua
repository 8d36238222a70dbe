-- What completion makes of a job, which is what most attempts come to.
-- Needs: finish limited limiter circuit_turns budget; add count_deltas tally tally_minute (record) kind_label (kinds)
local tell_of_kind, complete
do
  local completed_of = {}

  -- What an attempt says of its kind; one that was to stop says nothing.
  function tell_of_kind(job, has_failed)
    local limiter = has_limits() and limiter_of(job.kind)
    if limiter and not (has_failed and job.cancel_by) then
      if job.attempt == 1 then
        Budget.note_first(limiter)
      end
      Circuit.judge(limiter, job.id, has_failed)
    end
  end

  function complete(job, result)
    tell_of_kind(job, false)
    if result ~= '' then
      put('result', result)
      add(count_deltas, 'stored', #result)
    end
    local counter = completed_of[job.kind]
    if not counter then
      counter = 'completed:' .. kind_label(job.kind)
      completed_of[job.kind] = counter
    end
    tally(counter)
    tally_minute('completed')
    return finish(job, 'completed', nil, #result)
  end
end
