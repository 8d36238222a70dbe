-- Store time of this call. It stands still inside a script, so ids decide ties within a batch.
local clock = redis.call('TIME')
local now_us = clock[1] * 1000000 + clock[2]
local now = math.floor(now_us / 1000)
