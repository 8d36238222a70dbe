-- Stores a delivery for each end of a job that somebody wants to hear of: the namespace's webhook, or the job's own. A
-- delivery is a job itself. Its id comes of the end that it tells, so that none is told twice; its own end is told nobody.
-- Needs: job_prefix queues; now; spec delivery step
-- About six hours: 5, 10, 20 … seconds, then an hour each.
local deliver_workflow
do
  local DELIVERY_RETRIES, DELIVERY_TIMEOUT_MS, DELIVERY_BASE_MS, DELIVERY_MAX_MS = 15, 30000, 2500, 3600000
  local delivery_spec

  -- A delivery is a part of the trace of what it tells of. Then its spec is as long as a spec can be, and one of its own.
  local function spec_of_delivery(trace)
    if not delivery_spec then
      delivery_spec = cmsgpack.pack(DELIVERY.kind, DELIVERY.queue, DELIVERY.rank, DELIVERY_RETRIES, DELIVERY_TIMEOUT_MS,
        DELIVERY.offset, false, DELIVERY_BASE_MS, DELIVERY_MAX_MS, 'none')
      redis.call('ZADD', queues, math.floor(now / 60000), DELIVERY.queue)
    end
    if type(trace) ~= 'string' then
      return string.char(144 + TAGS - 1) .. delivery_spec
    end
    return string.char(220, 0, TRACE) .. delivery_spec .. cmsgpack.pack('', nil, nil, nil, nil, nil, nil, nil, trace)
  end

  -- A URL has no character that JSON would have to escape; one that was damaged from outside is nobody's.
  local function is_url(url)
    return type(url) == 'string' and not string.find(url, '[%c"\\]')
  end

  local function store_delivery(id, status, spec, url)
    local delivery = made_id(id, status, url and 'job' or 'namespace', string.format('%.0f', now))
    if not delivery or redis.call('EXISTS', job_prefix .. delivery) == 1 then
      return
    end
    local payload = string.format('{"job_id":"%s","kind":"%s","queue":"%s","status":"%s","at":%.0f,"url":%s}', id, spec[KIND],
      spec[QUEUE], status, now, url and '"' .. url .. '"' or 'null')
    put_delivery(delivery, spec_of_delivery(spec[TRACE]), payload, job_prefix .. id)
  end

  -- The end of a run of a workflow; `facts` are members of a JSON object, `trace` is that of its steps, if it has one.
  function deliver_workflow(id, run, status, name, url, facts, trace)
    local delivery = is_url(url) and made_id(id, 'webhook', run)
    if delivery and redis.call('EXISTS', job_prefix .. delivery) == 0 then
      put_delivery(delivery, spec_of_delivery(trace), string.format('{"job_id":"%s","kind":"%s","queue":"","status":"%s","at":%.0f,'
        .. '"url":"%s","workflow":{%s}}', id, name, status, now, url, facts))
    end
  end

  function tell_workflow(id, status, spec)
    steps.note(id, status, spec)
  end

  -- `told_statuses` are those that the namespace wants to hear of, false for none.
  function store_deliveries(id, status, spec, told_statuses)
    if spec[KIND] == DELIVERY.kind then
      return
    end
    if told_statuses and string.find(told_statuses, status, 1, true) then
      store_delivery(id, status, spec, nil)
    end
    if is_url(spec[WEBHOOK]) then
      store_delivery(id, status, spec, spec[WEBHOOK])
    end
  end
end
