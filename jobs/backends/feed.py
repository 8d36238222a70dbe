"""What a store is asked about what has changed."""

from __future__ import annotations

from typing import Protocol

from jobs.backends.call import Call
from jobs.domain.event import Event


class Feed(Protocol):
    """The event stream of one namespace."""

    def events_since(self, event_id: str, limit: int) -> Call[tuple[list[Event], bool]]:
        """Return events after `event_id` (`$` for none: only the newest id matters) and whether any were missed."""
