-- What a call did, gathered while it works and written once at its end: counts, totals, minute statistics, the event.
-- Needs: counts totals stats_prefix events; now
local MAX_KINDS = 500
local MINUTE_TTL_S = 93600
-- A batch is at most 200 jobs of about 40 bytes each, so the cap on entries is a cap of 33 MB on bytes as well.
local MAX_EVENTS = 4096
local BUCKETS = {1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000}
-- Written out, since making text of a number costs more than all the rest of an observation.
local BUCKET_NAMES = {':1', ':5', ':10', ':25', ':50', ':100', ':250', ':500', ':1000', ':2500', ':5000', ':10000', ':30000',
  ':60000', ':300000'}

local count_deltas, total_deltas, minute_deltas, moves = {}, {}, {}, {}
local changes, changes_size, changed_status, changed_queue = {}, 0, nil, nil
local kind_labels = {}

local function add(deltas, field, amount)
  deltas[field] = (deltas[field] or 0) + amount
end

local function count(queue, status, rank, amount)
  add(count_deltas, queue .. '|' .. status .. '|' .. rank, amount)
end

-- Many jobs of a batch move alike: one entry each, taken apart at the end. Before submission a job is in `none`.
local function moved(queue, rank, before, after)
  local move = queue .. '|' .. rank .. '|' .. (before or 'none') .. '|' .. after
  moves[move] = (moves[move] or 0) + 1
end

local function tally(field, amount)
  total_deltas[field] = (total_deltas[field] or 0) + (amount or 1)
end

local function tally_minute(field, amount)
  minute_deltas[field] = (minute_deltas[field] or 0) + (amount or 1)
end

-- Kinds come from clients; beyond a bound they share one label, so that the hash stays small.
local function kind_label(kind)
  local label = kind_labels[kind]
  if not label then
    label = kind
    if redis.call('HEXISTS', totals, 'kind:' .. kind) == 0 then
      if (tonumber(redis.call('HGET', totals, 'kinds')) or 0) >= MAX_KINDS then
        label = 'other'
      else
        redis.call('HSET', totals, 'kind:' .. kind, 1)
        redis.call('HINCRBY', totals, 'kinds', 1)
      end
    end
    kind_labels[kind] = label
  end
  return label
end

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

local function changed(id, status, queue)
  -- A status stands before the ids that have it: the jobs of a batch mostly end alike.
  if status ~= changed_status then
    changes_size = changes_size + 1
    changes[changes_size] = status
    changed_status = status
  end
  changes_size = changes_size + 1
  changes[changes_size] = id
  if changed_queue == nil then
    changed_queue = queue
  elseif changed_queue ~= queue then
    changed_queue = '*'
  end
end

local function announce(verb)
  redis.call('XADD', events, 'MAXLEN', '~', MAX_EVENTS, '*',
    'verb', verb, 'queue', changed_queue or '*', 'at', now, 'jobs', table.concat(changes, ' '))
end

local function count_moves()
  for move, amount in pairs(moves) do
    local queue, rank, before, after = string.match(move, '([^|]+)|([^|]+)|([^|]+)|([^|]+)')
    if before ~= 'none' then
      count(queue, before, rank, -amount)
    end
    count(queue, after, rank, amount)
  end
end

local function record(verb)
  count_moves()
  for field, amount in pairs(count_deltas) do
    -- What nothing is left of is dropped: the hash is read whole.
    if amount ~= 0 and redis.call('HINCRBY', counts, field, amount) == 0 then
      redis.call('HDEL', counts, field)
    end
  end
  for field, amount in pairs(total_deltas) do
    redis.call('HINCRBY', totals, field, amount)
  end
  if next(minute_deltas) then
    local minute = stats_prefix .. math.floor(now / 60000)
    for field, amount in pairs(minute_deltas) do
      redis.call('HINCRBY', minute, field, amount)
    end
    redis.call('EXPIRE', minute, MINUTE_TTL_S)
  end
  if changes_size > 0 then
    announce(verb)
  end
end
