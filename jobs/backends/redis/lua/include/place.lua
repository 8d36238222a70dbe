-- Puts a job into the index of its new status and books the move. The caller has taken it out of the old index.
-- Needs: queue_prefix; count changed (record)
local ready_queues = {}

local function status_change(id, queue, rank, before, after)
  if before then
    count(queue, before, rank, -1)
  end
  count(queue, after, rank, 1)
  changed(id, after, queue)
end

local function place_ready(id, queue, offset, ready_us)
  redis.call('ZADD', queue_prefix .. queue, offset + ready_us / 1000000, id)
  ready_queues[queue] = (ready_queues[queue] or 0) + 1
end
