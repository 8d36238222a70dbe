-- When a job was submitted (ms). One that was ready at once keeps that moment only in `ready_at`, until that changes.
-- Needs: now_us; number
local function created_of(created, ready_at)
  return number_of(created) or math.floor((number_of(ready_at) or now_us) / 1000)
end

-- Must stand before whatever changes `ready_at`.
local function keep_created(key, created, ready_at)
  if not number_of(created) then
    redis.call('HSET', key, 'created', created_of(created, ready_at))
  end
end
