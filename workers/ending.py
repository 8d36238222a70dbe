"""From how a handler ended to what the store is told: pure, and the only place where this is decided."""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from jobs.domain.backoff import Backoff
from jobs.domain.job import Delivery, Job, JobError
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.payload import MAX_RESULT_BYTES
from workers.error_report import plain_report, report_of
from workers.json_value import encode_json
from workers.registry import Handler
from workers.verdict import Cancelled, Retry, Snooze, Stated, UnknownKind, Verdict

CHANCE = random.Random()
# Processes that were forked from one must not draw alike.
os.register_at_fork(after_in_child=CHANCE.seed)


class StopReason(StrEnum):
    """Why a handler was asked to stop before its end."""

    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    LEASE_LOST = "lease_lost"
    SHUTDOWN = "shutdown"


class Returned(msgspec.Struct, frozen=True):
    """The handler returned `value`."""

    value: object


class Raised(msgspec.Struct, frozen=True):
    """The handler raised `error`."""

    error: BaseException


class Told(msgspec.Struct, frozen=True):
    """A child process ran the handler, and says what is to be told unless the attempt was stopped.

    `is_stopped`: the handler ended because it was asked to. `dropped` says why its return value could not be kept.
    """

    settlement: Settlement
    is_stopped: bool = False
    dropped: str = ""


class Crashed(msgspec.Struct, frozen=True):
    """The child process that ran the handler died of it; `how` says all that is known."""

    how: str


Ending = Returned | Raised | Told | Crashed


@dataclass(frozen=True, slots=True)
class Result:
    """`encoded` is JSON text, None for nothing; `dropped` says why a value could not be kept."""

    encoded: bytes | None
    dropped: str = ""


_NOTHING = Result(None)


def settlement_of(
    lease: Lease, handler: Handler, ending: Ending, stop: StopReason | None, duration_ms: int
) -> Settlement | None:
    """Return what to tell the store; None when the lease is lost and there is nothing to say."""
    if stop is StopReason.LEASE_LOST:
        return None
    if stop is StopReason.TIMEOUT:
        return _timed_out(lease, handler, duration_ms)
    if isinstance(ending, Told | Crashed):
        return _of_child(lease, handler, ending, stop, duration_ms)
    if isinstance(ending, Returned):
        result = encode_result(ending.value)
        return _settlement(lease, OutcomeKind.COMPLETED, duration_ms, result=result.encoded)
    if stop is StopReason.SHUTDOWN:
        return _shut_down(lease, handler, duration_ms)
    return _raised(lease, handler, ending.error, stop, duration_ms)


def encode_result(value: object) -> Result:
    """Return a handler's return value as it is kept. What cannot be kept is dropped: the work is done all the same."""
    if value is None:
        return _NOTHING
    try:
        return Result(encode_json(value, MAX_RESULT_BYTES))
    except ValueError as error:
        return Result(None, str(error))


def released(lease: Lease, reason: str = "worker_stops") -> Settlement:
    """Return the job unused: no attempt is counted."""
    return msgspec.structs.replace(_settlement(lease, OutcomeKind.RELEASED, 0), reason=reason)


def unknown_kind(lease: Lease) -> Settlement:
    """Say that this worker has no handler for the job."""
    error = plain_report("unknown_kind", f"No handler is registered for kind {lease.job.kind!r}.")
    return _settlement(lease, OutcomeKind.UNKNOWN_KIND, 0, error=error)


def undecodable(lease: Lease, error: Exception) -> Settlement:
    """Give up a job whose stored payload is not JSON: no attempt can ever read it."""
    report = plain_report("undecodable_payload", f"The stored payload is not JSON: {error}")
    return _settlement(lease, OutcomeKind.DISCARDED, 0, error=report)


def timeout_error(lease: Lease, handler: Handler) -> JobError:
    """Return the report of an attempt that ran too long."""
    limit_ms = handler.time_limit_ms(lease.job.timeout_ms)
    return plain_report("timeout", f"The handler did not end within {limit_ms} ms.")


def _timed_out(lease: Lease, handler: Handler, duration_ms: int) -> Settlement:
    report = timeout_error(lease, handler)
    if handler.is_timeout_final:
        return _settlement(lease, OutcomeKind.DISCARDED, duration_ms, error=report)
    return _failure(lease, handler, report, None, duration_ms)


def _of_child(
    lease: Lease, handler: Handler, ending: Told | Crashed, stop: StopReason | None, duration_ms: int
) -> Settlement:
    if isinstance(ending, Crashed):
        report = plain_report("worker_crashed", ending.how)
        return _settlement(lease, OutcomeKind.CRASHED, duration_ms, error=report)
    if ending.settlement.outcome is not OutcomeKind.COMPLETED:
        if stop is StopReason.SHUTDOWN:
            return _shut_down(lease, handler, duration_ms)
        if stop is StopReason.CANCELLED and ending.is_stopped:
            return _cancelled(lease, handler, duration_ms)
    return ending.settlement


def _shut_down(lease: Lease, handler: Handler, duration_ms: int) -> Settlement:
    if lease.job.delivery is Delivery.AT_MOST_ONCE:
        # It has begun, so it must not run again.
        report = plain_report("shutdown", "The worker stopped while the job ran, and it may run only once.")
        return _failure(lease, handler, report, None, duration_ms)
    return released(lease)


def _raised(
    lease: Lease, handler: Handler, error: BaseException, stop: StopReason | None, duration_ms: int
) -> Settlement:
    if isinstance(error, Verdict):
        return _judged(lease, handler, error, duration_ms)
    if stop is StopReason.CANCELLED and isinstance(error, (asyncio.CancelledError, Cancelled)):
        return _cancelled(lease, handler, duration_ms)
    if handler.is_final(error):
        return _settlement(lease, OutcomeKind.DISCARDED, duration_ms, error=report_of(error))
    return _failure(lease, handler, report_of(error), None, duration_ms)


def _cancelled(lease: Lease, handler: Handler, duration_ms: int) -> Settlement:
    report = plain_report("cancelled", "The job was cancelled while it ran.")
    return _failure(lease, handler, report, None, duration_ms)


def _judged(lease: Lease, handler: Handler, verdict: Verdict, duration_ms: int) -> Settlement:
    if isinstance(verdict, UnknownKind):
        return unknown_kind(lease)
    if isinstance(verdict, Snooze):
        told = report_of(verdict) if isinstance(verdict, Stated) else None
        return _settlement(lease, OutcomeKind.SNOOZED, duration_ms, delay_ms=verdict.delay_ms, error=told)
    if isinstance(verdict, Retry):
        return _failure(lease, handler, report_of(verdict, "retry"), verdict.delay_ms, duration_ms)
    return _settlement(lease, OutcomeKind.DISCARDED, duration_ms, error=report_of(verdict, "discard"))


def _failure(lease: Lease, handler: Handler, error: JobError, delay_ms: int | None, duration_ms: int) -> Settlement:
    job = lease.job
    if handler.max_retries is not None and job.retry_count >= handler.max_retries:
        return _settlement(lease, OutcomeKind.DISCARDED, duration_ms, error=error)
    if delay_ms is None:
        delay_ms = _own_backoff(job, handler)
    return _settlement(lease, OutcomeKind.FAILED, duration_ms, error=error, delay_ms=delay_ms)


def _own_backoff(job: Job, handler: Handler) -> int | None:
    """Return the delay of the handler's policy; None leaves it to the job's own, which the store knows."""
    if handler.backoff is None or job.backoff != Backoff():
        return None
    return handler.backoff.delay_ms(job.retry_count + 1, CHANCE)


def _settlement(
    lease: Lease,
    outcome: OutcomeKind,
    duration_ms: int,
    *,
    result: bytes | None = None,
    error: JobError | None = None,
    delay_ms: int | None = None,
) -> Settlement:
    return Settlement(
        job_id=lease.job.id,
        token=lease.token,
        outcome=outcome,
        result=result,
        error=error,
        delay_ms=delay_ms,
        duration_ms=duration_ms,
    )
