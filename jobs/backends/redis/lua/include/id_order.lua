-- Which of two ids comes first: by their bytes, as in a sorted set. Lua compares text as the locale does that the server was
-- started in, and in some "aa" (Danish, Norwegian), "dd" or "ff" (Welsh) is a letter of its own, behind all that begin alike.
-- Needs: nothing
local is_before, sort_ids
do
  local is_bytewise = 'aa' < 'ab' and 'dd' < 'de' and 'ff' < 'fg' and '9' < 'a'

  function is_before(a, b)
    if is_bytewise then
      return a < b
    end
    for at = 1, math.min(#a, #b) do
      local x, y = string.byte(a, at), string.byte(b, at)
      if x ~= y then
        return x < y
      end
    end
    return #a < #b
  end

  function sort_ids(ids)
    if is_bytewise then
      table.sort(ids)
    else
      table.sort(ids, is_before)
    end
  end
end
