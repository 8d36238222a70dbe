-- Returns lines of a job's log, oldest first.
-- FLAGS no-writes
-- KEYS  job_prefix  prefix  job hashes
-- KEYS  log_prefix  prefix  lines of log of a job, oldest first
-- ARGV  id          the job
-- ARGV  first       number of the first line wanted, from 0
-- ARGV  limit       most lines
-- RETURN  1 if there is such a job, [`at (ms) attempt level text` …]
local known = redis.call('EXISTS', job_prefix .. id)
return {known, redis.call('LRANGE', log_prefix .. id, first, first + limit - 1)}
