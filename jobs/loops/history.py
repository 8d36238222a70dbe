"""The loop that writes down what namespaces did, for charts that reach back for days."""

from __future__ import annotations

import time
from collections.abc import Callable

from jobs.services import deploy_watch, history_recording


class HistoryLoop:
    """Records each minute when it is over, looks for new versions of workers, and adds up hours."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._done = 0

    def round(self) -> bool:
        """Record the minute, if no process has; True when hours may be left to add up."""
        minute = int(self._wall()) // 60
        if minute == self._done:
            return False
        if history_recording.record_minute(self._wall):
            deploy_watch.look(self._wall)
        if history_recording.roll_up(int(self._wall())):
            return True
        self._done = minute
        return False
