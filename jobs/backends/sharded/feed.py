"""The event streams of all shards, read as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from jobs.backends.call import Call, spread
from jobs.backends.feed import Feed
from jobs.domain.event import Event

_NEWEST, _ALL = "$", "0-0"
_BETWEEN = ","


class ShardedFeed:
    """Builds the calls that follow one namespace. An event's id is the place in every shard's stream behind it."""

    def __init__(self, shards: Sequence[Feed]) -> None:
        self._shards = shards

    def events_since(self, event_id: str, limit: int) -> Call[tuple[list[Event], bool]]:
        """Return events after `event_id` and whether any were missed; `$` asks for the newest, `0-0` for all."""
        is_everywhere = event_id in (_NEWEST, _ALL)
        places = [event_id] * len(self._shards) if is_everywhere else event_id.split(_BETWEEN)
        of_each = max(1, limit // len(self._shards))
        steps = [shard.events_since(place, of_each) for shard, place in zip(self._shards, places, strict=True)]

        def merge(answers: list[Any]) -> tuple[list[Event], bool]:
            reached = [_ALL if place == _NEWEST else place for place in places]
            found = [entry for shard, (events, _) in enumerate(answers) for entry in _timed(events, shard)]
            found.sort(key=lambda entry: entry[0])
            merged = []
            for _, shard, event in found:
                reached[shard] = event.id
                merged.append(msgspec.structs.replace(event, id=_BETWEEN.join(reached)))
            return (merged[-1:] if event_id == _NEWEST else merged), any(missed for _, missed in answers)

        return spread(steps, merge)


def _timed(events: Sequence[Event], shard: int) -> Iterator[tuple[int, int, Event]]:
    """Yield events of one shard with times that never go back, so that sorting by them keeps the stream's order."""
    latest = 0
    for event in events:
        latest = max(latest, event.at)
        yield latest, shard, event
