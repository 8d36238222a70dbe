-- Puts jobs into the index of their new status and books the moves. The caller has taken them out of the old index or
-- does so with `take_from`. Indexes are written once a call, by `write_indexes`: a command for each job costs more.
-- Needs: queue_prefix fair; moved changed (record); pages of who calls enlist; wake of who calls write_and_wake; turns, which
-- knows fair queues
local status_change, put_into, take_from, enlist, ready_index, put_ready, place_ready, write_indexes, write_and_wake
local fair_score, leave_line
do
  local ready_queues, ready_indexes, is_any_fair = {}, {}, nil
  local added, taken, enlisted, new_jobs = {}, {}, {}, 0

  function status_change(id, queue, rank, before, after)
    moved(queue, rank, before, after)
    changed(id, after, queue)
  end

  -- A list counts its entries itself: asking Lua for the length of a table is a search.
  function put_into(index, score, id)
    local list = added[index]
    if not list then
      list = {n = 0}
      added[index] = list
    end
    local n = list.n
    list[n + 1] = score
    list[n + 2] = id
    list.n = n + 2
  end

  function take_from(index, id)
    local list = taken[index]
    if not list then
      list = {n = 0}
      taken[index] = list
    end
    local n = list.n + 1
    list[n] = id
    list.n = n
  end

  -- A job that is new, on the list of all.
  function enlist(id)
    new_jobs = new_jobs + 1
    enlisted[new_jobs] = id
  end

  function ready_index(queue)
    local index = ready_indexes[queue]
    if not index then
      index = queue_prefix .. queue
      ready_indexes[queue], ready_queues[queue] = index, 0
    end
    return index
  end

  function put_ready(queue, score, id)
    local index = ready_index(queue)
    ready_queues[queue] = ready_queues[queue] + 1
    put_into(index, score, id)
  end

  -- Offset and ready time as one score; a job of the default mode does not keep its offset. Of a fair queue its turn, for
  -- which its spec is needed, packed or not; without one its turn has come.
  function place_ready(id, queue, rank, offset, ready_us, spec)
    local index = ready_indexes[queue] or ready_index(queue)
    ready_queues[queue] = ready_queues[queue] + 1
    if is_any_fair == nil then
      is_any_fair = redis.call('EXISTS', fair) == 1
    end
    put_into(index, is_any_fair and fair_score(id, queue, rank, spec) or (offset or rank * 1000) + ready_us / 1000000, id)
  end

  -- No job moves twice in one call, so the order of the two does not matter. A batch is far below Lua's limit of 8000.
  function write_indexes()
    for index, ids in pairs(taken) do
      redis.call('ZREM', index, unpack(ids, 1, ids.n))
    end
    for index, members in pairs(added) do
      redis.call('ZADD', index, unpack(members, 1, members.n))
    end
    added, taken = {}, {}
    if new_jobs > 0 then
      put_on_pages(enlisted)
      enlisted, new_jobs = {}, 0
    end
  end

  -- The end of a call that made jobs ready: their indexes, then hints to those who wait for them.
  function write_and_wake()
    write_indexes()
    for queue, amount in pairs(ready_queues) do
      wake(queue, amount)
    end
  end
end
