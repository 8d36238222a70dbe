-- The one hook for the end of a job: its workflow hears of it, and so does whoever wants a delivery. Mostly that is nobody,
-- and then it costs a look.
-- Needs: webhook; spec; webhook, which defines what is left to it here
local deliver_end, tell_workflow, store_deliveries
local has_ended_step = false
do
  -- One key is read a call, however many jobs end in it.
  local told_statuses

  function deliver_end(id, status, spec)
    if spec[WORKFLOW] or spec[KIND] == 'undecodable' then
      has_ended_step = true
      tell_workflow(id, status, spec)
    end
    if told_statuses == nil then
      told_statuses = redis.call('GET', webhook) or false
    end
    if told_statuses or spec[WEBHOOK] then
      store_deliveries(id, status, spec, told_statuses)
    end
  end
end
