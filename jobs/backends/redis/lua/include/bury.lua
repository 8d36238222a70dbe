-- Makes a dead letter of a job that cannot be read, so that it stays visible and somebody can act.
-- Needs: job_prefix dlq; now; number spec record kinds place webhook ties created
local MEDIUM = 2
local mend_spec, make_dead_letter, bury_unreadable, bury_ready
do
  local UNDECODABLE_TIMEOUT_MS = 60000
  local STRICT_STEP_S = 10000000

  -- Priority by the score alone, which is offset plus ready time (s).
  local function rank_of(score, ready_at)
    if score >= FAIR then
      return math.min(3, math.floor((score - FAIR) / FAIR_BAND))
    end
    local offset = ready_at and score - ready_at / 1000000 or 2000
    local rank = math.floor(offset / (offset > 4000 and STRICT_STEP_S or 1000) + 0.5)
    return rank >= 0 and rank <= 3 and rank or MEDIUM
  end

  -- What was there instead of a spec is kept beside one that everybody can read.
  function mend_spec(key, packed, queue, rank)
    local spec = {'undecodable', queue, rank, 0, UNDECODABLE_TIMEOUT_MS}
    redis.call('HSET', key, 'spec', cmsgpack.pack(spec), 'broken_spec', packed or '')
    return spec
  end

  -- `before` is its status where the counts have the job under this spec, else nil: they are put right by a recount then,
  -- for nobody can say any more where they have it. The caller takes the job out of its old index.
  function make_dead_letter(id, key, spec, before)
    keep_created(key, unpack(redis.call('HMGET', key, 'created', 'ready_at')))
    redis.call('HSET', key, 'status', 'dead_letter', 'reason', 'undecodable', 'lease', '', 'finished_at', now)
    put_into(dlq, now, id)
    status_change(id, spec[QUEUE], spec[RANK], before, 'dead_letter')
    deliver_end(id, 'dead_letter', spec)
    untie(id, spec)
    tally('dead:' .. kind_label(spec[KIND]))
    tally_minute('dead')
    tally_minute('dead_unfailed')
    tally_minute('out:' .. spec[QUEUE])
  end

  -- A job without a readable spec, whatever its status.
  function bury_unreadable(id, key, packed)
    make_dead_letter(id, key, mend_spec(key, packed, 'main', MEDIUM), nil)
  end

  -- A ready job. Nothing is left of one whose hash is gone; one of another status stood in the queue by mistake.
  function bury_ready(id, queue, score, status, packed)
    local key = job_prefix .. id
    if status ~= 'queued' and (status or redis.call('EXISTS', key) == 0) then
      return
    end
    local spec = readable_spec(packed)
    if not spec then
      spec = mend_spec(key, packed, queue, rank_of(tonumber(score), number_of(redis.call('HGET', key, 'ready_at'))))
    end
    make_dead_letter(id, key, spec, 'queued')
  end
end
