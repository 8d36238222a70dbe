-- Sets what a namespace may have, or how long it keeps what has ended. A repeat changes nothing more.
-- FLAGS allow-oom
-- KEYS  tenant        hash    quota, its bucket of tokens, retention
-- ARGV  name          `quota` · `retention`
-- ARGV  rules         msgpack, or '' for none
-- RETURN  1
if rules == '' then
  redis.call('HDEL', tenant, name)
else
  redis.call('HSET', tenant, name, rules)
end
if name == 'quota' then
  redis.call('HDEL', tenant, 'bucket')
end
return 1
