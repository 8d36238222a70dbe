-- Joins a step that is added with those that are there already.
-- Needs: known; step
-- A parent that was there already gets the step as a child; one that has ended tells it so.
local function join_parents(id, key, number, parents)
  for parent in string.gmatch(parents == '' and '0' or parents, '%d+') do
    if tonumber(parent) <= tonumber(known) then
      local children = redis.call('HGET', key, 'c' .. parent) or ''
      redis.call('HSET', key, 'c' .. parent, children .. ' ' .. number)
      steps.tell(id, parent, #children + 1)
    end
  end
end

local function join_children(key, number, children)
  for child in string.gmatch(children, '%d+') do
    if tonumber(child) <= tonumber(known) then
      redis.call('HSET', key, 'e' .. number .. ':' .. child, 1, 'a' .. child, (redis.call('HGET', key, 'a' .. child) or '') .. ' ' .. number)
      steps.add(key, 'p' .. child, 1)
    end
  end
end
