-- Returns a stretch of the list of all jobs from a place on, in order of id, which is order of submission.
-- FLAGS no-writes
-- KEYS  job_prefix   prefix  job hashes
-- KEYS  pages        zset    pages of the list of all jobs, score 0
-- KEYS  page_prefix  prefix  ids of jobs, in no order
-- ARGV  direction    1 oldest first · -1 newest first
-- ARGV  place        id to go on from, or '' for the start
-- ARGV  limit        most jobs, 1–200
-- RETURN  for each job: id, score (0), [values of SUMMARY]
-- @include summary
-- @include id_order
-- @include pages
direction, limit = tonumber(direction), tonumber(limit)
local answers, page = {}, nil

local function is_beyond(id)
  return place == '' or direction == 1 and is_before(place, id) or direction == -1 and is_before(id, place)
end

local function take_from_page()
  local found, last = ids_of(page), nil
  for at = direction == 1 and 1 or #found, direction == 1 and #found or 1, direction do
    local id = found[at]
    if #answers >= 3 * limit then
      return
    elseif is_beyond(id) and id ~= last then
      answers[#answers + 1] = id
      answers[#answers + 1] = '0'
      answers[#answers + 1] = summary(id)
    end
    last = id
  end
end

local function next_page()
  if direction == 1 then
    return page_behind(page)
  end
  return redis.call('ZRANGE', pages, '(' .. page, '-', 'BYLEX', 'REV', 'LIMIT', 0, 1)[1]
end

local function end_page(rank)
  return redis.call('ZRANGE', pages, rank, rank)[1]
end

if direction == 1 then
  page = place ~= '' and page_of(place) or end_page(0)
else
  page = place == '' and end_page(-1) or page_of(place)
end
while page and #answers < 3 * limit do
  take_from_page()
  page = next_page()
end
return answers
