-- Binds a kind to where its jobs are sent, if nobody else has changed that since it was read.
-- FLAGS allow-oom
-- KEYS  endpoints  hash  bindings by kind: JSON
-- ARGV  kind       name
-- ARGV  text       the binding, JSON
-- ARGV  expected   the binding that it replaces, '' for none
-- ARGV  most       bindings a namespace may have
-- RETURN  `bound` · `changed`: another one stands there · `too_many`
local found = redis.call('HGET', endpoints, kind) or ''
if found == text then
  return 'bound'
end
if found ~= expected then
  return 'changed'
end
if found == '' and redis.call('HLEN', endpoints) >= tonumber(most) then
  return 'too_many'
end
redis.call('HSET', endpoints, kind, text)
return 'bound'
