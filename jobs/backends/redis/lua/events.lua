-- Returns what happened after an event, and whether older events were dropped before they could be read.
-- FLAGS no-writes
-- KEYS  events  stream  what changed
-- ARGV  after   event id, or `$` for the newest event only
-- ARGV  limit   most events
-- RETURN  1 if events were missed else 0, then for each event: id, [field, value …]
local found
if after == '$' then
  found = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)
else
  found = redis.call('XRANGE', events, '(' .. after, '+', 'COUNT', limit)
end
local missed = 0
if after ~= '$' and after ~= '0-0' and #redis.call('XRANGE', events, after, after) == 0 then
  missed = 1
end
local answers = {missed}
for _, entry in ipairs(found) do
  answers[#answers + 1] = entry[1]
  answers[#answers + 1] = entry[2]
end
return answers
