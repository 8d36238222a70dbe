-- Whether this namespace has limits, or jobs that one held back: where it has not, which is usual, nothing else asks for them.
-- Needs: limits held
local has_limits
do
  local is_limited

  function has_limits()
    if is_limited == nil then
      is_limited = redis.call('EXISTS', limits, held) > 0
    end
    return is_limited
  end
end
