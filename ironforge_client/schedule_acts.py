"""What is asked about schedules, apart from how it is sent: each act yields requests and gets their answers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypedDict
from urllib.parse import quote

from ironforge_client.exchange import JSON_TYPE, Act, Request, Retrying, encode, exchange
from ironforge_client.jobs import SubmittedJob, read_submitted
from ironforge_client.schedules import Fire, Preview, Schedule, read_fire, read_preview, read_schedule


class Timing(TypedDict, total=False):
    """When a schedule fires: one of `cron`, `every_ms` and `at`, in a `timezone`."""

    cron: str
    every_ms: int
    at: datetime
    timezone: str
    jitter_ms: int


def schedules(retrying: Retrying) -> Act[tuple[Schedule, ...]]:
    """Return all schedules."""
    answer = yield from exchange(_request("GET", ""), retrying)
    return tuple(read_schedule(document) for document in answer.document()["data"])


def schedule(name: str, retrying: Retrying) -> Act[Schedule]:
    """Return one, by name or id."""
    answer = yield from exchange(_request("GET", name), retrying)
    return answer.read(read_schedule)


def put_schedule(name: str, kind: str, fields: Mapping[str, Any], retrying: Retrying) -> Act[Schedule]:
    """Let a schedule be so, and make it where there is none. Doing it twice is doing it once."""
    answer = yield from exchange(_request("PUT", name, body={"kind": kind, **_sent(fields)}), retrying)
    return answer.read(read_schedule)


def delete_schedule(name: str, reason: str, retrying: Retrying) -> Act[None]:
    """Remove one."""
    yield from exchange(replace(_request("DELETE", name, body={"reason": reason}), is_repeatable=False), retrying)


def set_schedule_paused(name: str, reason: str, retrying: Retrying, *, is_paused: bool) -> Act[Schedule]:
    """Pause or resume one. Doing it twice is doing it once."""
    request = _request("POST", name, "pause" if is_paused else "resume", body={"reason": reason})
    answer = yield from exchange(request, retrying)
    return answer.read(read_schedule)


def run_schedule(name: str, idempotency_key: str | None, reason: str, retrying: Retrying) -> Act[SubmittedJob]:
    """Make one job of it now, under a key, so that sending it again makes no second one."""
    request = _request("POST", name, "run", body={"reason": reason})
    headers = {**request.headers, "Idempotency-Key": idempotency_key or str(uuid.uuid4())}
    answer = yield from exchange(replace(request, headers=headers), retrying)
    return read_submitted(answer.document(), is_replayed=False)


def preview_schedule(name: str, count: int, retrying: Retrying) -> Act[Preview]:
    """Return the next instants of a schedule."""
    request = replace(_request("GET", name, "preview"), query=(("count", str(count)),))
    answer = yield from exchange(request, retrying)
    return answer.read(read_preview)


def preview_timing(timing: Mapping[str, Any], count: int, retrying: Retrying) -> Act[Preview]:
    """Return the next instants of what nobody has saved."""
    answer = yield from exchange(_request("POST", "preview", body={**_sent(timing), "count": count}), retrying)
    return answer.read(read_preview)


def schedule_history(name: str, retrying: Retrying) -> Act[tuple[Fire, ...]]:
    """Return what became of its last instants, newest first."""
    answer = yield from exchange(_request("GET", name, "history"), retrying)
    return tuple(read_fire(document) for document in answer.document()["data"])


def _sent(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in fields.items()
    }


def _request(method: str, name: str, *more: str, body: Mapping[str, Any] | None = None) -> Request:
    path = "/".join(["/schedules", *([quote(name, safe="")] if name else []), *more])
    if body is None:
        return Request(method, path, is_repeatable=True)
    return Request(method, path, body=encode(body), headers={"Content-Type": JSON_TYPE}, is_repeatable=True)
