-- Histograms: how often an elapsed time fell into each bucket, and the sum of all.
-- Needs: tally (record)
local observe, tally_observed
do
  local BUCKETS = {1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, math.huge}
  -- Written out, since making text of a number costs more than all the rest of an observation.
  local BUCKET_NAMES = {':1', ':5', ':10', ':25', ':50', ':100', ':250', ':500', ':1000', ':2500', ':5000', ':10000', ':30000',
    ':60000', ':300000', ':inf'}
  local observed = {}

  -- The times of one call are of one sort; `label` tells them apart, such as the kinds of jobs.
  function observe(label, elapsed_ms)
    local seen = observed[label]
    if not seen then
      seen = {sum = 0}
      observed[label] = seen
    end
    local bucket = 1
    while elapsed_ms > BUCKETS[bucket] do
      bucket = bucket + 1
    end
    seen[bucket] = (seen[bucket] or 0) + 1
    seen.sum = seen.sum + elapsed_ms
  end

  -- `sort` names the histogram: `wait`, `dur`.
  function tally_observed(sort)
    for label, seen in pairs(observed) do
      local name = label == '' and '' or ':' .. label
      for bucket, bucket_name in ipairs(BUCKET_NAMES) do
        if seen[bucket] then
          tally(sort .. '_le' .. name .. bucket_name, seen[bucket])
        end
      end
      tally(sort .. '_sum' .. name, math.floor(seen.sum + 0.5))
    end
  end
end
