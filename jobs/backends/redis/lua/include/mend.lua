-- Mends one step of a workflow that runs. What other calls are still to tell is left to them.
-- Needs: job_prefix workflow_prefix workflow_walks; number step release waiting_step workflow_end
local mend_step, mend_end
do
  local LETTER = {waiting = 'w', completed = 'c', dead_letter = 'd', cancelled = 'x'}
  local AT_ONCE, EDGES_A_STEP = 500, 20
  local is_busy = steps.are_untold() or redis.call('EXISTS', workflow_walks) == 1

  -- A job that is gone will never tell how it ended, nor one that ended unheard.
  local function mend_state(id, key, number, state, status)
    local real = status and (LETTER[status] or 'a') or 'x'
    if real == state or not (state == 'w' or state == 'a' or state == 'd') then
      return false
    end
    steps.set(key, number, state, real)
    if real == 'c' or real == 'd' or real == 'x' then
      steps.tell(id, number)
    end
    return true
  end

  -- Tells the step of parents that ended; returns how many are not done, and how many there are.
  local function look_at_parents(id, key, number, parents)
    local pending, all = 0, {}
    for parent in string.gmatch(parents == '' and '0' or parents, '%d+') do
      all[#all + 1] = parent
    end
    for first = 1, #all, AT_ONCE do
      local fields, last = {}, math.min(first + AT_ONCE - 1, #all)
      for place = first, last do
        fields[#fields + 1], fields[#fields + 2] = 's' .. all[place], 'e' .. all[place] .. ':' .. number
      end
      local f = redis.call('HMGET', key, unpack(fields))
      for at = 1, #f, 2 do
        if f[at + 1] then
          pending = pending + 1
          if f[at] == 'c' or f[at] == 'd' or f[at] == 'x' then
            pending = pending - steps.tell_one(key, all[first + (at - 1) / 2], f[at], number)
          end
        end
      end
    end
    return pending, #all
  end

  -- Returns whether it was mended, and what that cost.
  function mend_step(id, key, number)
    local f = redis.call('HMGET', key, 's' .. number, 'j' .. number, 'a' .. number, 'p' .. number)
    local state, job = f[1], f[2]
    local status = job and redis.call('HGET', job_prefix .. job, 'status')
    if not state or mend_state(id, key, number, state, status) then
      return state and true or false, 1
    elseif state ~= 'w' or is_busy then
      return false, 1
    end
    local pending, all = look_at_parents(id, key, number, f[3] or '')
    local is_wrong = pending ~= tonumber(f[4])
    if redis.call('HGET', key, 's' .. number) == 'w' and is_wrong then
      redis.call('HSET', key, 'p' .. number, pending)
      if pending == 0 then
        steps.let_go(key, number)
      end
    end
    return is_wrong or redis.call('HGET', key, 's' .. number) ~= 'w', 1 + math.floor(all / EDGES_A_STEP)
  end

  local function mend_counts(key)
    local f, sum = redis.call('HMGET', key, 'steps', 'w', 'a', 'c', 'd', 'x'), 0
    for place = 2, #f do
      sum = sum + (number_of(f[place]) or math.huge)
    end
    if sum ~= number_of(f[1]) then
      steps.recount(key, true)
    end
  end

  -- A walk that was lost does not hold its workflow up; one that cancels begins anew.
  function mend_end(id, key)
    local f = redis.call('HMGET', key, 'walks', 'cancel_by')
    if f[1] ~= '0' and redis.call('EXISTS', workflow_walks) == 0 then
      redis.call('HSET', key, 'walks', f[2] and 1 or 0)
      if f[2] then
        redis.call('RPUSH', workflow_walks, 'cancel ' .. id .. ' 1')
      end
    end
    mend_counts(key)
    steps.end_workflow(id, key)
  end
end
