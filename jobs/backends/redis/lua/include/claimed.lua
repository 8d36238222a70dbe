-- What a claim answers, the first time and when it is repeated.
-- Needs: job_prefix leases token FIELDS STATUS; now
local leases_made = {}

local function answer_with(id, job_token, attempt, expires_at, values)
  values[STATUS] = 'running'
  leases_made[#leases_made + 1] = {id, job_token, attempt, expires_at, values}
end

-- Each job has a token of its own; the end of its id tells them apart without writing a number.
local function token_of(id)
  return token .. '-' .. string.sub(id, -12)
end

local function repeat_claim(ids)
  for _, id in ipairs(ids) do
    local key = job_prefix .. id
    local job_token = token_of(id)
    local held = redis.call('HMGET', key, 'status', 'lease', 'attempt')
    if held[1] == 'running' and string.match(held[2] or '', '%S+') == job_token then
      local expires_at = tonumber(redis.call('ZSCORE', leases, id)) or now
      answer_with(id, job_token, tonumber(held[3]), expires_at, redis.call('HMGET', key, unpack(FIELDS)))
    end
  end
end
