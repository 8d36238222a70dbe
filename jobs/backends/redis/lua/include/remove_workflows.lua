-- Removes the workflows of a deleted namespace, some in each call.
-- Needs: workflow_prefix workflows workflows_staged workflows_ended workflow_walks limit
-- Returns whether there may be more.
local function remove_workflows()
  local removed = 0
  for _, index in ipairs({workflows, workflows_staged}) do
    for _, id in ipairs(redis.call('ZRANGE', index, 0, tonumber(limit) - 1)) do
      redis.call('UNLINK', workflow_prefix .. id)
      redis.call('ZREM', index, id)
      removed = removed + 1
    end
  end
  local UNTOLD, SWEPT = '~work', '~swept'
  redis.call('UNLINK', workflows_ended, workflow_walks, workflow_prefix .. UNTOLD, workflow_prefix .. SWEPT)
  return removed > 0
end
