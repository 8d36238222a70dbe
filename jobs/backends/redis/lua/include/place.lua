-- Puts jobs into the index of their new status and books the moves. The caller has taken them out of the old index or
-- does so with `take_from`. Indexes are written once a call, by `write_indexes`: a command for each job costs more.
-- Needs: queue_prefix; moved changed (record); wake of who calls write_and_wake
local ready_queues = {}
local added, taken = {}, {}

local function status_change(id, queue, rank, before, after)
  moved(queue, rank, before, after)
  changed(id, after, queue)
end

local function put_into(index, score, id)
  local list = added[index]
  if not list then
    list = {}
    added[index] = list
  end
  local n = #list
  list[n + 1] = score
  list[n + 2] = id
end

local function take_from(index, id)
  local list = taken[index]
  if not list then
    list = {}
    taken[index] = list
  end
  list[#list + 1] = id
end

-- Offset and ready time as one score; a job of the default mode does not keep its offset.
local function place_ready(id, queue, rank, offset, ready_us)
  put_into(queue_prefix .. queue, (offset or rank * 1000) + ready_us / 1000000, id)
  ready_queues[queue] = (ready_queues[queue] or 0) + 1
end

-- No job moves twice in one call, so the order of the two does not matter. A batch is far below Lua's limit of 8000.
local function write_indexes()
  for index, ids in pairs(taken) do
    redis.call('ZREM', index, unpack(ids))
  end
  for index, members in pairs(added) do
    redis.call('ZADD', index, unpack(members))
  end
  added, taken = {}, {}
end

-- The end of a call that made jobs ready: their indexes, then hints to those who wait for them.
local function write_and_wake()
  write_indexes()
  for queue, amount in pairs(ready_queues) do
    wake(queue, amount)
  end
end
