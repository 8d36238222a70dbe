-- What a settlement must look like.
-- Needs: failure outcome
-- Redis does not roll back, so nothing is written before the whole batch is known to be sound.
local function is_failure(failure)
  return type(failure) == 'table' and type(failure[ERROR_TYPE]) == 'string' and type(failure[ERROR_MESSAGE]) == 'string'
    and type(failure[TRACEBACK]) == 'string' and type(failure[DELAY]) == 'number' and type(failure[CHANCE]) == 'number'
end

local function is_settlement(batch, at)
  local failure = batch[at + 5]
  return type(batch[at]) == 'string' and type(batch[at + 1]) == 'string' and (batch[at + 2] == 'completed' or settle[batch[at + 2]])
    and type(batch[at + 3]) == 'number' and type(batch[at + 4]) == 'string' and (failure == false or is_failure(failure))
end
