-- Returns where the payloads of some kinds have the key that they are limited by: kind, path …
-- FLAGS no-writes
-- KEYS  limit_paths  hash  where a kind has its key in the payload
-- RETURN  as said
return redis.call('HGETALL', limit_paths)
