-- Stores a step: its job, which waits, and its place in the graph. Of step n of a workflow are the fields j (id of its job), n
-- (name), s (state), p (parents that are not done), a (all parents), c (children), f (policy, where it is not the
-- workflow's) and r (result), and of each edge that is not done e<parent>:<child>. Step 0 is the start, parent of all that have no other.
-- Needs: job_prefix workflow_prefix waiting; now; record place pages queues number quota spec ties
local put_step, refused, STEP_WIDTH
do
  STEP_WIDTH = 11

  -- number, job id, name, queue, rank, due (ms or 0), spec, payload, parents, children, policy or ''.
  local function is_step(batch, at)
    local types = {'number', 'string', 'string', 'string', 'number', 'number', 'string', 'string', 'string', 'string', 'string'}
    for place, wanted in ipairs(types) do
      if type(batch[at + place - 1]) ~= wanted then
        return false
      end
    end
    return true
  end

  -- Why a batch cannot be stored, nil where it can: then there is room for it in the namespace.
  function refused(batch)
    for at = 1, #batch, STEP_WIDTH do
      if not is_step(batch, at) then
        return redis.error_reply('ERR a step is malformed')
      elseif not admits(batch[at + 3]) then
        return 'too_many_queues'
      end
    end
    for at = 1, read_quota() and #batch or 0, STEP_WIDTH do
      local limit = over_quota(1, #batch[at + 7])
      if limit then
        return limit
      end
    end
  end

  local function put_edges(key, number, parents)
    local pending = 0
    for parent in string.gmatch(parents == '' and '0' or parents, '%d+') do
      redis.call('HSET', key, 'e' .. parent .. ':' .. number, 1)
      pending = pending + 1
    end
    redis.call('HSET', key, 'p' .. number, pending)
  end

  function put_step(id, number, job, name, queue, rank, due, spec, payload, parents, children, policy)
    local key, job_key = workflow_prefix .. id, job_prefix .. job
    number = string.format('%.0f', number)
    redis.call('HSET', job_key, 'status', 'waiting', 'created', now, 'spec', spec, 'payload', payload, 'step', id .. ' ' .. number)
    if due > 0 then
      redis.call('HSET', job_key, 'scheduled_for', due)
    end
    add(count_deltas, 'stored', #payload)
    put_into(waiting, now, job)
    enlist(job)
    may_expire(job, 'waiting', readable_spec(spec) or {})
    status_change(job, queue, rank, nil, 'waiting')
    redis.call('HSET', key, 'j' .. number, job, 'n' .. number, name, 's' .. number, 'w', 'a' .. number, parents, 'c' .. number, children)
    if policy ~= '' then
      redis.call('HSET', key, 'f' .. number, policy)
    end
    put_edges(key, number, parents)
    -- One that was damaged from outside is counted anew when a step ends.
    redis.pcall('HINCRBY', key, 'w', 1)
    mark_used(queue)
    tally_minute('in:' .. queue)
    tally_minute('submitted')
    tally('submitted:' .. ({[0] = 'critical', 'high', 'medium', 'low'})[rank])
  end
end
