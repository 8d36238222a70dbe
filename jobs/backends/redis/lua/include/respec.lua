-- Writes another queue, or another rank and offset, into a packed spec. All else stays byte by byte, so that no script has to
-- know the rest of the array.
-- Needs: spec
local respec
do
  local NIL, USUAL_MAX_RETRIES, USUAL_TIMEOUT_MS = cmsgpack.pack(nil), 3, 60000

  -- The elements of the array, each still packed.
  local function parts_of(packed)
    local first, at = string.byte(packed), 1
    local size = first - 144
    if size > 15 then
      size, at = string.byte(packed, 2) * 256 + string.byte(packed, 3), 3
    end
    local parts = {}
    for i = 1, size do
      local after = cmsgpack.unpack_one(packed, at)
      after = after < 0 and #packed or after
      parts[i] = string.sub(packed, at + 1, after)
      at = after
    end
    return parts
  end

  local function joined(parts)
    local size = #parts
    local head = size < 16 and string.char(144 + size) or string.char(220, math.floor(size / 256), size % 256)
    return head .. table.concat(parts)
  end

  -- `changes` has packed values by their place. What is passed over stands at its default.
  function respec(packed, changes)
    local parts = parts_of(packed)
    if changes[OFFSET] and changes[OFFSET] ~= NIL then
      parts[MAX_RETRIES] = parts[MAX_RETRIES] or cmsgpack.pack(USUAL_MAX_RETRIES)
      parts[TIMEOUT] = parts[TIMEOUT] or cmsgpack.pack(USUAL_TIMEOUT_MS)
    end
    for place, value in pairs(changes) do
      if parts[place] or value ~= NIL then
        parts[place] = value
      end
    end
    return joined(parts)
  end
end
