-- What a job tells the workflow whose step it is: its state there, and that what stands behind it is to be looked at. The
-- states are letters: w waits for parents, a is alive, c completed, d is a dead letter, x is cancelled or gone; under each
-- the workflow counts its steps. `workflow:~work` lists the steps whose children were not told yet, as `<workflow> <number>
-- <place among its children>`.
-- Needs: job_prefix workflow_prefix; now; spec
local steps = {}
local made_id
do
  local WORK, LETTER = '~work', {completed = 'c', dead_letter = 'd', cancelled = 'x'}
  local STATES, AT_ONCE = {w = true, a = true, c = true, d = true, x = true}, 500

  -- The id of a job that a script makes: a UUIDv7 that comes of what the job is made for, so that a repeat makes no second
  -- one, in the shard of the id `of`; nil for one that names no shard.
  function made_id(of, ...)
    local shard = string.match(of, '^[%x-]+(%x%x)$')
    local chance = redis.sha1hex(table.concat({of, ...}, ' '))
    local part = function(first, last) return string.sub(chance, first, last) end
    return shard and string.format('%08x-%04x-7%s-8%s-%s%s', math.floor(now / 65536), now % 65536, part(1, 3), part(4, 6),
      part(7, 16), shard)
  end

  -- What comes last is told first; what was begun waits for its turn.
  function steps.tell(workflow, number, place)
    redis.call('LPUSH', workflow_prefix .. WORK, workflow .. ' ' .. number .. ' ' .. (place or 1))
  end

  function steps.put_off(workflow, number, place)
    redis.call('RPUSH', workflow_prefix .. WORK, workflow .. ' ' .. number .. ' ' .. place)
  end

  function steps.next_untold()
    return redis.call('LPOP', workflow_prefix .. WORK)
  end

  function steps.are_untold()
    return redis.call('EXISTS', workflow_prefix .. WORK) == 1
  end

  -- Where the spec was damaged, the job's field `step` is left. Number 0 is a callback, which is no step.
  local function step_of(id, spec)
    local step = spec[WORKFLOW]
    if spec[KIND] == 'undecodable' then
      return string.match(redis.call('HGET', job_prefix .. id, 'step') or '', '^(%S+) ([1-9]%d*)$')
    elseif type(step) == 'table' and type(step[1]) == 'string' and type(step[3]) == 'number' and step[3] > 0 then
      return step[1], string.format('%.0f', step[3])
    end
  end

  -- The new number in a field of a workflow; nil where it was damaged from outside, and is left as it is.
  function steps.add(key, field, amount)
    local number = redis.pcall('HINCRBY', key, field, amount)
    return type(number) == 'number' and number or nil
  end

  -- The states of a stretch of steps.
  local function states_from(key, first)
    local fields = {}
    for number = first, first + AT_ONCE - 1 do
      fields[number - first + 1] = 's' .. number
    end
    return redis.call('HMGET', key, unpack(fields))
  end

  -- Counts the steps by their states. How many there are is believed where that is a number, unless it is known to be wrong.
  function steps.recount(key, is_wrong)
    local found, first, last = {w = 0, a = 0, c = 0, d = 0, x = 0}, 1, 0
    repeat
      for place, state in ipairs(states_from(key, first)) do
        if found[state] then
          found[state], last = found[state] + 1, first + place - 1
        end
      end
      first = first + AT_ONCE
    until last < first - AT_ONCE
    if is_wrong or not number_of(redis.call('HGET', key, 'steps')) then
      redis.call('HSET', key, 'steps', last)
    end
    redis.call('HSET', key, 'w', found.w, 'a', found.a, 'c', found.c, 'd', found.d, 'x', found.x)
  end

  function steps.set(key, number, before, state)
    if before ~= state then
      redis.call('HSET', key, 's' .. number, state)
      if not (STATES[before] and steps.add(key, before, -1) and steps.add(key, state, 1)) then
        steps.recount(key)
      end
    end
  end

  -- A step that was renewed has another job by now, and a workflow that retention removed has no steps.
  local function tell(id, spec, state)
    local workflow, number = step_of(id, spec)
    if not workflow then
      return nil
    end
    local key = workflow_prefix .. workflow
    local f = redis.call('HMGET', key, 's' .. number, 'j' .. number)
    if not f[1] or f[2] ~= id then
      return nil
    end
    steps.set(key, number, f[1], state)
    return workflow, number
  end

  function steps.note(id, status, spec)
    if spec[WORKFLOW] or spec[KIND] == 'undecodable' then
      local workflow, number = tell(id, spec, LETTER[status])
      if workflow then
        steps.tell(workflow, number)
        steps.has_noted = true
      end
    end
  end

  -- A dead letter runs again. Returns the workflow, nil for a job of none.
  function steps.revive(id, spec)
    return (spec[WORKFLOW] or spec[KIND] == 'undecodable') and tell(id, spec, 'a') or nil
  end
end
