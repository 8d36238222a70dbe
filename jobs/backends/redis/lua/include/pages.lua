-- The list of all jobs, on pages: a page is a list of ids in no order, and has the name of the least that may stand on it.
-- `pages` has the names in order: an id belongs on the page whose name is the last that is not behind it. An entry of an index
-- for each takes three times the memory, and most jobs come at the end.
-- Needs: pages page_prefix
local page_of, page_behind, ids_of
do
  -- nil where all names are behind the id.
  function page_of(id)
    return redis.call('ZRANGE', pages, '[' .. id, '-', 'BYLEX', 'REV', 'LIMIT', 0, 1)[1]
  end

  function page_behind(page)
    return redis.call('ZRANGE', pages, '(' .. page, '+', 'BYLEX', 'LIMIT', 0, 1)[1]
  end

  -- The ids of a page in order, and whether they stood in it.
  function ids_of(page)
    local found, is_sorted = redis.call('LRANGE', page_prefix .. page, 0, -1), true
    for at = 2, #found do
      is_sorted = is_sorted and found[at - 1] < found[at]
    end
    if not is_sorted then
      table.sort(found)
    end
    return found, is_sorted
  end
end
