-- Numbers out of fields that may have been damaged from outside.
-- Needs: nothing
local number_of
do
  local TOO_MANY = 2 ^ 53

  -- A whole number that a double holds exactly, or nil: `nan` and `inf` are numbers to tonumber(), and no index and no
  -- counter takes them. No time, count or size of a job is below 0.
  function number_of(text)
    local number = tonumber(text)
    return number and number >= 0 and number < TOO_MANY and math.floor(number) or nil
  end
end
