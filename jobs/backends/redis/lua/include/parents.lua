-- What a step is told of its parents: how each ended and what it made, as JSON text of which nothing is decoded here. Names
-- have no character that JSON would have to escape.
-- Needs: workflow_prefix; spec
local note_parents
do
  local MAX_BYTES, AT_ONCE = 262144, 500
  local ENDS = {c = 'completed', d = 'dead_letter', x = 'cancelled'}

  local function one_parent(name, state, result, room)
    local text = string.format('"%s":{"status":"%s"', name, ENDS[state] or 'waiting')
    if state == 'c' and (result == '' or result and #result > room) then
      -- It is larger than what is kept or handed over: who needs it asks for the job.
      return text .. ',"omitted":true}', 0
    elseif state == 'c' then
      return text .. ',"result":' .. (result or 'null') .. '}', #(result or '')
    end
    return text .. '}', 0
  end

  local function parents_of(key, number)
    local numbers, parts, room = {}, {}, MAX_BYTES
    for parent in string.gmatch(redis.call('HGET', key, 'a' .. number) or '', '%d+') do
      numbers[#numbers + 1] = parent
    end
    for first = 1, #numbers, AT_ONCE do
      local fields = {}
      for place = first, math.min(first + AT_ONCE - 1, #numbers) do
        local n = #fields
        fields[n + 1], fields[n + 2], fields[n + 3] = 'n' .. numbers[place], 's' .. numbers[place], 'r' .. numbers[place]
      end
      local f = redis.call('HMGET', key, unpack(fields))
      for at = 1, #fields, 3 do
        if f[at] then
          local text, taken = one_parent(f[at], f[at + 1], f[at + 2], room)
          parts[#parts + 1], room = text, room - taken
        end
      end
    end
    return '{' .. table.concat(parts, ',') .. '}'
  end

  -- Adds the place of the job and the text to the list `made`.
  function note_parents(place, spec, made)
    local step = spec[WORKFLOW]
    if type(step) == 'table' and type(step[1]) == 'string' and type(step[3]) == 'number' and step[3] > 0 then
      local n = #made
      made[n + 1] = place
      made[n + 2] = parents_of(workflow_prefix .. step[1], string.format('%.0f', step[3]))
    end
  end
end
