-- Puts in what tells of the end of a job: a job itself, which the other names.
-- Needs: job_prefix; now_us; add count_deltas tally tally_minute (record); place_ready enlist status_change (place) pages
local DELIVERY = {kind = 'ironforge.webhook', queue = 'ironforge.webhooks', rank = 2, offset = 2000}
local put_delivery
do
  local MAX_DELIVERIES = 20

  -- The job names its newest deliveries, so that its page need not look for them.
  local function note_delivery(key, delivery)
    local known = {delivery}
    for earlier in string.gmatch(redis.call('HGET', key, 'deliveries') or '', '%S+') do
      if #known < MAX_DELIVERIES then
        known[#known + 1] = earlier
      end
    end
    redis.call('HSET', key, 'deliveries', table.concat(known, ' '))
  end

  -- `job` is the key of the job that it tells of, nil where that is gone.
  function put_delivery(delivery, packed, payload, job)
    redis.call('HSET', job_prefix .. delivery, 'status', 'queued', 'ready_at', now_us, 'spec', packed, 'payload', payload)
    if job then
      note_delivery(job, delivery)
    end
    place_ready(delivery, DELIVERY.queue, DELIVERY.rank, DELIVERY.offset, now_us)
    enlist(delivery)
    add(count_deltas, 'stored', #payload)
    status_change(delivery, DELIVERY.queue, DELIVERY.rank, nil, 'queued')
    tally('submitted:medium')
    tally_minute('submitted')
    tally_minute('in:' .. DELIVERY.queue)
  end
end
