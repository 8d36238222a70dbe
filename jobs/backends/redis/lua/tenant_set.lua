-- Sets what a namespace may have, how long it keeps what has ended, or its part of workers that serve several. A repeat changes nothing more.
-- FLAGS allow-oom
-- KEYS  tenant        hash    quota, its bucket of tokens, retention, weight
-- ARGV  name          `quota` · `retention` · `weight`
-- ARGV  rules         msgpack, of a weight its digits, or '' for none
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
