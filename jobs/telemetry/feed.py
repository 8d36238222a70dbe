"""Follows what happens in one namespace, from now on. Reads only; one follower serves any number of listeners."""

from __future__ import annotations

from dataclasses import dataclass

from jobs import wiring
from jobs.domain.event import Event

_MOST_AT_ONCE = 500
_FROM_THE_START = "0-0"


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in order. With `is_gap` some before them were not seen: the listener has to look for itself."""

    events: tuple[Event, ...]
    is_gap: bool


class FeedFollower:
    """Remembers a place in the event stream of one namespace."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._feed = wiring.backend().feed(namespace)
        self._place = ""

    async def next_batch(self) -> Batch:
        """Return what happened since the last call; nothing at the first one. Raises BackendUnavailable."""
        runner = wiring.shared_channels("feed", self._namespace)
        if not self._place:
            newest, _ = await runner.run(self._feed.events_since("$", 1))
            self._place = newest[-1].id if newest else _FROM_THE_START
            return Batch((), is_gap=False)
        events, is_missed = await runner.run(self._feed.events_since(self._place, _MOST_AT_ONCE))
        if is_missed:
            # Older events were dropped, or the store came back without them: go on from the newest there is.
            self._place = ""
            return Batch((), is_gap=True)
        if events:
            self._place = events[-1].id
        return Batch(tuple(events), is_gap=False)
