-- What is shown of a workflow, in the order in which the codec reads it; a test compares the two.
-- Needs: workflow_prefix
local HEAD = {'name', 'status', 'created', 'finished_at', 'steps', 'w', 'a', 'c', 'd', 'x', 'policy', 'cancel_by', 'run', 'walks',
  'created_by', 'webhook'}

-- Nothing for one that is not started.
local function workflow_head(id)
  local head = redis.call('HMGET', workflow_prefix .. id, unpack(HEAD))
  return head[2] and head[2] ~= 'staged' and head[2] ~= 'swept' and head
end
