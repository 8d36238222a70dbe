-- What a job tells the workflow whose step it is: its state there, and that what stands behind it is to be looked at. The
-- states are letters: w waits for parents, a is alive, c completed, d is a dead letter, x is cancelled or gone; under each
-- the workflow counts its steps. `workflow:~work` lists the steps whose children were not told yet, as `<workflow> <number>
-- <place among its children>`.
-- Needs: job_prefix workflow_prefix; now; spec
local steps = {}
local made_id
do
  local WORK, LETTER = '~work', {completed = 'c', dead_letter = 'd', cancelled = 'x'}

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

  function steps.set(key, number, before, state)
    if before ~= state then
      redis.call('HSET', key, 's' .. number, state)
      redis.call('HINCRBY', key, before, -1)
      redis.call('HINCRBY', key, state, 1)
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

  -- The usual job is of no workflow, and costs no more than this look.
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
