-- The fields of `counts` that a queue may have, in the order in which the codec reads them; a test compares the two.
-- Needs: nothing
local STATUSES = {'queued', 'scheduled', 'waiting', 'running', 'completed', 'failed', 'dead_letter', 'cancelled'}
local LAST_RANK = 3

local function count_fields(queue)
  local names = {}
  for _, status in ipairs(STATUSES) do
    for rank = 0, LAST_RANK do
      names[#names + 1] = queue .. '|' .. status .. '|' .. rank
    end
  end
  return names
end
