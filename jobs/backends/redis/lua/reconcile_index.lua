-- Looks through a stretch of one index and takes out what does not belong there: ids without a job, and jobs of another
-- status or queue, which `reconcile_jobs` puts where they belong.
-- FLAGS allow-oom
-- KEYS  index         zset    the index
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  pages         zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix   prefix  ids of jobs, in no order
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- KEYS  events        stream  what changed
-- ARGV  status        of the jobs that belong there
-- ARGV  queue         of those jobs, '' for all
-- ARGV  first         rank of the first entry to look at
-- ARGV  amount        most entries to look at, 1–200
-- RETURN  rank to go on from (-1: the end), ids that were taken out
-- @include now
-- @include record
-- @include number
-- @include spec
-- @include id_order
-- @include pages
-- @include paging
first, amount = tonumber(first), math.min(tonumber(amount), 200)
local taken, forgotten = {}, {}

local function belongs(id)
  local job = redis.call('HMGET', job_prefix .. id, 'status', 'spec')
  if job[1] ~= status then
    return false
  end
  local spec = readable_spec(job[2])
  -- What cannot be read is `reconcile_jobs`' business, as long as it stands in one place.
  return queue == '' or not spec or spec[QUEUE] == queue
end

local entries = redis.call('ZRANGE', index, first, first + amount - 1)
for _, id in ipairs(entries) do
  if not belongs(id) then
    redis.call('ZREM', index, id)
    if redis.call('EXISTS', job_prefix .. id) == 0 then
      forgotten[#forgotten + 1] = id
      changed(id, 'pruned', queue ~= '' and queue or nil)
    end
    tally('repaired')
    taken[#taken + 1] = id
  end
end
take_off_pages(forgotten)
record('reconcile')
return {#entries < amount and -1 or first + #entries - #taken, taken}
