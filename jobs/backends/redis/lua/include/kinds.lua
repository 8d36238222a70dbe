-- The labels under which totals are kept by kind. Kinds come from clients; beyond a bound they share one label, so that the
-- hash stays small.
-- Needs: totals
local kind_label
do
  local MAX_KINDS = 500
  local kind_labels = {}

  function kind_label(kind)
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
end
