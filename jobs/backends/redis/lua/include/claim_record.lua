-- The last claim of each worker that brought jobs: what the store answers when it is asked again, and whom it took them for.
-- Needs: job_prefix claim_prefix worker_id seq token manner claim_id latest; now
local IDS = 3
local last_claim, remember, is_asked_again, take_over, may_take
do
  local CLAIM_TTL_MS = 600000
  local SEQ, TOKEN, CLAIM_ID, ASKER = 1, 2, 4, 5

  function last_claim()
    local record = redis.call('GET', claim_prefix .. worker_id)
    return record and cmsgpack.unpack(record) or {-1, '', {}}
  end

  function remember(last_seq, last_token, ids)
    local record = {last_seq, last_token, ids}
    if claim_id ~= '' or token ~= last_token then
      record[CLAIM_ID], record[ASKER] = claim_id, token
    end
    redis.call('SET', claim_prefix .. worker_id, cmsgpack.pack(record), 'PX', CLAIM_TTL_MS)
  end

  -- A name is used up when nothing that it claimed is held any more.
  local function is_held(last)
    for _, id in ipairs(last[IDS]) do
      local held = redis.call('HMGET', job_prefix .. id, 'status', 'lease')
      local its_token = last[TOKEN] .. '-' .. string.sub(id, -12)
      if held[1] == 'running' and string.match(held[2] or '', '%S+') == its_token then
        return true
      end
    end
    return false
  end

  -- By the same request, or by another one under the name that the worker gave its claim.
  function is_asked_again(last)
    local is_same = last[SEQ] == seq and (last[ASKER] or last[TOKEN]) == token
    return is_same or (claim_id ~= '' and last[CLAIM_ID] == claim_id and is_held(last))
  end

  -- From now on its leases are this request's: one that asked before finds nothing to give back. Without the name, nobody
  -- else finds them either.
  function take_over(last)
    if token ~= (last[ASKER] or last[TOKEN]) or claim_id ~= (last[CLAIM_ID] or '') then
      remember(last[SEQ], last[TOKEN], last[IDS])
    end
    token = last[TOKEN]
  end

  -- A lower seq is a request that was overtaken, and `latest` is past for one that was given up: nobody waits for its
  -- answer, so it must take nothing.
  function may_take(last)
    return manner ~= 'recall' and (seq == 0 or last[SEQ] < seq) and (latest == 0 or now <= latest)
  end
end
