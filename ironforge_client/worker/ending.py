"""From how a handler ended to what the server is told: pure, and the only place where this is decided."""

from __future__ import annotations

import asyncio
import time
import traceback

from ironforge_client.exchange import encode
from ironforge_client.worker.attempt import Attempt, StopReason
from ironforge_client.worker.protocol import Document
from ironforge_client.worker.verdict import Discard, Retry, Snooze

_MAX_MESSAGE = 2_000
_MAX_TRACEBACK = 16_000


class Returned:
    """The handler returned `value`."""

    def __init__(self, value: object) -> None:
        self.value = value


class Raised:
    """The handler raised `error`."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


Ending = Returned | Raised


def settlement_of(attempt: Attempt, ending: Ending, limit_s: float) -> Document | None:
    """Return what to tell the server; None when the lease is lost and there is nothing to say."""
    stop = attempt.stop_reason
    if stop is StopReason.LEASE_LOST:
        return None
    if stop is StopReason.TIMEOUT:
        return _settled(attempt, "failed", error=_error("timeout", f"The handler did not end within {limit_s:g} s."))
    if isinstance(ending, Returned):
        return _completed(attempt, ending.value)
    if stop is StopReason.SHUTDOWN and not isinstance(ending.error, (Snooze, Discard, Retry)):
        if attempt.lease.job.delivery == "at_most_once":
            # It has begun, so it must not run again.
            error = _error("shutdown", "The worker stopped while the job ran, and it may run only once.")
            return _settled(attempt, "failed", error=error)
        return released(attempt)
    return _raised(attempt, ending.error)


def released(attempt: Attempt) -> Document:
    """Give the job back unused: no attempt is counted."""
    return {**attempt.lease.key(), "outcome": "released"}


def unknown_kind(attempt: Attempt) -> Document:
    """Say that this worker has no handler for the job."""
    error = _error("unknown_kind", f"No handler is registered for kind {attempt.lease.job.kind!r}.")
    return _settled(attempt, "unknown_kind", error=error)


def _completed(attempt: Attempt, value: object) -> Document:
    if value is None:
        return _settled(attempt, "completed")
    try:
        encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        # The work is done, and would be done twice if that were a failure.
        attempt.reports.line(f"The result was dropped, it is not JSON: {error}", 1_000)
        return _settled(attempt, "completed")
    return _settled(attempt, "completed", result=value)


def _raised(attempt: Attempt, error: BaseException) -> Document:
    if isinstance(error, Snooze):
        return _settled(attempt, "snoozed", delay_ms=error.delay_ms)
    if isinstance(error, Discard):
        return _settled(attempt, "discarded", error=_error("discard", str(error)))
    if isinstance(error, Retry):
        more = {} if error.delay_ms is None else {"delay_ms": error.delay_ms}
        return _settled(attempt, "failed", error=_error("retry", str(error)), **more)
    if attempt.stop_reason is StopReason.CANCELLED and isinstance(error, asyncio.CancelledError):
        return _settled(attempt, "failed", error=_error("cancelled", "The job was cancelled while it ran."))
    return _settled(attempt, "failed", error=_error(type(error).__qualname__, str(error), _frames(error)))


def _frames(error: BaseException) -> str:
    """Return the traceback from the handler on: how the worker called it helps nobody."""
    found = error.__traceback__
    while found is not None and found.tb_frame.f_globals.get("__name__", "").startswith("ironforge_client.worker."):
        found = found.tb_next
    return "".join(traceback.format_exception(type(error), error, found))


def _settled(attempt: Attempt, outcome: str, **more: object) -> Document:
    duration_ms = round((time.monotonic() - attempt.started) * 1000)
    return {**attempt.lease.key(), "outcome": outcome, "duration_ms": duration_ms, **more}


def _error(kind: str, message: str, frames: str = "") -> Document:
    # The end of a traceback says most.
    return {"type": kind, "message": message[:_MAX_MESSAGE], "traceback": frames[-_MAX_TRACEBACK:]}
