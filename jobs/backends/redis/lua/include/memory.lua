-- How much memory the store has and uses, asked for once a call, and only by a call that wants to know.
-- Needs: nothing
local memory_used, memory_limit

-- Bytes used, and the limit, 0 for none. A user who may not ask is treated as where there is none.
local function memory()
  if not memory_used then
    local told = redis.pcall('INFO', 'memory')
    told = type(told) == 'string' and told or ''
    memory_used = tonumber(string.match(told, '\nused_memory:(%d+)')) or 0
    memory_limit = tonumber(string.match(told, '\nmaxmemory:(%d+)')) or 0
  end
  return memory_used, memory_limit
end

local function is_memory_full(share)
  local used, limit = memory()
  return limit > 0 and used >= limit * share
end
