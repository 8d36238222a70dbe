"""How many jobs a worker may claim ahead of its free slots, so that it never waits for the way to the store."""

from __future__ import annotations

import time

# Jobs are claimed ahead only while two rounds take less time than a job may be held.
FAST_ROUND_S = 0.05


class Foresight:
    """Remembers the last rounds and claims of one exchange."""

    def __init__(self) -> None:
        self.round_s = 0.0
        # When the last claim and the one before were sent (monotonic s), and how many attempts had ended by then.
        self._marks = ((0.0, 0), (0.0, 0))

    def claimed(self, sent: float, ended: int) -> None:
        """Note a claim."""
        self._marks = (self._marks[1], (sent, ended))

    def ahead(self, ended: int) -> int:
        """Return how many of the jobs that run will have ended in two rounds, judged by the last two claims.

        The answer to this claim has to last until that to the next. Jobs that take longer are left to other workers.
        """
        if self.round_s >= FAST_ROUND_S:
            return 0
        sent, ended_then = self._marks[0]
        per_second = (ended - ended_then) / max(time.monotonic() - sent, 0.0001)
        return int(per_second * 2 * self.round_s)
