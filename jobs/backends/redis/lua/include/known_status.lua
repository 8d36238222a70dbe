-- The statuses there are. The field may have been damaged from outside, and the codec knows no others.
-- Needs: nothing
local KNOWN_STATUS = {queued = true, scheduled = true, waiting = true, running = true, completed = true, failed = true,
  dead_letter = true, cancelled = true}
