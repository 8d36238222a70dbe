"""Reads the event stream of one namespace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobs.backends.base import Call
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
    words = fields["jobs"].split()
    changes = tuple(Change(job_id, _status(word)) for job_id, word in pairs(words))
    return Event(event_id, fields["verb"], fields["queue"], int(float(fields["at"])), changes)


def _status(word: str) -> Status | None:
    """Return the status, or None for a job that was purged or pruned."""
    return Status(word) if word in _STATUSES else None


_STATUSES = frozenset(Status)
