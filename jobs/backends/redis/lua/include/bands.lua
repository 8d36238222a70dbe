-- The bands of the scores in a queue. Below FAIR a score is a time in seconds, raised by the offset of a priority. In a fair
-- queue it is a turn, and FAIR_BAND is the room of a priority. HELD raises the score of a job that a limit holds back.
local FAIR, FAIR_BAND, HELD = 30000000000, 10000000000, 1000000000000
