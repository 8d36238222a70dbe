"""The loop that makes schedules fire."""

from __future__ import annotations

from jobs.services.ticking import Ticker


class SchedulesLoop:
    """Decides about what is due in all namespaces."""

    def __init__(self) -> None:
        self._ticker = Ticker()

    def round(self) -> bool:
        """Decide about some of what is due; True when there may be more."""
        return self._ticker.tick()
