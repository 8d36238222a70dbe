-- Makes a dead letter of a ready job that cannot be read, so that it stays visible and somebody can act.
-- Needs: job_prefix dlq; now; spec record place
local UNDECODABLE_TIMEOUT_MS = 60000
local STRICT_STEP_S = 10000000

-- Priority by the score alone, which is offset plus ready time (s); 2, medium, where it cannot be told.
local function rank_of(score, ready_at)
  local offset = ready_at and score - ready_at / 1000000 or 2000
  local rank = math.floor(offset / (offset > 4000 and STRICT_STEP_S or 1000) + 0.5)
  return rank >= 0 and rank <= 3 and rank or 2
end

local function is_spec(spec)
  return type(spec) == 'table' and type(spec[KIND]) == 'string' and type(spec[QUEUE]) == 'string'
    and type(spec[RANK]) == 'number' and (spec[MAX_RETRIES] == nil or type(spec[MAX_RETRIES]) == 'number')
end

-- What was there instead of a spec is kept beside one that everybody can read.
local function mend_spec(key, packed, queue, score)
  local ready_at = tonumber(redis.call('HGET', key, 'ready_at'))
  local spec = {'undecodable', queue, rank_of(tonumber(score), ready_at), 0, UNDECODABLE_TIMEOUT_MS}
  redis.call('HSET', key, 'spec', cmsgpack.pack(spec), 'broken_spec', packed or '')
  return spec
end

-- Nothing is left of a job whose hash is gone; one of another status stood in the queue by mistake.
local function bury(id, queue, score, status, packed)
  local key = job_prefix .. id
  if status ~= 'queued' and (status or redis.call('EXISTS', key) == 0) then
    return
  end
  local is_readable, spec = pcall(read_spec, packed)
  if not (is_readable and is_spec(spec)) then
    spec = mend_spec(key, packed, queue, score)
  end
  redis.call('HSETNX', key, 'created', now)
  redis.call('HSET', key, 'status', 'dead_letter', 'reason', 'undecodable', 'finished_at', now)
  put_into(dlq, now, id)
  status_change(id, queue, spec[RANK], 'queued', 'dead_letter')
  tally('dead:' .. kind_label(spec[KIND]))
  tally_minute('dead')
  tally_minute('dead_unfailed')
  tally_minute('out:' .. queue)
end
