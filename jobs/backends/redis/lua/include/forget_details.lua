-- Forgets what is counted of a queue among the details.
-- Needs: details
local forget_details
do
  local EDGES = {'1', '5', '10', '25', '50', '100', '250', '500', '1000', '2500', '5000', '10000', '30000', '60000', '300000', 'inf'}

  function forget_details(queue)
    local fields = {'queue_failed:' .. queue, 'queue_retried:' .. queue, 'queue_snoozed:' .. queue}
    for _, edge in ipairs(EDGES) do
      fields[#fields + 1] = 'queue_wait:' .. queue .. ':' .. edge
      fields[#fields + 1] = 'queue_run:' .. queue .. ':' .. edge
    end
    redis.call('HDEL', details, unpack(fields))
  end
end
