-- Tells and takes out what cannot stand as it is.
-- Needs: INDEX TO_RUN STATUS SPEC PAYLOAD repaired of reconcile_jobs; queue_prefix; spec bury record
-- What is readable of it is kept: its spec says where it belongs, and what it is.
local function take_out_of_order(id, key, spec, job)
  for _, index in pairs(INDEX) do
    redis.call('ZREM', index, id)
  end
  if not spec then
    bury_unreadable(id, key, job[SPEC])
  else
    redis.call('ZREM', queue_prefix .. spec[QUEUE], id)
    make_dead_letter(id, key, spec, TO_RUN[job[STATUS]] and job[STATUS] or nil)
  end
  repaired[#repaired + 1] = id
  tally('repaired')
end

-- A payload is missed by jobs that are to run. What runs has it, and a dead letter may get another.
local function is_in_order(job, spec, status)
  return spec and (status == 'queued' or INDEX[status]) and (job[PAYLOAD] or not TO_RUN[status])
end
