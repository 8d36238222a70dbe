-- The places of what is said of a failure; all are nil where nothing failed.
local ERROR_TYPE, ERROR_MESSAGE, TRACEBACK, DELAY, CHANCE = 1, 2, 3, 4, 5
