-- Looks through some pages of the list of all jobs and puts right what does not belong where it stands: ids without a job,
-- and ids that stand twice, or on another page than the one where they are looked for.
-- FLAGS allow-oom
-- KEYS  job_prefix    prefix  job hashes
-- KEYS  ids           zset    what a process of an older version has listed since the store was brought up
-- KEYS  pages         zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix   prefix  ids of jobs, in no order
-- KEYS  stats_prefix  prefix  minute statistics
-- KEYS  counts        hash    jobs by queue, status and priority
-- KEYS  totals        hash    counters since the beginning
-- KEYS  events        stream  what changed
-- ARGV  first         name of the page to begin with, '' for the first
-- ARGV  amount        how many ids to look at before it is enough, 1–200
-- RETURN  name of the page to go on with ('': the end), ids that were taken out of a place
-- @include now
-- @include record
-- @include id_order
-- @include pages
-- @include paging
-- The walk through the jobs, which came before this one, has listed them.
if first == '' then
  redis.call('UNLINK', ids)
end
local page, looks, taken = first ~= '' and first or redis.call('ZRANGE', pages, 0, 0)[1], 0, {}

local function take_out(id)
  redis.call('LREM', page_prefix .. page, 1, id)
  tally('repaired')
  taken[#taken + 1] = id
end

local function look_at(behind)
  local last
  for _, id in ipairs(ids_of(page)) do
    looks = looks + 1
    if redis.call('EXISTS', job_prefix .. id) == 0 then
      take_out(id)
      changed(id, 'pruned')
    elseif id == last then
      take_out(id)
    elseif behind and not is_before(id, behind) or is_before(id, page) then
      take_out(id)
      if not is_on_page(id) then
        put_on_pages({id})
      end
    end
    last = id
  end
  if redis.call('EXISTS', page_prefix .. page) == 0 then
    redis.call('ZREM', pages, page)
  end
end

while page and looks < tonumber(amount) do
  -- An empty page costs a look as well.
  looks = looks + 1
  local behind = page_behind(page)
  look_at(behind)
  page = behind
end
record('reconcile')
return {page or '', taken}
