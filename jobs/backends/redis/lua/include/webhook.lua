-- Stores a delivery for each end of a job that somebody wants to hear of: the namespace's webhook, or the job's own. A
-- delivery is a job itself. Its id comes of the end that it tells, so that none is told twice; its own end is told nobody.
-- Needs: job_prefix queues webhook; now; spec delivery
-- About six hours: 5, 10, 20 … seconds, then an hour each.
local deliver_end
do
  local DELIVERY_RETRIES, DELIVERY_TIMEOUT_MS, DELIVERY_BASE_MS, DELIVERY_MAX_MS = 15, 30000, 2500, 3600000
  local told_statuses, delivery_spec

  -- A UUIDv7 of the job's shard; nil for an id that names none.
  local function delivery_id(id, status, whose)
    local shard = string.match(id, '^[%x-]+(%x%x)$')
    local chance = redis.sha1hex(table.concat({id, status, whose, string.format('%.0f', now)}, ' '))
    local part = function(first, last) return string.sub(chance, first, last) end
    return shard and string.format('%08x-%04x-7%s-8%s-%s%s', math.floor(now / 65536), now % 65536, part(1, 3), part(4, 6),
      part(7, 16), shard)
  end

  local function store_delivery(id, status, spec, url)
    local delivery = delivery_id(id, status, url and 'job' or 'namespace')
    if not delivery or redis.call('EXISTS', job_prefix .. delivery) == 1 then
      return
    end
    local payload = string.format('{"job_id":"%s","kind":"%s","queue":"%s","status":"%s","at":%.0f,"url":%s}', id, spec[KIND],
      spec[QUEUE], status, now, url and '"' .. url .. '"' or 'null')
    if not delivery_spec then
      delivery_spec = cmsgpack.pack({DELIVERY.kind, DELIVERY.queue, DELIVERY.rank, DELIVERY_RETRIES, DELIVERY_TIMEOUT_MS,
        DELIVERY.offset, false, DELIVERY_BASE_MS, DELIVERY_MAX_MS, 'none'})
      redis.call('ZADD', queues, math.floor(now / 60000), DELIVERY.queue)
    end
    put_delivery(delivery, delivery_spec, payload, job_prefix .. id)
  end

  -- One key is read a call, however many jobs end in it.
  function deliver_end(id, status, spec)
    if told_statuses == nil then
      told_statuses = redis.call('GET', webhook) or false
    end
    local url = spec[WEBHOOK]
    if (told_statuses or url) and spec[KIND] ~= DELIVERY.kind then
      if told_statuses and string.find(told_statuses, status, 1, true) then
        store_delivery(id, status, spec, nil)
      end
      -- A URL has no character that JSON would have to escape; one that was damaged from outside is nobody's.
      if type(url) == 'string' and not string.find(url, '[%c"\\]') then
        store_delivery(id, status, spec, url)
      end
    end
  end
end
