-- An operator's act on one job, answered alike when it is repeated: the last request id stays in the job.
-- Needs: job_prefix request_id; spec
local answers = {}

local function answer(code, status)
  answers[#answers + 1] = code
  answers[#answers + 1] = status or ''
end

-- Calls `act(id, key, job)` with the fields status, queue, rank, offset; it returns a code and a status.
local function act_on(id, act)
  local key = job_prefix .. id
  local f = redis.call('HMGET', key, 'status', 'acted', 'spec')
  if not f[1] then
    return answer('not_found')
  end
  local last, last_code, last_status = string.match(f[2] or '', '(%S+) (%S+) (%S+)')
  if last == request_id then
    return answer(last_code, last_status)
  end
  local spec = read_spec(f[3])
  local job = {status = f[1], queue = spec[QUEUE], rank = spec[RANK], offset = spec[OFFSET]}
  local code, status = act(id, key, job)
  if code ~= 'conflict' then
    redis.call('HSET', key, 'acted', table.concat({request_id, code, status}, ' '))
  end
  answer(code, status)
end
