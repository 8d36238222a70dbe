-- What a claim makes of turns: the last that is taken is the one from which new jobs stand in line.
-- Needs: queue_prefix; spec place fair turns
local take_turn, end_turns
do
  local taken = {}

  function take_turn(id, queue, score, spec)
    local rank = spec[RANK]
    if share_of(queue) then
      leave_line(id, queue, rank, spec)
      local _, field = clock_of(queue, rank, score)
      taken[field] = {queue, rank}
    end
  end

  local function stands_any(queue, first)
    return redis.call('ZCOUNT', queue_prefix .. queue, first, first + FAIR_BAND) > 0
  end

  -- Where nobody waits any more, nor is held back by a limit, all debts are off: the clock goes on to the end of the last
  -- line.
  local function end_turn(field, queue, rank)
    local base = FAIR + rank * FAIR_BAND
    local clock = clock_of(queue, rank)
    if not (stands_any(queue, base) or stands_any(queue, HELD + base)) then
      clock = clock_of(queue, rank, tonumber(redis.call('ZRANGE', fair_prefix .. field, 0, 0, 'REV', 'WITHSCORES')[2]))
    end
    redis.call('HSET', fair, field, string.format('%.17g', clock))
    trim_keys(field, clock)
  end

  -- The end of a call, behind `write_indexes`.
  function end_turns()
    for field, turn in pairs(taken) do
      end_turn(field, turn[1], turn[2])
    end
  end
end
