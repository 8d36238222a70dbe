"""A job as a Python program asks for it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack, cast

import msgspec

from jobs.domain.backoff import Backoff
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.idempotency import checked_key, fingerprint_of
from jobs.domain.instant import rfc3339
from jobs.domain.job import MAX_DELAY_MS
from jobs.domain.job_body import read_job_object
from jobs.services.submission import NewJob

_TRANSLATED = frozenset({"delay", "at", "expires_at", "backoff", "metadata", "unique", "debounce"})
_LONGEST_DELAY_S = MAX_DELAY_MS / 1000


class StepOptions(TypedDict, total=False):
    """What a step of a workflow may be given besides kind and payload; what is left out has the defaults of HTTP.

    `delay` (seconds or a timedelta) and `at` (an aware datetime) exclude each other. `metadata` are the tags.
    `expires_at` is an aware datetime.
    """

    queue: str
    priority: str
    delay: float | timedelta | None
    at: datetime | None
    max_retries: int
    timeout_ms: int
    metadata: Mapping[str, str]
    delivery: str
    backoff: Backoff
    limit_key: str | None
    retention_ms: int | None
    expires_at: datetime | None


class JobOptions(StepOptions, total=False):
    """What a job may be given: what a step may, and `unique` and `debounce` as in the HTTP API."""

    unique: Mapping[str, object] | None
    debounce: Mapping[str, object] | None
    idempotency_key: str | None


def job(kind: str, payload: object = None, **options: Unpack[JobOptions]) -> NewJob:
    """Return a job to enqueue, not stored; the payload is any JSON value. Raises InvalidInput with all problems.

    The same idempotency key with the same arguments names the same job; a `delay` counts as it was given.
    """
    asked: dict[str, object] = {"kind": kind, "payload": payload, **options}
    key = checked_key(options.get("idempotency_key"))
    asked.pop("idempotency_key", None)
    now_ms = int(time.time() * 1000)
    if not _TRANSLATED.isdisjoint(options):
        _translate(asked, now_ms)
    spec = read_job_object(asked, now_ms=now_ms)
    if key is None:
        return NewJob(spec)
    wanted = spec if options.get("at") is not None else msgspec.structs.replace(spec, scheduled_for=None)
    return NewJob(spec, key, fingerprint_of(msgspec.json.encode([wanted, str(options.get("delay"))], order="sorted")))


def _translate(asked: dict[str, object], now_ms: int) -> None:
    """Put what Python has other types for as the HTTP API has it. Raises InvalidInput."""
    due_ms = _due_ms(asked.pop("delay", None), asked.pop("at", None), now_ms)
    if due_ms is not None:
        asked["scheduled_for"] = rfc3339(due_ms)
    if asked.get("expires_at") is not None:
        asked["expires_at"] = rfc3339(_moment_ms("expires_at", asked["expires_at"]))
    if "backoff" in asked:
        asked["backoff"] = msgspec.to_builtins(asked["backoff"])
    for name in ("metadata", "unique", "debounce"):
        if isinstance(asked.get(name), Mapping):
            asked[name] = dict(cast("Mapping[str, object]", asked[name]))


def _due_ms(delay: object, at: object, now_ms: int) -> int | None:
    """Return when the job is due (Unix ms); None for now. Raises InvalidInput."""
    if delay is not None and at is not None:
        raise _refused("delay", "invalid_choice", "Give either delay or at, not both.")
    if at is not None:
        return _moment_ms("at", at)
    if delay is None:
        return None
    delay_s = delay.total_seconds() if isinstance(delay, timedelta) else delay
    if isinstance(delay_s, bool) or not isinstance(delay_s, int | float) or not math.isfinite(delay_s) or delay_s < 0:
        raise _refused("delay", "out_of_range", "delay must be a number of seconds or a timedelta, 0 or more.")
    if delay_s > _LONGEST_DELAY_S:
        raise _refused("delay", "out_of_range", "delay must be at most 10 years.")
    return now_ms + round(delay_s * 1000) if delay_s else None


def _moment_ms(name: str, moment: object) -> int:
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise _refused(name, "invalid_time", f"{name} must be a datetime with a time zone, as timezone.now() is.")
    return round(moment.astimezone(UTC).timestamp() * 1000)


def _refused(name: str, code: str, detail: str) -> InvalidInput:
    return InvalidInput([Problem(f"/{name}", code, detail)])
