-- The lists in which a queued job may stand because a limit holds it back: who takes it out of its queue takes it out of them.
-- Needs: held_prefix; spec
local function held_lists(spec, queue)
  local pair, key = spec[KIND] .. ' ' .. queue, spec[LIMIT_KEY]
  local found = {held_prefix .. pair}
  if type(key) == 'string' then
    pair = 'b:' .. spec[KIND] .. ':' .. key .. ' ' .. queue
    found[2] = held_prefix .. pair
  end
  return found
end
