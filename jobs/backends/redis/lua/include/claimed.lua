-- What a claim writes and answers, the first time and when it is repeated.
-- Needs: job_prefix leases token worker_id STATUS READY_AT ATTEMPT CREATED; now now_us number observe spec parents
local MORE_FIELDS = {'scheduled_for', 'retry_count', 'lost_leases', 'checkpoint'}
local leases_made, parents_made = {}, {}
local numbers_read = {}
local lease_ends, last_ready_at, last_wait_ms = {}, nil, nil

local function fields_of(key)
  return redis.call('HMGET', key, 'status', 'spec', 'payload', 'ready_at', 'attempt', 'created')
end

-- A number as the codec reads it, false where there is none: it would refuse a whole claim for one that is damaged.
local function number_text(text)
  local found = numbers_read[text]
  if found == nil then
    local number = number_of(text)
    found = number and string.format('%.0f', number) or false
    numbers_read[text] = found
  end
  return found
end

-- A job that was never tried, nor made ready anew, has none of the further fields.
local function answer_with(place, id, attempt, values, is_new)
  values[STATUS], values[ATTEMPT] = id, attempt
  values[READY_AT], values[CREATED] = number_text(values[READY_AT]), number_text(values[CREATED])
  leases_made[place] = values
  local spec = readable_spec(values[SPEC])
  if spec and spec[WORKFLOW] then
    note_parents(place, spec, parents_made)
  end
  if not is_new then
    -- The last one is no number.
    local more = redis.call('HMGET', job_prefix .. id, unpack(MORE_FIELDS))
    for i = 1, #MORE_FIELDS - 1 do
      values[CREATED + i] = number_text(more[i])
    end
    values[CREATED + #MORE_FIELDS] = more[#MORE_FIELDS]
  end
end

-- Each job has a token of its own; the end of its id tells them apart without writing a number.
local function token_of(id)
  return token .. '-' .. string.sub(id, -12)
end

-- Who holds a job, but for its token. Making text of a number is dear, and jobs that are alike come in rows.
local function lease_end(payload_bytes)
  local made = lease_ends[payload_bytes]
  if not made then
    made = ' ' .. worker_id .. ' ' .. payload_bytes
    lease_ends[payload_bytes] = made
  end
  return made
end

local function observe_wait(queue, kind, ready_at)
  if ready_at ~= last_ready_at then
    last_ready_at = ready_at
    last_wait_ms = math.max(0, now_us - (number_of(ready_at) or now_us)) / 1000
  end
  Times.observe(queue, kind, last_wait_ms)
end

local function repeat_claim(ids)
  for _, id in ipairs(ids) do
    local key = job_prefix .. id
    local held = redis.call('HMGET', key, 'status', 'lease', 'attempt')
    if held[1] == 'running' and string.match(held[2] or '', '%S+') == token_of(id) then
      local values = fields_of(key)
      answer_with(#leases_made + 1, id, number_of(held[3]) or 1, values, false)
      values[CREATED + #MORE_FIELDS + 1] = tonumber(redis.call('ZSCORE', leases, id)) or now
    end
  end
end
