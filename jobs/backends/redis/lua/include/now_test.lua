-- Store time of this call plus an offset (ms) that a test sets, so that tests move the clock instead of sleeping; behind
-- a `=` stands the time itself, which then goes on by the test alone.
local clock = redis.call('TIME')
local now_us = (function(set)
  local held = tonumber(string.match(set, '^=(%d+)$'))
  return held and held * 1000 or clock[1] * 1000000 + clock[2] + (tonumber(set) or 0) * 1000
end)(redis.call('GET', test_clock) or '0')
local now = math.floor(now_us / 1000)
