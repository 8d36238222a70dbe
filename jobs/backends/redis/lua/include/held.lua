-- Brings jobs back that a limit held back, and lists them no more.
-- While a kind is held, the turns of a fair queue go on with others, and who came then would stand behind all that waited
-- before. So keys take turns in the list of a kind, too: `fair_prefix` + ~ + list has by rank the turn that came back last,
-- and by rank and key where the jobs of a key end.
-- Needs: held held_names held_prefix fair_prefix; spec limiter place fair
local held_turn, unhold, forget_list, brought_back
do
  local MAX_BROUGHT, brought = 400, 0

  local function is_of_kind(pair)
    return not string.find(pair, '^[bq]:')
  end

  -- The score of a job in a list: no later than the one that it has, and behind the one of its key before it.
  function held_turn(pair, queue, spec, score)
    local share = score >= FAIR and is_of_kind(pair) and share_of(queue)
    if not share then
      return score
    end
    local name, rank = '~' .. pair, string.format('%d', spec[RANK])
    local turns = fair_prefix .. name
    local _, key = line_of(queue, spec[RANK], spec)
    redis.call('ZADD', turns, 'NX', score, rank)
    local known = redis.call('ZMSCORE', turns, rank, rank .. ' ' .. key)
    local turn = math.min(score, math.max(tonumber(known[1]), tonumber(known[2] or known[1])))
    redis.call('ZADD', turns, 'GT', turn + step_of(share, key), rank .. ' ' .. key)
    return turn
  end

  -- `last` has by rank the turn of the last that came back.
  local function note_turns(pair, last)
    local name = '~' .. pair
    for rank, turn in pairs(last) do
      redis.call('ZADD', fair_prefix .. name, 'GT', turn, string.format('%d', rank))
      redis.call('ZREMRANGEBYSCORE', fair_prefix .. name, FAIR + rank * FAIR_BAND, '(' .. string.format('%.17g', turn))
    end
  end

  function forget_list(pair)
    redis.call('ZREM', held, pair)
    redis.call('ZREM', held_names, pair)
    if is_of_kind(pair) then
      local name = '~' .. pair
      redis.call('UNLINK', fair_prefix .. name)
    end
  end

  -- Brings the first jobs of a list back. Who was cancelled or purged meanwhile still stands there, and is passed over.
  -- Tells whether any are left.
  function unhold(pair, queue, amount)
    local list, index, found, last = held_prefix .. pair, ready_index(queue), 0, {}
    amount = math.min(amount, MAX_BROUGHT - brought)
    while found < amount do
      local popped = redis.call('ZPOPMIN', list, amount - found)
      if #popped == 0 then
        break
      end
      for i = 1, #popped, 2 do
        local turn = tonumber(popped[i + 1])
        if turn >= FAIR and is_of_kind(pair) then
          last[math.floor((turn - FAIR) / FAIR_BAND)] = turn
        end
        local score = redis.call('ZSCORE', index, popped[i])
        if score and tonumber(score) >= HELD then
          put_ready(queue, fit_score(popped[i], queue, turn), popped[i])
          found = found + 1
        end
      end
    end
    brought = brought + found
    note_turns(pair, last)
    local is_left = redis.call('EXISTS', list) == 1
    if not is_left then
      forget_list(pair)
    end
    return is_left
  end

  -- How many came back in this call.
  function brought_back()
    return brought
  end
end
