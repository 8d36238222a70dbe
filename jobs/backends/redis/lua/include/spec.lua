-- What a job is as it was submitted: one msgpack array in the field `spec`, so that a job is a short hash. The codec
-- writes it and leaves out what stands at its default at the end. It may have been damaged from outside, so that each is
-- judged before anybody relies on it.
-- Needs: number
local KIND, QUEUE, RANK, MAX_RETRIES, TIMEOUT, OFFSET, AT_MOST_ONCE, BASE_MS, MAX_MS, JITTER, TAGS, WEBHOOK = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
local EXPIRES_AT, UNIQUE, LIMIT_KEY, WORKFLOW, RETENTION_MS, TRACE = 13, 14, 15, 16, 18, 19
-- 17: schedule and nominal instant (ms); no script asks for it.
local readable_spec
do
  local NAME, LAST_OF_RANKS = '^[a-z0-9][a-z0-9._-]*$', 3
  -- Jobs that are alike come in rows, so one call reads and judges each spec once. Nobody changes what was read.
  local specs_read = {}

  local function is_name(name)
    return type(name) == 'string' and string.find(name, NAME) ~= nil
  end

  local function is_count(number)
    return number == nil or (type(number) == 'number' and number_of(number) == number)
  end

  local function is_spec(spec)
    return type(spec) == 'table' and is_name(spec[KIND]) and is_name(spec[QUEUE])
      and spec[RANK] and is_count(spec[RANK]) and spec[RANK] <= LAST_OF_RANKS
      and is_count(spec[MAX_RETRIES]) and is_count(spec[TIMEOUT]) and is_count(spec[OFFSET])
      and is_count(spec[BASE_MS]) and is_count(spec[MAX_MS])
  end

  -- The spec, or false where none can be read.
  function readable_spec(packed)
    local spec = specs_read[packed]
    if spec == nil then
      local is_readable, found = pcall(cmsgpack.unpack, packed)
      spec = is_readable and is_spec(found) and found
      specs_read[packed] = spec
    end
    return spec
  end
end
