-- Histograms: how often an elapsed time fell into each bucket, by kind and by queue. What /metrics tells goes into the
-- totals with its sum; what only the history tells goes into the details, which are read once a minute and not each second.
-- Needs: details; add tally (record) kind_label (kinds)
-- One table, since a script may have no more than 200 local names.
local Times = {}
do
  local BUCKETS = {1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, math.huge}
  -- Written out, since making text of a number costs more than all the rest of an observation.
  local BUCKET_NAMES = {':1', ':5', ':10', ':25', ':50', ':100', ':250', ':500', ':1000', ':2500', ':5000', ':10000', ':30000',
    ':60000', ':300000', ':inf'}
  local observed, notes, sums = {}, {}, {}
  local last_queue, last_kind, last_seen

  local function seen_of(queue, kind)
    local kinds = observed[queue]
    if not kinds then
      kinds = {}
      observed[queue] = kinds
    end
    local seen = kinds[kind]
    if not seen then
      seen = {sum = 0}
      kinds[kind] = seen
    end
    last_queue, last_kind, last_seen = queue, kind, seen
    return seen
  end

  -- The times of one call are of one sort. A damaged job has no queue: false.
  function Times.observe(queue, kind, elapsed_ms)
    local seen = queue == last_queue and kind == last_kind and last_seen or seen_of(queue, kind)
    local bucket = 1
    while elapsed_ms > BUCKETS[bucket] do
      bucket = bucket + 1
    end
    seen[bucket] = (seen[bucket] or 0) + 1
    seen.sum = seen.sum + elapsed_ms
  end

  -- Counts among the details.
  function Times.note(field, amount)
    add(notes, field, amount or 1)
  end

  local function tally_seen(sort, queue, label, seen)
    local is_run = sort == 'dur'
    local of_total = is_run and ':' .. label or ''
    for bucket, edge in ipairs(BUCKET_NAMES) do
      local amount = seen[bucket]
      if amount then
        tally(sort .. '_le' .. of_total .. edge, amount)
        if not is_run then
          Times.note('kind_wait:' .. label .. edge, amount)
        end
        if queue then
          Times.note((is_run and 'queue_run:' or 'queue_wait:') .. queue .. edge, amount)
        end
      end
    end
    add(sums, sort .. '_sum' .. of_total, seen.sum)
  end

  -- `sort` names the histogram: `wait`, `dur`.
  function Times.write(sort)
    for queue, kinds in pairs(observed) do
      for kind, seen in pairs(kinds) do
        tally_seen(sort, queue, kind_label(kind), seen)
      end
    end
    for field, sum in pairs(sums) do
      tally(field, math.floor(sum + 0.5))
    end
    for field, amount in pairs(notes) do
      redis.call('HINCRBY', details, field, amount)
    end
  end
end
