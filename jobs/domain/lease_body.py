"""What a worker that speaks HTTP asks about leases: the bodies of its claims, renewals and settlements."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec

from jobs.domain import naming
from jobs.domain.error_group import MAX_VERSION
from jobs.domain.field_reader import DEEP, FieldReader, read_object
from jobs.domain.identity import parse_id
from jobs.domain.job import MAX_DELAY_MS, JobError
from jobs.domain.lease import DEFAULT_LEASE_MS, MAX_CLAIM_WAIT_MS, MAX_HTTP_LEASE_MS, MAX_LEASES, MIN_LEASE_MS
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.payload import MAX_DEPTH, MAX_RESULT_BYTES, depth_of, encode_json

MAX_QUEUES_CLAIMED: Final = 64
CLAIM_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
TOKEN: Final = re.compile(r"[0-9a-f]{32}-[0-9a-f]{12}")
OUTCOMES: Final = tuple(kind.value for kind in OutcomeKind)
# How long an attempt may have taken by the clock of its worker.
MAX_DURATION_MS: Final = MAX_DELAY_MS

CLAIM_FIELDS = frozenset({"worker_id", "queues", "max_jobs", "wait_ms", "lease_ms", "claim_id"})
LEASE_KEYS = frozenset({"leases"})
SETTLEMENT_FIELDS = frozenset({"job_id", "lease_token", "outcome", "result", "error", "delay_ms", "duration_ms"})
_LEASE_FIELDS = frozenset({"job_id", "lease_token"})
_ERROR_FIELDS = frozenset({"type", "message", "traceback"})
_WITH_ERROR = frozenset({OutcomeKind.FAILED, OutcomeKind.DISCARDED, OutcomeKind.UNKNOWN_KIND})
_WITH_DELAY = frozenset({OutcomeKind.FAILED, OutcomeKind.SNOOZED})
_is_queue = lru_cache(maxsize=2048)(naming.is_queue)

# The id of a job and the token of its lease.
HeldLease = tuple[str, str]


class ClaimOrder(msgspec.Struct, frozen=True, kw_only=True):
    """How many jobs of which queues a worker wants, how long it waits for the first and how long the leases are."""

    worker_id: str
    queues: tuple[str, ...]
    max_jobs: int
    wait_ms: int
    lease_ms: int
    claim_id: str


class Settlements(msgspec.Struct, frozen=True):
    """How attempts ended, in the order of the request. `dropped` says at which places a result could not be kept.

    `app_version` is of the code that ran.
    """

    items: tuple[Settlement, ...]
    dropped: dict[int, str]
    app_version: str = ""


def read_claim(body: bytes) -> ClaimOrder:
    """Return what a JSON text claims. Raises MalformedInput, or InvalidInput with all problems."""
    made: list[ClaimOrder] = []

    def take(fields: FieldReader) -> None:
        rule = f"^{naming.QUEUE.pattern}$"
        made.append(
            ClaimOrder(
                worker_id=fields.name("worker_id", naming.is_worker_id, f"^{naming.WORKER_ID.pattern}$", None),
                queues=fields.names("queues", MAX_QUEUES_CLAIMED, _is_queue, rule, is_required=True),
                max_jobs=fields.integer("max_jobs", 1, MAX_LEASES, 1),
                wait_ms=fields.integer("wait_ms", 0, MAX_CLAIM_WAIT_MS, 0),
                lease_ms=fields.integer("lease_ms", MIN_LEASE_MS, MAX_HTTP_LEASE_MS, DEFAULT_LEASE_MS),
                claim_id=_claim_id(fields),
            )
        )

    read_object(body, CLAIM_FIELDS, take)
    return made[0]


def read_renewal(body: bytes) -> tuple[tuple[HeldLease, ...], int]:
    """Return the leases to extend and by how many ms from now. Raises MalformedInput or InvalidInput."""
    made: list[tuple[tuple[HeldLease, ...], int]] = []

    def take(fields: FieldReader) -> None:
        lease_ms = fields.integer("lease_ms", MIN_LEASE_MS, MAX_HTTP_LEASE_MS, DEFAULT_LEASE_MS)
        made.append((lease_keys(fields, is_required=True), lease_ms))

    read_object(body, LEASE_KEYS | {"lease_ms"}, take)
    return made[0]


def read_settlements(body: bytes) -> Settlements:
    """Return how attempts ended. Raises MalformedInput, or InvalidInput with all problems."""
    items: list[Settlement] = []
    dropped: dict[int, str] = {}
    versions: list[str] = []

    def take(fields: FieldReader) -> None:
        versions.append(fields.text("app_version", MAX_VERSION))
        for place, one in fields.objects("settlements", MAX_LEASES, SETTLEMENT_FIELDS):
            items.append(_settlement(one, place, dropped))

    read_object(body, frozenset({"settlements", "app_version"}), take, max_depth=DEEP)
    return Settlements(tuple(items), dropped, versions[0])


def lease_keys(fields: FieldReader, *, is_required: bool) -> tuple[HeldLease, ...]:
    """Return the leases that a body names, each once."""
    found = fields.objects("leases", MAX_LEASES, _LEASE_FIELDS, is_required=is_required)
    return tuple(dict.fromkeys(lease_key(one) for _, one in found))


def lease_key(fields: FieldReader) -> HeldLease:
    """Return the job and the token of a lease. What cannot be either is refused; what is nobody's is lost later."""
    job_id, token = fields.value("job_id"), fields.value("lease_token")
    canonical = parse_id(job_id) if isinstance(job_id, str) else None
    if canonical is None:
        fields.refuse("job_id", "invalid_id", "job_id must be the id of a job, as it was claimed.")
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        fields.refuse("lease_token", "invalid_token", "lease_token must be the token that came with the job.")
        token = ""
    return canonical or "", token


def _claim_id(fields: FieldReader) -> str:
    if not fields.has("claim_id"):
        return ""
    return fields.name("claim_id", lambda text: CLAIM_ID.fullmatch(text) is not None, f"^{CLAIM_ID.pattern}$", "")


def _settlement(fields: FieldReader, place: int, dropped: dict[int, str]) -> Settlement:
    job_id, token = lease_key(fields)
    outcome = _outcome(fields)
    for field, allowed in (("error", _WITH_ERROR), ("delay_ms", _WITH_DELAY), ("result", {OutcomeKind.COMPLETED})):
        if fields.has(field) and outcome not in allowed:
            fields.refuse(field, "not_allowed", f"{field} does not belong to the outcome {outcome.value}.")
    delay_ms = fields.optional_integer("delay_ms", 0, MAX_DELAY_MS)
    if outcome is OutcomeKind.SNOOZED and not fields.has("delay_ms"):
        fields.refuse("delay_ms", "required", "delay_ms is required: how long the job sleeps.")
    return Settlement(
        job_id=job_id,
        token=token,
        outcome=outcome,
        result=_result(fields, place, dropped),
        error=_error(fields, outcome),
        delay_ms=delay_ms,
        duration_ms=fields.integer("duration_ms", 0, MAX_DURATION_MS, 0),
    )


def _outcome(fields: FieldReader) -> OutcomeKind:
    if not fields.has("outcome"):
        fields.refuse("outcome", "required", f"outcome is required: one of {', '.join(OUTCOMES)}.")
        return OutcomeKind.RELEASED
    return OutcomeKind(fields.choice("outcome", OUTCOMES, OutcomeKind.RELEASED))


def _result(fields: FieldReader, place: int, dropped: dict[int, str]) -> bytes | None:
    """Return a result as it is kept. What cannot be kept is dropped: the work is done all the same."""
    value = fields.value("result")
    if value is None:
        return None
    if depth_of(value) > MAX_DEPTH:
        dropped[place] = f"it nests deeper than {MAX_DEPTH} levels"
        return None
    encoded = encode_json(value)
    if len(encoded) > MAX_RESULT_BYTES:
        dropped[place] = f"it is {len(encoded)} bytes, at most {MAX_RESULT_BYTES} are kept"
        return None
    return encoded


def _error(fields: FieldReader, outcome: OutcomeKind) -> JobError | None:
    value = fields.value("error")
    if value is None:
        return JobError(outcome.value) if outcome in _WITH_ERROR else None
    if not isinstance(value, dict):
        fields.refuse("error", "invalid_type", "error must be an object.")
        return None
    inner = fields.inner("error", value, _ERROR_FIELDS)
    if not inner.long_text("type"):
        inner.refuse("type", "required", "type is required: a short name that groups alike failures.")
    return JobError(inner.long_text("type"), inner.long_text("message"), inner.long_text("traceback"))
