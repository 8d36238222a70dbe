-- Fair queues: the keys of their jobs take turns, each priority for itself. A job's score is its turn: see turns. Each key
-- has a line of its waiting jobs by turn, and `fair_prefix` + queue + rank has the keys by the end of their line. The hash
-- `fair` has how each queue is shared and, by queue and rank, the turn that was taken last.
-- Needs: fair fair_prefix; number spec bands
local share_of, step_of, clock_of, line_of
do
  local STEP = 0.01
  local ON, WEIGHTS = 1, 2
  local shares, clocks, is_any = {}, {}, nil

  -- How a queue is shared; false where it is not, or no longer. What was damaged from outside shares nothing.
  function share_of(queue)
    if is_any == nil then
      is_any = redis.call('EXISTS', fair) == 1
    end
    local share = is_any and shares[queue]
    if share == nil then
      local is_readable, found = pcall(cmsgpack.unpack, redis.call('HGET', fair, queue))
      share = is_readable and type(found) == 'table' and found[ON] == 1 and type(found[WEIGHTS]) == 'table'
        and {weights = found[WEIGHTS], steps = {}}
      shares[queue] = share
    end
    return share
  end

  local function fits(name, key)
    return name == key or string.sub(name, -1) == '*' and string.sub(key, 1, #name - 1) == string.sub(name, 1, -2)
  end

  -- How far a job of a key stands behind the one before it: the shorter, the greater the weight. The weights are pairs of
  -- a key, or the start of one and a star, and a number; the first that fits counts.
  function step_of(share, key)
    local step = share.steps[key]
    if not step then
      step = STEP
      for i = 1, #share.weights, 2 do
        if fits(tostring(share.weights[i]), key) then
          step = STEP / math.max(1, number_of(share.weights[i + 1]) or 1)
          break
        end
      end
      share.steps[key] = step
    end
    return step
  end

  -- The turn that was taken last, and the field that has it. `turn` is one that is taken now.
  function clock_of(queue, rank, turn)
    local field, base = queue .. ' ' .. rank, FAIR + rank * FAIR_BAND
    if not clocks[field] then
      local clock = tonumber(redis.call('HGET', fair, field))
      clocks[field] = clock and clock >= base and clock < base + FAIR_BAND and clock or base
    end
    if turn and turn > clocks[field] and turn < base + FAIR_BAND then
      clocks[field] = turn
    end
    return clocks[field], field
  end

  -- The line that a job stands in, and its key; nothing in a queue that is not fair.
  function line_of(queue, rank, spec)
    if share_of(queue) then
      local key = type(spec[LIMIT_KEY]) == 'string' and spec[LIMIT_KEY] or spec[KIND]
      local name = queue .. ' ' .. rank .. ' ' .. key
      return fair_prefix .. name, key
    end
  end
end
