-- What a step waits for, by the edges that the scripts of workflows count.
-- Needs: job_prefix workflow_prefix
local pending_parents
do
  local SOME, AT_ONCE = 10, 500

  local function numbers_of(text)
    local numbers = {}
    for number in string.gmatch(text or '', '%d+') do
      numbers[#numbers + 1] = number
    end
    return numbers
  end

  -- Adds those of a stretch of the parents that are not done to `found`, and returns how many there are.
  local function look_at(key, step, numbers, first, found)
    local fields, last = {}, math.min(first + AT_ONCE - 1, #numbers)
    for place = first, last do
      fields[#fields + 1] = 'e' .. numbers[place] .. ':' .. step
    end
    local edges, pending = redis.call('HMGET', key, unpack(fields)), 0
    for place = first, last do
      if edges[place - first + 1] then
        pending = pending + 1
        if #found < SOME then
          local f = redis.call('HMGET', key, 'n' .. numbers[place], 'j' .. numbers[place], 's' .. numbers[place])
          found[#found + 1] = {f[1] or '', f[2] or '', f[3] or ''}
        end
      end
    end
    return pending
  end

  -- For a job that waits: id of its workflow, its status or '', policy of the step, how many parents are not done, and of
  -- some of those name, job and state. False for one of no workflow.
  function pending_parents(id)
    local workflow, step = string.match(redis.call('HGET', job_prefix .. id, 'step') or '', '^(%S+) (%d+)$')
    if not workflow then
      return false
    end
    local key, found, pending = workflow_prefix .. workflow, {}, 0
    local f = redis.call('HMGET', key, 'status', 'policy', 'f' .. step, 'a' .. step)
    local numbers = numbers_of(f[4])
    for first = 1, #numbers, AT_ONCE do
      pending = pending + look_at(key, step, numbers, first, found)
    end
    return {workflow, f[1] or '', f[3] or f[2] or '', pending, found}
  end
end
