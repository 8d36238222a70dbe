"""The loop that makes schedules fire, and takes those that workers' code declares."""

from __future__ import annotations

import time
from collections.abc import Callable

from jobs.services.code_schedules import Adopter
from jobs.services.ticking import Ticker

_ADOPT_EVERY_S = 5.0


class SchedulesLoop:
    """Decides about what is due in all namespaces."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._ticker = Ticker()
        self._adopter = Adopter()
        self._adopt_at = 0.0

    def round(self) -> bool:
        """Decide about some of what is due; True when there may be more."""
        has_more = self._ticker.tick()
        if self._monotonic() >= self._adopt_at:
            self._adopt_at = self._monotonic() + _ADOPT_EVERY_S
            self._adopter.adopt()
        return has_more
