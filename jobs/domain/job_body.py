"""From what somebody asks for to a `JobSpec`: quickly where the job is plain, strictly everywhere else.

Both ways accept the same jobs and make the same specs; a test compares them. Only the strict way refuses.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

import msgspec

from jobs.domain import naming
from jobs.domain.job import (
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT_MS,
    MAX_RETRIES,
    MAX_TIMEOUT_MS,
    Delivery,
    JobSpec,
)
from jobs.domain.naming import DEFAULT_QUEUE
from jobs.domain.payload import MAX_DEPTH, MAX_PAYLOAD_BYTES, read_json
from jobs.domain.priority import Priority
from jobs.domain.quick_json import ODD, read_quickly
from jobs.domain.validation import parse_job

_encode = msgspec.json.Encoder().encode
_is_kind = lru_cache(maxsize=2048)(naming.is_kind)
_is_queue = lru_cache(maxsize=2048)(naming.is_queue)


class _PlainJob(msgspec.Struct, forbid_unknown_fields=True):
    """The fields whose rules msgspec can judge. A job with any other field takes the strict way."""

    kind: str
    payload: Any = None
    queue: str = DEFAULT_QUEUE
    priority: Priority = Priority.MEDIUM
    max_retries: Annotated[int, msgspec.Meta(ge=0, le=MAX_RETRIES)] = DEFAULT_MAX_RETRIES
    timeout_ms: Annotated[int, msgspec.Meta(ge=1, le=MAX_TIMEOUT_MS)] = DEFAULT_TIMEOUT_MS
    delivery: Delivery = Delivery.AT_LEAST_ONCE


def read_job(body: bytes, *, now_ms: int) -> JobSpec:
    """Return the job that a JSON text asks for. Raises MalformedInput, or InvalidInput with all problems.

    `now_ms` (Unix ms) bounds how far ahead a job may be scheduled.
    """
    value = read_quickly(body)
    if value is ODD:
        return parse_job(read_json(body), now_ms=now_ms)
    return _plain_spec(value) or parse_job(value, now_ms=now_ms)


def read_job_object(value: dict[str, object], *, now_ms: int) -> JobSpec:
    """Return the job that Python objects ask for; JSON may not hold all of them. Raises InvalidInput."""
    try:
        spec = _plain_spec(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        spec = None
    if spec is None or not _is_plain_text(spec.payload):
        return parse_job(value, now_ms=now_ms)
    return spec


def _is_plain_text(payload: bytes) -> bool:
    """Tell whether what became this JSON is surely not too deep, and has no NaN or infinity: they become null."""
    return payload.count(b"[") + payload.count(b"{") <= MAX_DEPTH and b"null" not in payload


def _plain_spec(value: object) -> JobSpec | None:
    try:
        plain = msgspec.convert(value, _PlainJob)
    except msgspec.ValidationError:
        return None
    payload = _encode(plain.payload)
    if naming.is_reserved(plain.kind) or naming.is_reserved(plain.queue):
        return None
    if len(payload) > MAX_PAYLOAD_BYTES or not (_is_kind(plain.kind) and _is_queue(plain.queue)):
        return None
    return JobSpec(
        kind=plain.kind,
        payload=payload,
        queue=plain.queue,
        priority=plain.priority,
        max_retries=plain.max_retries,
        timeout_ms=plain.timeout_ms,
        delivery=plain.delivery,
    )
