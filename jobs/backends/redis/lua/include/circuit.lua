-- Circuits of kinds: where too many attempts of a kind fail, none start for a while, then some do on trial. A rule's circuit is
-- [percent, least attempts, window, cool-down, longest cool-down (ms), jobs on trial]. How each is, the hash `circuits` has by
-- kind: [state, until (ms), times it opened in a row, since (ms), by, reason, of the trial: successes, failures, [id …]; window].
-- A window is a ring of ten tenths: [length of one (ms), number of the last, and for each, the oldest first, two counts].
-- Needs: circuits; now number
local Circuit = {CLOSED = 0, OPEN = 1, HALF_OPEN = 2}
do
  local CIRCUIT, WINDOW, LONGEST, PROBES, RING_SIZE = 11, 3, 5, 6, 22
  local TENTHS, FIRST, BY_HAND_LOOK_MS, NONE = 10, 3, 60000, {}

  local function unpacked(text)
    local is_readable, found = pcall(cmsgpack.unpack, text)
    return is_readable and type(found) == 'table' and found or NONE
  end

  -- Whether a part of a rule can be relied on.
  function Circuit.are_numbers(part, amount)
    if type(part) ~= 'table' then
      return false
    end
    for place = 1, amount do
      if type(part[place]) ~= 'number' or not number_of(part[place]) then
        return false
      end
    end
    return part[WINDOW] > 0
  end

  -- A window as of now. One of another length begins anew, and a clock that went back a little stands still.
  function Circuit.ring_of(found, window_ms)
    local width = math.max(1, math.floor(window_ms / TENTHS))
    local tenth, last = math.floor(now / width), number_of(found[2])
    local is_known = found[1] == width and last and last - tenth < TENTHS
    local passed = is_known and math.max(0, tenth - last) or TENTHS
    local ring = {width, is_known and math.max(tenth, last) or tenth}
    for place = 0, TENTHS - 1 do
      local from = FIRST + 2 * (place + passed)
      ring[FIRST + 2 * place] = from < RING_SIZE and number_of(found[from]) or 0
      ring[FIRST + 2 * place + 1] = from < RING_SIZE and number_of(found[from + 1]) or 0
    end
    return ring
  end

  function Circuit.read_ring(field, window_ms)
    return Circuit.ring_of(unpacked(redis.call('HGET', circuits, field)), window_ms)
  end

  -- Counts in the tenth that goes on now.
  function Circuit.note_in(ring, first, second)
    ring[RING_SIZE - 1], ring[RING_SIZE] = ring[RING_SIZE - 1] + first, ring[RING_SIZE] + second
  end

  function Circuit.sums_of(ring)
    local first, second = 0, 0
    for place = FIRST, RING_SIZE, 2 do
      first, second = first + ring[place], second + ring[place + 1]
    end
    return first, second
  end

  -- How the circuit of a kind is, read once a call; nil where it has none.
  function Circuit.of(limiter)
    local rule = limiter.rule[CIRCUIT]
    if not limiter.circuit and Circuit.are_numbers(rule, PROBES) then
      local found = unpacked(redis.call('HGET', circuits, limiter.id))
      limiter.circuit = {state = number_of(found[1]) or Circuit.CLOSED, till = number_of(found[2]) or 0, trips = number_of(found[3]) or 0,
        since = number_of(found[4]) or 0, by = tostring(found[5] or ''), reason = tostring(found[6] or ''),
        good = number_of(found[7]) or 0, bad = number_of(found[8]) or 0, trial = type(found[9]) == 'table' and found[9] or {},
        ring = Circuit.ring_of(type(found[10]) == 'table' and found[10] or NONE, rule[WINDOW])}
    end
    return limiter.circuit
  end

  -- For how long nothing starts (ms), 0: something may. Who opened it by hand gave no time.
  function Circuit.shut_ms(limiter)
    local circuit = limiter.rule[CIRCUIT] and Circuit.of(limiter)
    if not circuit or circuit.state ~= Circuit.OPEN then
      return 0
    elseif circuit.till == 0 then
      return BY_HAND_LOOK_MS
    end
    -- A clock that went back shuts nothing for longer than was agreed.
    local left_ms = circuit.till - now
    return left_ms <= limiter.rule[CIRCUIT][LONGEST] and math.max(0, left_ms) or 0
  end

  -- How many jobs the circuit lets start. Where a trial was for more jobs before the rule was changed, one more decides it.
  function Circuit.gate(limiter)
    local circuit = limiter.rule[CIRCUIT] and Circuit.of(limiter)
    if not circuit or circuit.state == Circuit.CLOSED then
      return math.huge
    elseif Circuit.shut_ms(limiter) > 0 then
      return 0
    end
    return math.max(1, limiter.rule[CIRCUIT][PROBES] - circuit.good - circuit.bad) - #circuit.trial
  end
end
