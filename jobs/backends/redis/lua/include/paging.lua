-- Puts ids on the pages of the list of all jobs and takes them off, many at once.
-- Needs: pages page_prefix; is_before (id_order) page_of page_behind sorted ids_of (pages)
local put_on_pages, take_off_pages
do
  -- A page that has more gives its newest to another. Those that are still to come belong among them, or thereabouts. Where
  -- many came late, what is left makes several pages.
  local MOST, KEPT, PIECE = 512, 128, 640

  -- What has the name of a page and is not among them was left behind by somebody.
  local function begin(page, ...)
    if redis.call('ZADD', pages, 0, page) == 1 then
      redis.call('DEL', page_prefix .. page)
    end
    redis.call('RPUSH', page_prefix .. page, ...)
  end

  local function divide(page)
    local found, is_sorted = ids_of(page)
    local last = #found - KEPT
    begin(found[last + 1], unpack(found, last + 1))
    for first = PIECE + 1, last, PIECE do
      begin(found[first], unpack(found, first, math.min(first + PIECE - 1, last)))
    end
    last = math.min(last, PIECE)
    if is_sorted then
      redis.call('LTRIM', page_prefix .. page, 0, last - 1)
    else
      redis.call('DEL', page_prefix .. page)
      redis.call('RPUSH', page_prefix .. page, unpack(found, 1, last))
    end
  end

  local function put_on(page, ...)
    if redis.call('RPUSH', page_prefix .. page, ...) > MOST then
      divide(page)
    end
  end

  local function take_off(page, ...)
    for _, id in ipairs({...}) do
      redis.call('LREM', page_prefix .. page, 1, id)
    end
    if redis.call('EXISTS', page_prefix .. page) == 0 then
      redis.call('ZREM', pages, page)
    end
  end

  -- The first page takes what is before all of them, and its name.
  local function rename_first(name)
    local page = redis.call('ZRANGE', pages, 0, 0)[1]
    redis.call('DEL', page_prefix .. name)
    redis.call('ZREM', pages, page)
    redis.call('ZADD', pages, 0, name)
    if redis.call('EXISTS', page_prefix .. page) == 1 then
      redis.call('RENAME', page_prefix .. page, page_prefix .. name)
    end
  end

  -- Calls `act` with each page and those of the ids, which are in order, that belong on it.
  local function by_page(ids, act)
    local first = 1
    while first <= #ids do
      local page, last = page_of(ids[first]), first
      local behind = page and page_behind(page)
      while page and last < #ids and not (behind and not is_before(ids[last + 1], behind)) do
        last = last + 1
      end
      if page then
        act(page, unpack(ids, first, last))
      end
      first = last + 1
    end
  end

  -- None of the ids stands on a page yet.
  function put_on_pages(ids)
    sorted(ids)
    local last_page = redis.call('ZRANGE', pages, -1, -1)[1]
    if not last_page then
      begin(ids[1], unpack(ids))
    elseif not is_before(ids[1], last_page) then
      put_on(last_page, unpack(ids))
    else
      if not page_of(ids[1]) then
        rename_first(ids[1])
      end
      by_page(ids, put_on)
    end
  end

  function take_off_pages(ids)
    sorted(ids)
    by_page(ids, take_off)
  end
end
