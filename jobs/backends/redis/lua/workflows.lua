-- Lists workflows, newest start first.
-- FLAGS no-writes
-- KEYS  workflow_prefix  prefix  workflows: what each is, and its graph
-- KEYS  workflows        zset    started workflows by start (ms)
-- ARGV  score            of the last one seen, or ''
-- ARGV  place            id of the last one seen
-- ARGV  direction        -1: falling, from the newest on · 1: rising
-- ARGV  limit            most to return, 1–200
-- RETURN  for each: id, start (ms), values of HEAD
-- @include workflow_head
-- @include id_order
-- @include stretch
direction, limit = tonumber(direction), math.min(tonumber(limit), 200)
local reply, found = {}, stretch(workflows)
for at = 1, #found, 2 do
  local head = workflow_head(found[at])
  if head then
    reply[#reply + 1] = {found[at], found[at + 1], head}
  end
end
return reply
