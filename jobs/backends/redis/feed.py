"""Reads the event stream of one namespace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from jobs.backends.call import Call
from jobs.backends.redis.codec import pairs, text_of
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.script_call import script_call
from jobs.domain.event import Change, Event
from jobs.domain.status import Status


class RedisFeed:
    """Builds the calls that follow what happens in one namespace."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def events_since(self, event_id: str, limit: int) -> Call[tuple[list[Event], bool]]:
        """Return events after `event_id` and whether any were missed; `$` asks for the newest, `0-0` for all."""
        return script_call("events", self._keys, (event_id, limit), _events)


def _events(reply: Sequence[Any]) -> tuple[list[Event], bool]:
    missed, *flat = reply
    return [_event(text_of(event_id), fields) for event_id, fields in pairs(flat)], bool(missed)


def _event(event_id: str, flat: Sequence[bytes]) -> Event:
    fields = {text_of(name): text_of(value) for name, value in pairs(flat)}
    changes = tuple(_changes(fields["jobs"].split()))
    return Event(event_id, fields["verb"], fields["queue"], int(float(fields["at"])), changes, fields.get("kind", ""))


def _changes(words: Sequence[str]) -> Iterator[Change]:
    """Yield the changes of an event: each status stands before the ids that have it, None for those that are gone."""
    status: Status | None = None
    for word in words:
        if word in _GONE:
            status = None
        elif word in _STATUSES:
            status = Status(word)
        else:
            yield Change(word, status)


_STATUSES = frozenset(Status)
_GONE = frozenset({"purged", "pruned"})
