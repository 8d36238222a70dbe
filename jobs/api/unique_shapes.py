"""Unique keys as the API shows them."""

from __future__ import annotations

import msgspec

from jobs.api.shapes import PageShape
from jobs.domain.instant import instant, rfc3339
from jobs.domain.status import Status
from jobs.domain.unique import Lock, Until
from jobs.services.unique_locks import LockPage


class LockShape(msgspec.Struct, frozen=True, kw_only=True):
    """A key and the job that holds it; after `ends_at` another may take it, null: once it is let go."""

    key: str
    job_id: str
    kind: str
    queue: str
    status: Status
    until: Until
    debounced: bool
    taken_at: str
    ends_at: str | None


class LockListShape(msgspec.Struct, frozen=True):
    """Keys that are held."""

    data: tuple[LockShape, ...]
    page: PageShape


def lock_list_shape(page: LockPage) -> LockListShape:
    """Return a page."""
    return LockListShape(tuple(map(lock_shape, page.locks)), PageShape(page.next, None))


def lock_shape(lock: Lock) -> LockShape:
    """Return a key and its holder."""
    return LockShape(
        key=lock.key,
        job_id=lock.job_id,
        kind=lock.kind,
        queue=lock.queue,
        status=lock.status,
        until=lock.until,
        debounced=lock.is_debounced,
        taken_at=instant(lock.taken_at),
        ends_at=rfc3339(lock.ends_at),
    )
