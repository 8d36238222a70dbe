"""Between what the store keeps and the structs of the domain. Raw replies are handled here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec

from jobs.backends.base import MAX_BATCH, Submission
from jobs.backends.redis.spec import decode_spec, encode_spec
from jobs.domain.fingerprint import site_of
from jobs.domain.identity import created_ms, parse_id
from jobs.domain.instant import LAST_MOMENT
from jobs.domain.job import Attempt, Job, JobError, JobSpec
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.priority import OFFSET_STEP_S
from jobs.domain.report import Progress
from jobs.domain.status import Status
from jobs.domain.unique import OnConflict, Until

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
    "progress",
)
pack = msgspec.msgpack.encode
unpack = msgspec.msgpack.decode
_decode_tags = msgspec.json.Decoder(dict[str, str]).decode
_NO_ERROR = JobError("")
# Behind the type of an error stands what failures of one place have in common, so that a list of jobs can be grouped
# without their tracebacks. Scripts carry both on as one text.
_SITE = "\x1f"
_SITED = re.compile(rf"(.*){_SITE}([0-9a-f]{{12}})", re.DOTALL)
_ATTEMPT_FIELD = re.compile(r"attempt:([1-9]\d{0,15})", re.ASCII)
_decode_attempt = msgspec.msgpack.Decoder(list[str | float]).decode
_encode_json = msgspec.json.encode


def opaque(data: bytes) -> msgspec.Raw:
    """Return bytes as a msgpack string. Lua's cmsgpack knows no `bin` type, and its strings are bytes anyway."""
    size = len(data)
    head = bytes((0xA0 | size,)) if size < 32 else b"\xdb" + size.to_bytes(4, "big")
    return msgspec.Raw(head + data)


def batch_of(items: Sequence[object], limit: int = MAX_BATCH) -> bytes:
    """Return a batch as a script reads it. Raises ValueError beyond the limit: a longer script holds the store up."""
    _require_few(items, limit)
    return pack(list(items))


def rows_of(entries: Sequence[Sequence[object]], limit: int = MAX_BATCH) -> bytes:
    """Return a batch as one row of values, the entries' one after another: a table for each costs a script more.

    Raises ValueError beyond the limit.
    """
    _require_few(entries, limit)
    return pack(list(chain.from_iterable(entries)))


def _require_few(items: Sequence[object], limit: int) -> None:
    if len(items) > limit:
        raise ValueError(f"a call takes at most {limit} jobs, not {len(items)}")


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
    offset = rank * priority_step_s
    return [
        submission.job_id,
        idempotency,
        submission.fingerprint,
        spec.queue,
        rank,
        offset,
        spec.scheduled_for or 0,
        opaque(encode_spec(spec, None if priority_step_s == OFFSET_STEP_S else offset)),
        opaque(spec.payload),
        _more(spec) if spec.expires_at is not None or spec.unique or spec.debounce else False,
    ]


def _more(spec: JobSpec) -> list[object]:
    """Return what include/more.lua reads."""
    asked: object = False
    if spec.unique:
        it = spec.unique
        asked = [it.key, it.until, it.ttl_ms or 0, it.on_conflict, False, 0]
    elif spec.debounce:
        held = spec.debounce
        asked = [held.key, Until.STARTED, 0, OnConflict.RETURN, held.delay_ms, held.max_wait_ms or 0]
    return [False if spec.expires_at is None else spec.expires_at, asked]


def encode_settlement(settlement: Settlement, chance: float) -> list[object]:
    """Return one entry of settle.lua's batch. `chance` in 0–1 draws the jitter of a retry."""
    entry: list[object] = [settlement.job_id, settlement.token, settlement.outcome, settlement.duration_ms]
    if settlement.outcome is OutcomeKind.COMPLETED:
        return [*entry, opaque(settlement.result) if settlement.result else "", False]
    error = _NO_ERROR if settlement.error is None else settlement.error.bounded()
    delay_ms = -1 if settlement.delay_ms is None else settlement.delay_ms
    error_type = f"{error.type}{_SITE}{site_of(error)}" if error.type else ""
    return [*entry, "", [error_type, error.message, error.traceback, delay_ms, chance]]


def zip_fields(names: Sequence[str], values: Sequence[bytes | None]) -> dict[str, bytes]:
    """Return the fields that are there, by name."""
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def decode_whole(job_id: str, namespace: str, flat: Sequence[bytes]) -> Job | None:
    """Return the job of an HGETALL reply, with payload, result and attempts; None if it is empty."""
    if not flat:
        return None
    raw = {text_of(name): value for name, value in pairs(flat)}
    job = decode_job(job_id, namespace, raw, _attempts(raw))
    deliveries = text_of(raw.get("deliveries", b"")).split()
    return msgspec.structs.replace(job, deliveries=tuple(filter(parse_id, deliveries))) if deliveries else job


def decode_job(job_id: str, namespace: str, raw: Raw, attempts: tuple[Attempt, ...] = ()) -> Job:
    """Return a job from its fields, of which those at their default are not stored.

    One that was lost or damaged from outside must not hide the jobs beside it: the job is shown without it.
    """
    spec = decode_spec(raw.get("spec", b""))
    ready_at = _ready_at(raw)
    is_running = raw.get("status") == b"running"
    return Job(
        id=job_id,
        namespace=namespace,
        **spec.given(),
        status=_status(raw),
        retry_count=_integer(raw, "retry_count") or 0,
        created_at=_created_at(job_id, raw, ready_at),
        scheduled_for=_moment(_integer(raw, "scheduled_for")),
        ready_at=ready_at,
        started_at=_moment(_integer(raw, "started_at")),
        finished_at=_moment(_integer(raw, "finished_at")),
        payload=raw.get("payload"),
        result=raw.get("result"),
        error=_error(raw),
        error_site=_sited(text_of(raw.get("error_type", b"")))[1],
        reason=text_of(raw["reason"]) if "reason" in raw else None,
        worker_id=_worker_of(raw["lease"]) if is_running and raw.get("lease") else None,
        attempt=_integer(raw, "attempt") or 0,
        lost_leases=_integer(raw, "lost_leases") or 0,
        progress=_progress(raw.get("progress")),
        checkpoint=raw.get("checkpoint"),
        cancel_requested="cancel_by" in raw and is_running,
        attempts=attempts,
    )


def _status(raw: Raw) -> Status:
    """Return the status; that of a damaged job, as the reconciler will write it, where there is none."""
    try:
        return Status(text_of(raw.get("status", b"")))
    except ValueError:
        return Status.DEAD_LETTER


def _ready_at(raw: Raw) -> int | None:
    """Return when a job became ready (ms), which is kept in microseconds."""
    ready_us = _integer(raw, "ready_at")
    return None if ready_us is None else _moment(ready_us // 1000)


def _created_at(job_id: str, raw: Raw, ready_at: int | None) -> int:
    """Return when a job was submitted (ms): one that was ready at once keeps one moment for both."""
    known = (_moment(_integer(raw, "created")), ready_at, _made_at(job_id))
    return next(at for at in known if at is not None)


def _made_at(job_id: str) -> int:
    """Return when a job's id was made (ms), which is a moment before it was submitted; 0 for what is no id."""
    return _moment(created_ms(job_id)) or 0 if parse_id(job_id) else 0


def _worker_of(lease: bytes) -> str:
    """Return who holds a lease: all between its first and its last word, since a worker's id may have spaces.

    A lease that lacks the last word, a number of bytes, is read as far as it goes.
    """
    rest = lease.partition(b" ")[2]
    worker_id, _, payload_bytes = rest.rpartition(b" ")
    return text_of(worker_id if worker_id and payload_bytes.isdigit() else rest)


def _whole(value: bytes | None) -> int | None:
    """Return a number, None where there is none. Lua writes large ones with an exponent or a fraction now and then."""
    try:
        return None if value is None else int(float(value))
    except (ValueError, OverflowError):
        return None


def _moment(at: int | None) -> int | None:
    """Return a time (Unix ms) that a calendar has, else None."""
    return at if at is not None and 0 <= at <= LAST_MOMENT else None


def _integer(raw: Raw, name: str) -> int | None:
    return _whole(raw.get(name))


def _error(raw: Raw) -> JobError | None:
    if "error_type" not in raw:
        return None
    error_type, _ = _sited(text_of(raw["error_type"]))
    return JobError(error_type, text_of(raw.get("error_message", b"")), text_of(raw.get("traceback", b"")))


def _sited(text: str) -> tuple[str, str]:
    """Return an error's type and its site, '' for one that another version wrote, or a script."""
    found = _SITED.fullmatch(text)
    return (found[1], found[2]) if found else (text, "")


def _progress(raw: bytes | None) -> Progress | None:
    fraction, _, rest = (raw or b"").partition(b" ")
    at, _, text = rest.partition(b" ")
    try:
        return Progress(float(fraction), text_of(text), int(at))
    except ValueError:
        return None


def _attempts(raw: Raw) -> tuple[Attempt, ...]:
    numbers = sorted(int(match[1]) for name in raw if (match := _ATTEMPT_FIELD.fullmatch(name)))
    known = [attempt for number in numbers if (attempt := _attempt(number, raw[f"attempt:{number}"])) is not None]
    if raw.get("status") == b"running":
        number, started_at = _integer(raw, "attempt") or 1, _moment(_integer(raw, "started_at")) or 0
        known.append(Attempt(number=number, worker_id=_worker_of(raw.get("lease", b"")), started_at=started_at))
    return tuple(known)


def _attempt(number: int, packed: bytes) -> Attempt | None:
    """Return a closed attempt; None for a record that cannot be read, since it must not hide the job."""
    try:
        return _read_attempt(number, packed)
    except (msgspec.MsgspecError, ValueError, OverflowError):
        return None


def _read_attempt(number: int, packed: bytes) -> Attempt:
    started_at, finished_at, worker_id, outcome, *error = _decode_attempt(packed)
    kind, message, traceback = error or ("", "", "")
    return Attempt(
        number=number,
        worker_id=str(worker_id),
        started_at=_moment(int(started_at)) or 0,
        finished_at=_moment(int(finished_at)) or 0,
        outcome=str(outcome),
        error=JobError(_sited(str(kind))[0], str(message), str(traceback)) if kind else None,
    )
