-- Writes another queue, another rank and offset, or another limit key into a packed spec. All else stays byte by byte, so
-- that no script has to know the rest of the array.
-- Needs: spec
local respec
do
  local NIL, pack = cmsgpack.pack(nil), cmsgpack.pack
  -- What stands where an array that ends sooner has nothing, as the codec reads it.
  local USUAL = {[MAX_RETRIES] = pack(3), [TIMEOUT] = pack(60000), [AT_MOST_ONCE] = pack(false), [BASE_MS] = pack(1000),
    [MAX_MS] = pack(300000), [JITTER] = pack('none'), [TAGS] = pack('')}

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
    for place, value in pairs(changes) do
      if value ~= NIL then
        for missing = #parts + 1, place do
          parts[missing] = USUAL[missing] or NIL
        end
      end
      if parts[place] then
        parts[place] = value
      end
    end
    return joined(parts)
  end
end
