"""Between what the store keeps and the structs of the domain. Raw replies are handled here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from jobs.backends.base import MAX_BATCH, Submission
from jobs.domain.backoff import DEFAULT_BASE_MS, DEFAULT_MAX_MS, Backoff, Jitter
from jobs.domain.job import Attempt, Delivery, Job, JobError
from jobs.domain.outcome import Settlement
from jobs.domain.priority import BY_RANK, Priority
from jobs.domain.status import Status

Raw = Mapping[str, bytes]

# In the order of include/summary.lua and of claim.lua; tests compare them.
SUMMARY_FIELDS = (
    "kind",
    "queue",
    "priority",
    "status",
    "max_retries",
    "retry_count",
    "timeout_ms",
    "delivery",
    "base_ms",
    "max_ms",
    "jitter",
    "metadata",
    "created_at",
    "scheduled_for",
    "ready_at",
    "started_at",
    "finished_at",
    "error_type",
    "error_message",
    "reason",
    "worker_id",
    "attempt",
    "lost_leases",
    "cancel_by",
)
CLAIM_FIELDS = (
    "kind",
    "payload",
    "queue",
    "priority",
    "status",
    "max_retries",
    "retry_count",
    "timeout_ms",
    "delivery",
    "base_ms",
    "max_ms",
    "jitter",
    "metadata",
    "created_at",
    "scheduled_for",
    "ready_at",
    "lost_leases",
    "attempt",
)

pack = msgspec.msgpack.encode
unpack = msgspec.msgpack.decode
_decode_tags = msgspec.json.Decoder(dict[str, str]).decode
_NO_ERROR = JobError("")
_decode_attempt = msgspec.msgpack.Decoder(list[str | float]).decode
_encode_json = msgspec.json.encode


def opaque(data: bytes) -> msgspec.Raw:
    """Return bytes as a msgpack string. Lua's cmsgpack knows no `bin` type, and its strings are bytes anyway."""
    size = len(data)
    head = bytes((0xA0 | size,)) if size < 32 else b"\xdb" + size.to_bytes(4, "big")
    return msgspec.Raw(head + data)


def batch_of(items: Sequence[object], limit: int = MAX_BATCH) -> bytes:
    """Return a batch as a script reads it. Raises ValueError beyond the limit: a longer script holds the store up."""
    if len(items) > limit:
        raise ValueError(f"a call takes at most {limit} jobs, not {len(items)}")
    return pack(list(items))


def pairs(flat: Sequence[Any], width: int = 2) -> Iterator[Sequence[Any]]:
    """Yield a flat reply in groups of `width`."""
    for start in range(0, len(flat), width):
        yield flat[start : start + width]


def text_of(raw: bytes) -> str:
    """Return a name, id or message as text; bytes that are not UTF-8 are replaced, never refused."""
    return raw.decode("utf-8", "replace")


def encode_submission(submission: Submission, idempotency: str, priority_step_s: int) -> list[object]:
    """Return one entry of submit.lua's batch. `idempotency` is the hash of the key, or ''."""
    spec = submission.spec
    rank = spec.priority.rank
    fields: list[object] = ["kind", spec.kind, "payload", opaque(spec.payload), "queue", spec.queue, "priority", rank]
    fields += ["offset", rank * priority_step_s, "max_retries", spec.max_retries, "timeout_ms", spec.timeout_ms]
    if spec.metadata:
        fields += ["metadata", opaque(_encode_json(spec.metadata))]
    if spec.delivery is not Delivery.AT_LEAST_ONCE:
        fields += ["delivery", spec.delivery]
    if spec.backoff != Backoff():
        fields += ["base_ms", spec.backoff.base_ms, "max_ms", spec.backoff.max_ms, "jitter", spec.backoff.jitter]
    if spec.scheduled_for is not None:
        fields += ["scheduled_for", spec.scheduled_for]
    due = spec.scheduled_for or 0
    fingerprint = submission.fingerprint
    return [submission.job_id, idempotency, fingerprint, spec.queue, rank, rank * priority_step_s, due, fields]


def encode_settlement(settlement: Settlement, chance: float) -> list[object]:
    """Return one entry of settle.lua's batch. `chance` in 0–1 draws the jitter of a retry."""
    error = _NO_ERROR if settlement.error is None else settlement.error.bounded()
    delay_ms = -1 if settlement.delay_ms is None else settlement.delay_ms
    return [
        settlement.job_id,
        settlement.token,
        settlement.outcome,
        opaque(settlement.result or b""),
        error.type,
        error.message,
        error.traceback,
        delay_ms,
        settlement.duration_ms,
        chance,
    ]


def zip_fields(names: Sequence[str], values: Sequence[bytes | None]) -> dict[str, bytes]:
    """Return the fields that are there, by name."""
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def decode_whole(job_id: str, namespace: str, flat: Sequence[bytes]) -> Job | None:
    """Return the job of an HGETALL reply, with payload, result and attempts; None if it is empty."""
    if not flat:
        return None
    raw = {text_of(name): value for name, value in pairs(flat)}
    return decode_job(job_id, namespace, raw, _attempts(raw))


def decode_job(job_id: str, namespace: str, raw: Raw, attempts: tuple[Attempt, ...] = ()) -> Job:
    """Return a job from its stored fields; fields at their default are not stored."""
    ready_us = _integer(raw, "ready_at")
    return Job(
        id=job_id,
        namespace=namespace,
        kind=text_of(raw["kind"]),
        queue=text_of(raw["queue"]),
        priority=BY_RANK[int(raw["priority"])],
        status=Status(text_of(raw["status"])),
        max_retries=int(raw["max_retries"]),
        retry_count=_integer(raw, "retry_count") or 0,
        timeout_ms=int(raw["timeout_ms"]),
        delivery=Delivery(text_of(raw.get("delivery", b"at_least_once"))),
        backoff=_backoff(raw),
        metadata=_decode_tags(raw["metadata"]) if "metadata" in raw else {},
        created_at=int(raw["created_at"]),
        scheduled_for=_integer(raw, "scheduled_for"),
        ready_at=ready_us // 1000 if ready_us is not None else None,
        started_at=_integer(raw, "started_at"),
        finished_at=_integer(raw, "finished_at"),
        payload=raw.get("payload"),
        result=raw.get("result"),
        error=_error(raw),
        reason=text_of(raw["reason"]) if "reason" in raw else None,
        worker_id=text_of(raw["worker_id"]) if raw.get("worker_id") else None,
        attempt=_integer(raw, "attempt") or 0,
        lost_leases=_integer(raw, "lost_leases") or 0,
        cancel_requested="cancel_by" in raw and raw["status"] == b"running",
        attempts=attempts,
    )


def decode_claimed(job_id: str, namespace: str, values: Sequence[bytes | None], attempt: int) -> Job:
    """Return the job of a lease; `values` are in the order of CLAIM_FIELDS. A worker does this for every job."""
    kind, payload, queue, priority, _, max_retries, retry_count, timeout_ms, *rest = values
    delivery, base_ms, max_ms, jitter, metadata, created_at, scheduled_for, ready_at, lost_leases, _ = rest
    traits = _traits(kind, queue, priority, max_retries, timeout_ms, delivery, base_ms, max_ms, jitter)
    return Job(
        id=job_id,
        namespace=namespace,
        kind=traits.kind,
        queue=traits.queue,
        priority=traits.priority,
        status=Status.RUNNING,
        max_retries=traits.max_retries,
        retry_count=int(retry_count) if retry_count else 0,
        timeout_ms=traits.timeout_ms,
        delivery=traits.delivery,
        backoff=traits.backoff,
        metadata=_decode_tags(metadata) if metadata else {},
        created_at=int(created_at or 0),
        scheduled_for=_whole(scheduled_for),
        ready_at=None if ready_at is None else int(float(ready_at)) // 1000,
        payload=payload,
        attempt=attempt,
        lost_leases=int(lost_leases) if lost_leases else 0,
    )


class _Traits(msgspec.Struct, frozen=True):
    """What many jobs have in common."""

    kind: str
    queue: str
    priority: Priority
    max_retries: int
    timeout_ms: int
    delivery: Delivery
    backoff: Backoff


@lru_cache(maxsize=256)
def _traits(*stored: bytes | None) -> _Traits:
    """Return the traits that these values tell of; alike jobs come in rows, so they are read once."""
    names = ("kind", "queue", "priority", "max_retries", "timeout_ms", "delivery", "base_ms", "max_ms", "jitter")
    raw = zip_fields(names, stored)
    return _Traits(
        kind=text_of(raw["kind"]),
        queue=text_of(raw["queue"]),
        priority=BY_RANK[int(raw["priority"])],
        max_retries=int(raw["max_retries"]),
        timeout_ms=int(raw["timeout_ms"]),
        delivery=Delivery(text_of(raw.get("delivery", b"at_least_once"))),
        backoff=_backoff(raw),
    )


def _whole(value: bytes | None) -> int | None:
    # Lua writes large numbers with an exponent or a fraction now and then; both are whole numbers.
    return None if value is None else int(float(value))


def _integer(raw: Raw, name: str) -> int | None:
    return _whole(raw.get(name))


def _backoff(raw: Raw) -> Backoff:
    if "base_ms" not in raw:
        return Backoff(DEFAULT_BASE_MS, DEFAULT_MAX_MS)
    return Backoff(int(raw["base_ms"]), int(raw["max_ms"]), Jitter(text_of(raw["jitter"])))


def _error(raw: Raw) -> JobError | None:
    if "error_type" not in raw:
        return None
    return JobError(
        text_of(raw["error_type"]), text_of(raw.get("error_message", b"")), text_of(raw.get("traceback", b""))
    )


def _attempts(raw: Raw) -> tuple[Attempt, ...]:
    numbers = sorted(int(name[8:]) for name in raw if name.startswith("attempt:"))
    closed = [_attempt(number, raw[f"attempt:{number}"]) for number in numbers]
    if raw["status"] == b"running":
        number, worker_id = int(raw["attempt"]), text_of(raw["worker_id"])
        closed.append(Attempt(number=number, worker_id=worker_id, started_at=int(raw["started_at"])))
    return tuple(closed)


def _attempt(number: int, packed: bytes) -> Attempt:
    started_at, finished_at, worker_id, outcome, *error = _decode_attempt(packed)
    kind, message, traceback = error
    return Attempt(
        number=number,
        worker_id=str(worker_id),
        started_at=int(started_at),
        finished_at=int(finished_at),
        outcome=str(outcome),
        error=JobError(str(kind), str(message), str(traceback)) if kind else None,
    )
