-- Store time of this call plus an offset (ms) that a test sets, so that tests move the clock instead of sleeping.
local clock = redis.call('TIME')
local now_us = clock[1] * 1000000 + clock[2] + (tonumber(redis.call('GET', test_clock)) or 0) * 1000
local now = math.floor(now_us / 1000)
