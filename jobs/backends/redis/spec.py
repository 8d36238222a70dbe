"""What a job is as it was submitted: one short msgpack array, which scripts read and never write.

What stands at its default at the end of the array is left out.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from jobs.domain.backoff import DEFAULT_BASE_MS, DEFAULT_MAX_MS, Backoff, Jitter
from jobs.domain.instant import LAST_MOMENT
from jobs.domain.job import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT_MS, Delivery, JobSpec
from jobs.domain.priority import BY_RANK, Priority
from jobs.domain.trace import TraceContext, packed_trace, unpacked_trace
from jobs.domain.unique import Debounce, Unique, Until

_encode = msgspec.msgpack.encode
_encode_json = msgspec.json.encode


class StoredSpec(msgspec.Struct, frozen=True):
    """A spec as it is read; `tags` is the JSON text of the metadata, empty for none, `webhook` a URL or None."""

    kind: str
    queue: str
    priority: Priority
    max_retries: int
    timeout_ms: int
    delivery: Delivery
    backoff: Backoff
    tags: str
    webhook: str | None = None
    schedule: tuple[str, int] | None = None
    limit_key: str | None = None
    expires_at: int | None = None
    unique: Unique | None = None
    debounce: Debounce | None = None
    workflow: tuple[str, str] | None = None
    retention_ms: int | None = None
    trace: TraceContext | None = None

    def given(self) -> dict[str, Any]:
        """Return what a `Job` has of its spec, by name."""
        return {
            "kind": self.kind,
            "queue": self.queue,
            "priority": self.priority,
            "max_retries": self.max_retries,
            "timeout_ms": self.timeout_ms,
            "delivery": self.delivery,
            "backoff": self.backoff,
            "metadata": self.metadata(),
            "webhook": self.webhook,
            "expires_at": self.expires_at,
            "unique": self.unique,
            "debounce": self.debounce,
            "limit_key": self.limit_key,
            "retention_ms": self.retention_ms,
            "trace": self.trace,
            "schedule_id": self.schedule[0] if self.schedule else None,
            "workflow_id": self.workflow[0] if self.workflow else None,
            "step": self.workflow[1] or None if self.workflow else None,
        }

    def metadata(self) -> dict[str, str]:
        """Return the tags, each time in a dictionary of its own; none where they cannot be read."""
        try:
            return _tags.decode(self.tags) if self.tags else {}
        except msgspec.MsgspecError:
            return {}


class _Packed(msgspec.Struct, array_like=True, frozen=True):
    """In the order of include/spec.lua. `offset` (s) is that of the priority, None for the default mode's."""

    kind: str
    queue: str
    rank: int
    max_retries: int = DEFAULT_MAX_RETRIES
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    offset: int | None = None
    is_at_most_once: bool = False
    base_ms: int = DEFAULT_BASE_MS
    max_ms: int = DEFAULT_MAX_MS
    jitter: Jitter = Jitter.NONE
    tags: str = ""
    webhook: object = None
    expires_at: object = None
    unique: object = None
    limit_key: object = None
    workflow: object = None
    schedule: object = None
    retention_ms: object = None
    trace: object = None


_decoder = msgspec.msgpack.Decoder(_Packed)
_tags = msgspec.json.Decoder(dict[str, str])
_USUAL_BACKOFF = Backoff()
# Of most jobs: quicker known by one look than by nine.
_NOTHING_MORE = ["", *[None] * 8]
# As include/bury.lua writes it.
_UNREADABLE = StoredSpec(
    "undecodable", "main", Priority.MEDIUM, 0, 60_000, Delivery.AT_LEAST_ONCE, _USUAL_BACKOFF, tags=""
)


def encode_spec(spec: JobSpec, offset: int | None) -> bytes:
    """Return what the store keeps; `offset` (s) of its priority, None for that of the default mode."""
    entry: list[object] = [spec.kind, spec.queue, spec.priority.rank]
    is_once = spec.delivery is Delivery.AT_MOST_ONCE
    more = _more_of(spec)
    if offset is None and not is_once and not more and spec.backoff == _USUAL_BACKOFF:
        if spec.max_retries != DEFAULT_MAX_RETRIES or spec.timeout_ms != DEFAULT_TIMEOUT_MS:
            entry += [spec.max_retries, spec.timeout_ms]
        return _encode(entry)
    backoff = spec.backoff
    entry += [spec.max_retries, spec.timeout_ms, offset, is_once, backoff.base_ms, backoff.max_ms, backoff.jitter]
    return _encode(entry + more)


def _more_of(spec: JobSpec) -> list[object]:
    """Return what stands behind the backoff, as short as it can be."""
    more: list[object] = [
        _tags_of(spec),
        spec.webhook,
        spec.expires_at,
        _held_key(spec),
        spec.limit_key,
        spec.workflow,
        spec.schedule,
        spec.retention_ms,
        packed_trace(spec.trace) if spec.trace is not None else None,
    ]
    if more == _NOTHING_MORE:
        return []
    while more and more[-1] in (None, ""):
        more.pop()
    return more


def _held_key(spec: JobSpec) -> list[object] | None:
    if spec.unique is not None:
        return [spec.unique.key, spec.unique.until, spec.unique.ttl_ms or 0]
    if spec.debounce is not None:
        held = spec.debounce
        return [held.key, Until.STARTED, 0, held.delay_ms, held.max_wait_ms or 0]
    return None


def _tags_of(spec: JobSpec) -> str:
    return _encode_json(spec.metadata).decode() if spec.metadata else ""


def _schedule_of(value: object) -> tuple[str, int] | None:
    """Return id and instant; None for whatever else was put there from outside."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        return value[0], int(value[1]) if isinstance(value[1], int | float) else 0
    return None


def _workflow_of(value: object) -> tuple[str, str] | None:
    """Return the workflow's id and the name of its step; None for whatever else was put there from outside."""
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str) and isinstance(value[1], str):
        return value[0], value[1]
    return None


def _retention_of(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


@lru_cache(maxsize=512)
def decode_spec(packed: bytes) -> StoredSpec:
    """Return the spec of a stored job; for what no codec wrote one that says so, since it must not hide other jobs.

    Jobs that are alike come in rows, so the last ones are remembered.
    """
    try:
        stored = _decoder.decode(packed)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _UNREADABLE
    if not 0 <= stored.rank < len(BY_RANK):
        return _UNREADABLE
    return StoredSpec(
        kind=stored.kind,
        queue=stored.queue,
        priority=BY_RANK[stored.rank],
        max_retries=stored.max_retries,
        timeout_ms=stored.timeout_ms,
        delivery=Delivery.AT_MOST_ONCE if stored.is_at_most_once else Delivery.AT_LEAST_ONCE,
        backoff=Backoff(stored.base_ms, stored.max_ms, stored.jitter),
        tags=stored.tags,
        # Whatever else was put there from outside is nobody's, as it is to the scripts.
        webhook=stored.webhook if isinstance(stored.webhook, str) else None,
        schedule=_schedule_of(stored.schedule),
        expires_at=stored.expires_at
        if isinstance(stored.expires_at, int) and 0 <= stored.expires_at <= LAST_MOMENT
        else None,
        unique=_unique(stored.unique),
        debounce=_debounce(stored.unique),
        limit_key=stored.limit_key if isinstance(stored.limit_key, str) else None,
        workflow=_workflow_of(stored.workflow),
        retention_ms=_retention_of(stored.retention_ms),
        trace=unpacked_trace(stored.trace) if isinstance(stored.trace, str) else None,
    )


def _unique(entry: object) -> Unique | None:
    match entry:
        case [str() as key, str() as until, int() as ttl_ms]:
            return Unique(key, Until.STARTED if until == Until.STARTED else Until.FINISHED, ttl_ms or None)
    return None


def _debounce(entry: object) -> Debounce | None:
    match entry:
        case [str() as key, str(), int(), int() as delay_ms, int() as max_wait_ms]:
            return Debounce(key, delay_ms, max_wait_ms or None)
    return None
