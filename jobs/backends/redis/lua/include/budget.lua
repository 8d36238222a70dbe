-- Retry budgets of kinds, [percent, a minute, window (ms)] of a rule: in any window so many retries are granted for the first
-- attempts that ended in it, and so many a minute beside them. `circuits` has the window of a kind as `r:<kind>`: a ring of
-- [first attempts, retries granted]; see circuit.
-- Needs: circuits; circuit limiter
local Budget = {}
do
  local BUDGET, PERCENT, PER_MINUTE, WINDOW, MINUTE_MS = 12, 1, 2, 3, 60000
  local changed = {}

  local function budget_of(limiter)
    local rule = limiter and limiter.rule[BUDGET]
    if rule and not limiter.budget and Circuit.are_numbers(rule, WINDOW) then
      limiter.budget = Circuit.read_ring('r:' .. limiter.id, rule[WINDOW])
    end
    return limiter and limiter.budget
  end

  local function note(limiter, budget, first, retry)
    Circuit.note_in(budget, first, retry)
    changed[limiter] = true
  end

  -- A first attempt ended, well or badly.
  function Budget.note_first(limiter)
    local budget = budget_of(limiter)
    if budget then
      note(limiter, budget, 1, 0)
    end
  end

  -- Grants a retry if the budget has one left.
  function Budget.may_retry(limiter)
    local budget = budget_of(limiter)
    if not budget then
      return true
    end
    local rule = limiter.rule[BUDGET]
    local firsts, retries = Circuit.sums_of(budget)
    if firsts * rule[PERCENT] / 100 + rule[PER_MINUTE] * rule[WINDOW] / MINUTE_MS - retries < 1 then
      return false
    end
    note(limiter, budget, 0, 1)
    return true
  end

  function Budget.write()
    for limiter in pairs(changed) do
      redis.call('HSET', circuits, 'r:' .. limiter.id, cmsgpack.pack(limiter.budget))
    end
  end
end
