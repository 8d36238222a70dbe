-- Whether new jobs of a batch may be stored: there is a place for the queue, and room for what each adds.
-- Needs: batch; now known queues quota_rules quota more meet_holder store
local begin_judging, refusal_of, trial, has_refused, end_judging
do
  local ID, IDEMPOTENCY, FINGERPRINT, OF_QUEUE, SPEC, PAYLOAD, MORE = 0, 1, 2, 3, 7, 8, 9
  local has_quota = false

  -- Anew, behind the trial of a whole batch.
  function begin_judging(is_again)
    has_quota = the_quota() and read_quota()
    if is_again then
      forget_trial()
    end
  end

  -- Why a job that is not known may not be stored; takes its place where it may. One that meets a holder may add nothing.
  function refusal_of(at)
    local is_admitted, more = admits(batch[at + OF_QUEUE]), batch[at + MORE]
    if is_admitted and not has_quota then
      return nil
    end
    local jobs, bytes = 1, #batch[at + PAYLOAD]
    local unique = more and unique_asked(more)
    if unique then
      jobs, bytes = added_by(unique, batch[at + SPEC], batch[at + PAYLOAD])
    end
    return jobs > 0 and not is_admitted and 'too_many_queues' or has_quota and over_quota(jobs, bytes)
  end

  -- What a job of a batch that is stored whole or not at all is answered with where it is not, and whether it is why.
  function trial(at)
    local id = batch[at + ID]
    local answer = known(id, batch[at + IDEMPOTENCY], batch[at + FINGERPRINT])
    if answer then
      return answer, answer[1] == 'idempotency_mismatch'
    end
    local refusal, unique = refusal_of(at), unique_asked(batch[at + MORE])
    if refusal then
      return {refusal, id, 'queued', now}, true
    end
    local conflict = unique and has_conflict(id, unique, batch[at + SPEC], batch[at + PAYLOAD])
    return conflict or {'aborted', id, 'queued', now}, conflict and true
  end

  function has_refused(size)
    for at = 1, size, WIDTH do
      if select(2, trial(at)) then
        return true
      end
    end
    return false
  end

  function end_judging()
    if has_quota then
      write_quota()
    end
  end
end
