"""Unique keys that are held, and what can be asked about them, each once for both clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ironforge_client.exchange import JSON_TYPE, Act, Request, Retrying, encode, exchange
from ironforge_client.jobs import maybe_time, read_time

_AT_ONCE = "200"


@dataclass(frozen=True, slots=True)
class UniqueLock:
    """A unique key and the job that holds it; after `ends_at` another may take it, None: once it is let go."""

    key: str
    job_id: str
    kind: str
    queue: str
    status: str
    until: str
    is_debounced: bool
    taken_at: datetime
    ends_at: datetime | None


def lock_page(cursor: str | None, retrying: Retrying) -> Act[tuple[tuple[UniqueLock, ...], str | None]]:
    """Return a page of the keys that are held, those taken last first, and the cursor of the next."""
    query = (("limit", _AT_ONCE), *((("cursor", cursor),) if cursor is not None else ()))
    answer = yield from exchange(Request("GET", "/unique-locks", query, is_repeatable=True), retrying)
    document = answer.document()
    return tuple(map(_read_lock, document["data"])), document["page"]["next"]


def release(key: str, reason: str, retrying: Retrying) -> Act[UniqueLock]:
    """Take a key from its holder. Not repeated: meanwhile another job may hold it."""
    body = encode({"key": key, "reason": reason})
    request = Request("POST", "/unique-locks/release", body=body, headers={"Content-Type": JSON_TYPE})
    return (yield from exchange(request, retrying)).read(_read_lock)


def _read_lock(document: Mapping[str, Any]) -> UniqueLock:
    return UniqueLock(
        key=document["key"],
        job_id=document["job_id"],
        kind=document["kind"],
        queue=document["queue"],
        status=document["status"],
        until=document["until"],
        is_debounced=document["debounced"],
        taken_at=read_time(document["taken_at"]),
        ends_at=maybe_time(document["ends_at"]),
    )
