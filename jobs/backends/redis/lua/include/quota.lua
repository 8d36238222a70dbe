-- Judges submissions by what their namespace may have.
-- Needs: tenant counts; now number quota_rules
local read_quota, over_quota, over_bytes, write_quota
do
  local JOBS, BYTES, PER_S = 1, 2, 3
  local jobs_left, bytes_left, tokens, most_tokens, is_closed

  -- A bucket that fills evenly and holds what may come in a second, or one.
  local function read_tokens(per_s)
    local left, since = string.match(redis.call('HGET', tenant, 'bucket') or '', '^(%S+) (%S+)$')
    most_tokens = per_s > 0 and math.max(1, per_s) or 0
    local gained = math.max(0, now - (number_of(since) or now)) * per_s / 1000
    return math.min(most_tokens, math.max(tonumber(left) or most_tokens, 0) + gained)
  end

  -- Whether submissions are limited; begins to count what there is room for.
  function read_quota()
    local found = the_quota()
    if not (found and (found[JOBS] or found[BYTES] or found[PER_S])) then
      return false
    end
    is_closed = found[JOBS] == 0
    jobs_left = found[JOBS] and found[JOBS] - (number_of(redis.call('HGET', counts, 'jobs')) or 0) or math.huge
    bytes_left = found[BYTES] and found[BYTES] - (number_of(redis.call('HGET', counts, 'stored')) or 0) or math.huge
    tokens = found[PER_S] and read_tokens(found[PER_S]) or math.huge
    return true
  end

  -- Takes room for bytes that come in; true where there is none. What makes a job smaller may always come.
  function over_bytes(bytes)
    if bytes > 0 and bytes_left < bytes then
      return true
    end
    bytes_left = bytes_left - bytes
    return false
  end

  -- Takes room for a submission that adds so many jobs, 1 or 0, and bytes, or names the limit that leaves none.
  function over_quota(jobs, bytes)
    if jobs > 0 and jobs_left < 1 or is_closed then
      return 'quota_jobs'
    elseif tokens < 1 then
      return bytes > 0 and bytes_left < bytes and 'quota_bytes' or 'quota_rate'
    elseif over_bytes(bytes) then
      return 'quota_bytes'
    end
    jobs_left, tokens = jobs_left - jobs, tokens - 1
    return nil
  end

  function write_quota()
    if most_tokens then
      redis.call('HSET', tenant, 'bucket', string.format('%.6f %.0f', tokens, now))
    end
  end
end
