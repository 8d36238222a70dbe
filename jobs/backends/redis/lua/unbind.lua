-- Removes the binding of a kind.
-- FLAGS allow-oom
-- KEYS  endpoints  hash  bindings by kind: JSON
-- ARGV  kind       name
-- RETURN  1
redis.call('HDEL', endpoints, kind)
return 1
