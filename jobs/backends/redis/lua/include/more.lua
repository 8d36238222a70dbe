-- What only some new jobs bring along: {expires_at (ms) or false, unique or false}. `unique` is {key, until, ttl (ms, 0 for none),
-- on conflict, delay (ms) or false, longest wait (ms, 0 for no bound)}; who has a delay is debounced.
-- Needs: now; ties place
local unique_asked, is_more, due_of, tie
do
  local EXPIRES, ASKED = 1, 2
  local KEY, UNTIL, TTL, ON_CONFLICT, DELAY, MAX_WAIT = 1, 2, 3, 4, 5, 6

  function unique_asked(more)
    return more and more[ASKED]
  end

  local function is_asked(unique)
    return type(unique) == 'table' and type(unique[KEY]) == 'string' and type(unique[UNTIL]) == 'string'
      and type(unique[TTL]) == 'number' and type(unique[ON_CONFLICT]) == 'string'
      and (unique[DELAY] == false or type(unique[DELAY]) == 'number') and type(unique[MAX_WAIT]) == 'number'
  end

  function is_more(more)
    return more == false or type(more) == 'table' and (more[EXPIRES] == false or type(more[EXPIRES]) == 'number')
      and (more[ASKED] == false or is_asked(more[ASKED]))
  end

  -- A debounced job waits first.
  function due_of(more, due)
    return more[ASKED] and more[ASKED][DELAY] and now + more[ASKED][DELAY] or due
  end

  function tie(id, more)
    if more[EXPIRES] then
      put_into(expiring, more[EXPIRES], id)
    end
    local unique = more[ASKED]
    if unique then
      take_lock(unique[KEY], id, unique[TTL])
    end
  end
end
