-- Gives jobs of fair queues their turns (start-time fair queueing): a step behind the job of the same key before it, but no
-- sooner than the turn that was taken last. So a key that was idle neither owes anything nor has saved anything.
-- Needs: queue_prefix job_prefix; number spec place fair
local fit_score
do
  -- What was cancelled or purged may still stand in a line: whoever looks at its end drops some of it.
  local LOOKS = {1, 100, 100, 100, 100}
  local line_ends = {}

  -- The turn of the last job that waits in a line.
  local function last_turn(line, index)
    local last
    for _, amount in ipairs(LOOKS) do
      local names = redis.call('ZRANGE', line, 0, amount - 1, 'REV')
      if #names == 0 then
        return nil
      end
      local scores = redis.call('ZMSCORE', index, unpack(names))
      for i, name in ipairs(names) do
        last = tonumber(redis.call('ZSCORE', line, name))
        if scores[i] then
          return last
        end
        redis.call('ZREM', line, name)
      end
    end
    return last
  end

  -- Where a key goes on. One with nothing in line owes at most the step of the job that it had last.
  local function end_of(line, queue, keys, key, clock, step)
    local last = last_turn(line, queue_prefix .. queue)
    if last then
      return last + step
    end
    return math.min(tonumber(redis.call('ZSCORE', keys, key)) or clock, clock + step)
  end

  -- The score of a job that becomes ready, nil in a queue that is not fair. Without a spec its turn has come before: it
  -- comes back from a worker. A spec may be packed.
  function fair_score(id, queue, rank, spec)
    local share = share_of(queue)
    if not share then
      return nil
    end
    local clock, field = clock_of(queue, rank)
    spec = type(spec) == 'string' and readable_spec(spec) or spec
    if type(spec) ~= 'table' then
      return clock
    end
    local keys, line, key = fair_prefix .. field, line_of(queue, rank, spec)
    local step = step_of(share, key)
    local turn = math.max(clock, line_ends[line] or end_of(line, queue, keys, key, clock, step))
    line_ends[line] = turn + step
    put_into(line, turn, id)
    put_into(keys, turn + step, key)
    return turn
  end

  -- The score of a job that had `score` when its queue may have been shared otherwise.
  function fit_score(id, queue, score)
    if (score >= FAIR) == (share_of(queue) and true or false) then
      return score
    end
    local job = redis.call('HMGET', job_prefix .. id, 'spec', 'ready_at')
    local spec = readable_spec(job[1])
    if not spec then
      return score
    end
    return fair_score(id, queue, spec[RANK], spec) or (spec[OFFSET] or spec[RANK] * 1000) + (number_of(job[2]) or now_us) / 1000000
  end

  function leave_line(id, queue, rank, spec)
    local line = line_of(queue, rank, spec)
    if line then
      take_from(line, id)
    end
  end
end
