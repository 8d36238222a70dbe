-- What becomes of circuits as attempts start and end, written once at the end of a call. An attempt that completed or failed
-- counts; one that was given back, put off, cancelled or lost says nothing of the kind. While a circuit is open or half open
-- only the jobs on trial count.
-- Needs: circuits job_prefix events; now record kinds circuit limiter
do
  local CIRCUIT, PERCENT, LEAST, WINDOW, COOL_DOWN, LONGEST, PROBES = 11, 1, 2, 3, 4, 5, 6
  local MAX_EVENTS, NONE = 4096, {}
  local changed_circuits = {}

  local function turn(limiter, state, verb)
    local circuit = Circuit.of(limiter)
    circuit.state, circuit.since, circuit.good, circuit.bad, circuit.trial = state, now, 0, 0, {}
    circuit.ring = Circuit.ring_of(NONE, limiter.rule[CIRCUIT][WINDOW])
    changed_circuits[limiter] = true
    redis.call('XADD', events, 'MAXLEN', '~', MAX_EVENTS, '*', 'verb', verb, 'queue', '*', 'at', now, 'jobs', '', 'kind', limiter.id)
    return circuit
  end

  -- By hand it stays open until somebody closes it; by itself for a cool-down that doubles each time.
  function Circuit.open(limiter, by, reason)
    local circuit, rule = turn(limiter, Circuit.OPEN, 'circuit_opened'), limiter.rule[CIRCUIT]
    circuit.trips, circuit.by, circuit.reason = circuit.trips + 1, by or '', reason or ''
    circuit.till = by and 0 or now + math.min(rule[COOL_DOWN] * 2 ^ math.min(circuit.trips - 1, 30), rule[LONGEST])
    tally('circuit_opened:' .. kind_label(limiter.id))
  end

  function Circuit.close(limiter)
    local circuit = turn(limiter, Circuit.CLOSED, 'circuit_closed')
    circuit.trips, circuit.till, circuit.by, circuit.reason = 0, 0, '', ''
    limiter.has_freed, limiter.free = true, nil
  end

  -- A job starts, for which there was room.
  function Circuit.begin_trial(limiter, id)
    local circuit = limiter.rule[CIRCUIT] and Circuit.of(limiter)
    if circuit and circuit.state ~= Circuit.CLOSED then
      if circuit.state == Circuit.OPEN then
        turn(limiter, Circuit.HALF_OPEN, 'circuit_half_opened')
      end
      circuit.trial[#circuit.trial + 1] = id
      changed_circuits[limiter] = true
    end
  end

  local function is_off_trial(limiter, id)
    local circuit = limiter.rule[CIRCUIT] and Circuit.of(limiter)
    for place, tried in ipairs(circuit and circuit.trial or NONE) do
      if tried == id then
        table.remove(circuit.trial, place)
        changed_circuits[limiter] = true
        return true
      end
    end
    return false
  end

  -- Who leaves without having been judged makes room for another.
  function Circuit.leave_trial(kind, id)
    local limiter = limiter_of(kind)
    if limiter and is_off_trial(limiter, id) then
      limiter.has_freed, limiter.free = true, nil
    end
  end

  function Circuit.drop_dead_trials(limiter)
    local circuit = limiter.rule[CIRCUIT] and Circuit.of(limiter)
    for place = #(circuit and circuit.trial or NONE), 1, -1 do
      local id = circuit.trial[place]
      if redis.call('HGET', job_prefix .. id, 'status') ~= 'running' then
        is_off_trial(limiter, id)
      end
    end
  end

  local function judge_circuit(limiter, circuit, id, has_failed)
    local rule = limiter.rule[CIRCUIT]
    if circuit.state == Circuit.CLOSED then
      Circuit.note_in(circuit.ring, 1, has_failed and 1 or 0)
      changed_circuits[limiter] = true
      local attempts, failures = Circuit.sums_of(circuit.ring)
      if has_failed and attempts >= rule[LEAST] and failures * 100 >= rule[PERCENT] * attempts then
        Circuit.open(limiter)
      end
    elseif circuit.state == Circuit.HALF_OPEN and is_off_trial(limiter, id) then
      circuit.good, circuit.bad = circuit.good + (has_failed and 0 or 1), circuit.bad + (has_failed and 1 or 0)
      if circuit.bad * 100 >= rule[PERCENT] * rule[PROBES] then
        Circuit.open(limiter)
      elseif circuit.good + circuit.bad >= rule[PROBES] then
        Circuit.close(limiter)
      end
    end
  end

  -- How an attempt of a kind ended.
  function Circuit.judge(limiter, id, has_failed)
    local circuit = limiter.rule[CIRCUIT] and Circuit.of(limiter)
    if circuit then
      judge_circuit(limiter, circuit, id, has_failed)
    end
  end

  function Circuit.write()
    for limiter in pairs(changed_circuits) do
      local it = limiter.circuit
      local packed = cmsgpack.pack({it.state, it.till, it.trips, it.since, it.by, it.reason, it.good, it.bad, it.trial, it.ring})
      redis.call('HSET', circuits, limiter.id, packed)
      changed_circuits[limiter] = nil
    end
  end
end
