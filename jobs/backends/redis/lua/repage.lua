-- Brings the list of all jobs from layout 3, an entry an id, onto pages, some ids at a time.
-- FLAGS allow-oom
-- KEYS  ids          zset    every job, score 0, as layout 3 has it
-- KEYS  pages        zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix  prefix  ids of jobs, in no order
-- KEYS  counts       hash    jobs by queue, status and priority
-- ARGV  amount       most ids to move, 1–200
-- RETURN  how many are left
-- @include id_order
-- @include pages
-- @include paging
local found, moved = redis.call('ZRANGE', ids, 0, tonumber(amount) - 1), {}
for _, id in ipairs(found) do
  -- One may stand there already, where an older version was started again meanwhile.
  if not is_on_page(id) then
    moved[#moved + 1] = id
  end
end
if moved[1] then
  put_on_pages(moved)
  redis.call('HINCRBY', counts, 'jobs', #moved)
end
if found[1] then
  redis.call('ZREM', ids, unpack(found))
end
return redis.call('ZCARD', ids)
