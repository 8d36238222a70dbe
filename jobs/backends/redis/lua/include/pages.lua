-- The list of all jobs, on pages: a page is a list of ids in no order, and has the name of the least that may stand on it.
-- `pages` has the names in order: an id belongs on the page whose name is the last that is not behind it. An entry of an index
-- for each takes three times the memory, and most jobs come at the end.
-- Needs: pages page_prefix; id_order
local page_of, page_behind, is_on_page, sorted, ids_of
do
  -- nil where all names are behind the id.
  function page_of(id)
    return redis.call('ZRANGE', pages, '[' .. id, '-', 'BYLEX', 'REV', 'LIMIT', 0, 1)[1]
  end

  function page_behind(page)
    return redis.call('ZRANGE', pages, '(' .. page, '+', 'BYLEX', 'LIMIT', 0, 1)[1]
  end

  -- Whether an id stands where it is looked for.
  function is_on_page(id)
    local page = page_of(id)
    return page and redis.call('LPOS', page_prefix .. page, id) and true or false
  end

  -- Sorts ids; tells whether they were in order before, as they mostly are: sorting them all the same would cost much.
  function sorted(ids)
    for at = 2, #ids do
      if is_before(ids[at], ids[at - 1]) then
        sort_ids(ids)
        return false
      end
    end
    return true
  end

  -- The ids of a page in order, and whether they stood in it.
  function ids_of(page)
    local found = redis.call('LRANGE', page_prefix .. page, 0, -1)
    return found, sorted(found)
  end
end
