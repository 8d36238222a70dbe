-- Says which ends of jobs the namespace's webhook hears of, in one shard.
-- FLAGS allow-oom
-- KEYS  webhook   string  final statuses, a space between
-- ARGV  statuses  the same, '' for none
-- RETURN  1
if statuses == '' then
  redis.call('DEL', webhook)
else
  redis.call('SET', webhook, statuses)
end
return 1
