#!lua
-- The least that could be called a submit, a claim and a settle. No token, counter, event, hint, limit or retention:
-- the measured limit of a store of hashes and sorted sets, not a design.
-- KEYS  ready, leases, done
-- ARGV  what to do, prefix of a job's key, then: payload and ids · how many · ids
local ready, leases, done = KEYS[1], KEYS[2], KEYS[3]
local time = redis.call("TIME")
local now = time[1] + time[2] / 1e6

if ARGV[1] == "submit" then
  for number = 4, #ARGV do
    redis.call("HSET", ARGV[2] .. ARGV[number], "kind", "email.send", "payload", ARGV[3], "created", now)
    redis.call("ZADD", ready, now, ARGV[number])
  end
  return #ARGV - 3
end
if ARGV[1] == "claim" then
  local popped = redis.call("ZPOPMIN", ready, ARGV[3])
  local answer = {}
  for number = 1, #popped, 2 do
    local key = ARGV[2] .. popped[number]
    redis.call("ZADD", leases, now + 10, popped[number])
    redis.call("HSET", key, "started", now)
    answer[#answer + 1] = popped[number]
    answer[#answer + 1] = redis.call("HGETALL", key)
  end
  return answer
end
for number = 3, #ARGV do
  redis.call("ZREM", leases, ARGV[number])
  redis.call("ZADD", done, now, ARGV[number])
  redis.call("HSET", ARGV[2] .. ARGV[number], "finished", now)
end
return #ARGV - 2
