-- What a job is as it was submitted: one msgpack array in the field `spec`, so that a job is a short hash. The codec
-- writes it and leaves out what stands at its default at the end.
local KIND, QUEUE, RANK, MAX_RETRIES, OFFSET, AT_MOST_ONCE, BASE_MS, MAX_MS, JITTER = 1, 2, 3, 4, 6, 7, 8, 9, 10

local function read_spec(packed)
  return cmsgpack.unpack(packed)
end
