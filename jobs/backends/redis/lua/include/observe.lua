-- Histograms: how often an elapsed time fell into each bucket, and the sum of all.
-- Needs: tally (record)
local BUCKETS = {1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000}
-- Written out, since making text of a number costs more than all the rest of an observation.
local BUCKET_NAMES = {':1', ':5', ':10', ':25', ':50', ':100', ':250', ':500', ':1000', ':2500', ':5000', ':10000', ':30000',
  ':60000', ':300000'}

local function observe(name, sum_name, elapsed_ms)
  local bucket = ':inf'
  for i = 1, #BUCKETS do
    if elapsed_ms <= BUCKETS[i] then
      bucket = BUCKET_NAMES[i]
      break
    end
  end
  tally(name .. bucket)
  tally(sum_name, math.floor(elapsed_ms + 0.5))
end
