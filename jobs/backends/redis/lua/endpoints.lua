-- Returns all bindings of a namespace: `bind` keeps them few.
-- FLAGS no-writes
-- KEYS  endpoints  hash  bindings by kind: JSON
-- RETURN  kind, JSON …
return redis.call('HGETALL', endpoints)
