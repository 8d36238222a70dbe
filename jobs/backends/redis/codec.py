"""Between what the store keeps and the structs of the domain. Raw replies are handled here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from jobs.backends.base import MAX_BATCH, Submission
from jobs.backends.redis.spec import decode_spec, encode_spec
from jobs.domain.job import Attempt, Job, JobError
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.priority import OFFSET_STEP_S
from jobs.domain.status import Status

Raw = Mapping[str, bytes]

# In the order of include/summary.lua; a test compares them.
SUMMARY_FIELDS = (
    "status",
    "spec",
    "created",
    "scheduled_for",
    "ready_at",
    "started_at",
    "finished_at",
    "retry_count",
    "error_type",
    "error_message",
    "reason",
    "lease",
    "attempt",
    "lost_leases",
    "cancel_by",
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
    offset = None if priority_step_s == OFFSET_STEP_S else rank * priority_step_s
    return [
        submission.job_id,
        idempotency,
        submission.fingerprint,
        spec.queue,
        rank,
        offset,
        spec.scheduled_for or 0,
        opaque(encode_spec(spec, offset)),
        opaque(spec.payload),
    ]


def encode_settlement(settlement: Settlement, chance: float) -> list[object]:
    """Return one entry of settle.lua's batch, empty ends left out. `chance` in 0–1 draws the jitter of a retry."""
    entry: list[object] = [settlement.job_id, settlement.token, settlement.outcome, settlement.duration_ms]
    if settlement.outcome is OutcomeKind.COMPLETED:
        return [*entry, opaque(settlement.result)] if settlement.result else entry
    error = _NO_ERROR if settlement.error is None else settlement.error.bounded()
    delay_ms = -1 if settlement.delay_ms is None else settlement.delay_ms
    return [*entry, "", error.type, error.message, error.traceback, delay_ms, chance]


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
    spec = decode_spec(raw["spec"])
    ready_us = _integer(raw, "ready_at")
    lease = raw.get("lease")
    return Job(
        id=job_id,
        namespace=namespace,
        kind=spec.kind,
        queue=spec.queue,
        priority=spec.priority,
        status=Status(text_of(raw["status"])),
        max_retries=spec.max_retries,
        retry_count=_integer(raw, "retry_count") or 0,
        timeout_ms=spec.timeout_ms,
        delivery=spec.delivery,
        backoff=spec.backoff,
        metadata=spec.metadata(),
        created_at=int(raw["created"]),
        scheduled_for=_integer(raw, "scheduled_for"),
        ready_at=ready_us // 1000 if ready_us is not None else None,
        started_at=_integer(raw, "started_at"),
        finished_at=_integer(raw, "finished_at"),
        payload=raw.get("payload"),
        result=raw.get("result"),
        error=_error(raw),
        reason=text_of(raw["reason"]) if "reason" in raw else None,
        worker_id=_worker_of(lease) if lease and raw["status"] == b"running" else None,
        attempt=_integer(raw, "attempt") or 0,
        lost_leases=_integer(raw, "lost_leases") or 0,
        cancel_requested="cancel_by" in raw and raw["status"] == b"running",
        attempts=attempts,
    )


def _worker_of(lease: bytes) -> str:
    """Return who holds a lease: all between its first and its last word, since a worker's id may have spaces.

    A lease that lacks the last word, a number of bytes, is read as far as it goes.
    """
    rest = lease.partition(b" ")[2]
    worker_id, _, payload_bytes = rest.rpartition(b" ")
    return text_of(worker_id if worker_id and payload_bytes.isdigit() else rest)


def _whole(value: bytes | None) -> int | None:
    # Lua writes large numbers with an exponent or a fraction now and then; both are whole numbers.
    return None if value is None else int(float(value))


def _integer(raw: Raw, name: str) -> int | None:
    return _whole(raw.get(name))


def _error(raw: Raw) -> JobError | None:
    if "error_type" not in raw:
        return None
    return JobError(
        text_of(raw["error_type"]), text_of(raw.get("error_message", b"")), text_of(raw.get("traceback", b""))
    )


def _attempts(raw: Raw) -> tuple[Attempt, ...]:
    numbers = sorted(int(name[8:]) for name in raw if name.startswith("attempt:") and name[8:].isdecimal())
    known = [attempt for number in numbers if (attempt := _attempt(number, raw[f"attempt:{number}"])) is not None]
    if raw["status"] == b"running":
        number, started_at = _integer(raw, "attempt") or 1, _integer(raw, "started_at") or 0
        known.append(Attempt(number=number, worker_id=_worker_of(raw.get("lease", b"")), started_at=started_at))
    return tuple(known)


def _attempt(number: int, packed: bytes) -> Attempt | None:
    """Return a closed attempt; None for a record that cannot be read, since it must not hide the job."""
    try:
        return _read_attempt(number, packed)
    except (msgspec.MsgspecError, ValueError):
        return None


def _read_attempt(number: int, packed: bytes) -> Attempt:
    started_at, finished_at, worker_id, outcome, *error = _decode_attempt(packed)
    kind, message, traceback = error or ("", "", "")
    return Attempt(
        number=number,
        worker_id=str(worker_id),
        started_at=int(started_at),
        finished_at=int(finished_at),
        outcome=str(outcome),
        error=JobError(str(kind), str(message), str(traceback)) if kind else None,
    )
