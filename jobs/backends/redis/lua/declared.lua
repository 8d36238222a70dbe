-- What workers' code says of schedules.
-- FLAGS no-writes
-- KEYS  code_schedules  hash  schedules that code declares
-- RETURN  now (ms); name and what declare.lua keeps of each
-- @include now
return {now, redis.call('HGETALL', code_schedules)}
