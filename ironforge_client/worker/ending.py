"""From how a handler ended to what the server is told: pure, and the only place where this is decided."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback

from ironforge_client.exchange import encode
from ironforge_client.worker.attempt import Attempt, StopReason
from ironforge_client.worker.plain_text import UNSPEAKABLE, message_of, plain
from ironforge_client.worker.protocol import Document
from ironforge_client.worker.verdict import Discard, Retry, Snooze

_log = logging.getLogger("ironforge.worker")
_MAX_MESSAGE = 2_000
_MAX_TRACEBACK = 16_000
# The server keeps no larger result either, and a proxy before it may take no larger request.
MAX_RESULT_BYTES = 256 * 1024
_REFUSED = "refused_outcome"


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
    """Return what to tell the server; None when the lease is lost and there is nothing to say. Raises nothing."""
    try:
        return _settlement_of(attempt, ending, limit_s)
    except BaseException:  # noqa: BLE001 (an odd exception of a handler must not leave its job without an end)
        if isinstance(ending, Returned):
            return _settled(attempt, "completed")
        return _settled(attempt, "failed", error=_error("exception", UNSPEAKABLE))


def _settlement_of(attempt: Attempt, ending: Ending, limit_s: float) -> Document | None:
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


def is_given_back(attempt: Attempt) -> bool:
    """Tell whether the job is to run elsewhere: only then may a farewell name it."""
    return not attempt.has_begun or (attempt.settlement or {}).get("outcome") == "released"


def plainer(attempt: Attempt) -> Document | None:
    """Return a form of an outcome that may be accepted where its present one is not; None after the plainest."""
    settlement = attempt.settlement or {}
    if "result" in settlement:
        # The work is done all the same.
        return {name: value for name, value in settlement.items() if name != "result"}
    if settlement.get("error", {}).get("type") == _REFUSED:
        return None
    error = _error(_REFUSED, "The server refused the outcome that the worker told.")
    return {**attempt.lease.key(), "outcome": "failed", "error": error}


def unknown_kind(attempt: Attempt) -> Document:
    """Say that this worker has no handler for the job."""
    error = _error("unknown_kind", f"No handler is registered for kind {attempt.lease.job.kind!r}.")
    return _settled(attempt, "unknown_kind", error=error)


def _completed(attempt: Attempt, value: object) -> Document:
    if value is None:
        return _settled(attempt, "completed")
    try:
        text = encode(value)
        # As it is now, whatever the handler does to it afterwards.
        kept = json.loads(text)
    except Exception as error:  # noqa: BLE001 (a value of the handler's own making may raise anything)
        return _dropped(attempt, f"it is not JSON: {message_of(error)}")
    if len(text) > MAX_RESULT_BYTES:
        return _dropped(attempt, f"it has {len(text)} bytes, at most {MAX_RESULT_BYTES} are kept")
    return _settled(attempt, "completed", result=kept)


def _dropped(attempt: Attempt, why: str) -> Document:
    # The work is done, and would be done twice if that were a failure.
    _log.warning("job %s: the result was dropped, %s", attempt.lease.job.id, why)
    attempt.reports.line(f"The result was dropped, {why}"[:_MAX_MESSAGE], 1_000)
    return _settled(attempt, "completed")


def _raised(attempt: Attempt, error: BaseException) -> Document:
    if isinstance(error, Snooze):
        return _settled(attempt, "snoozed", delay_ms=error.delay_ms)
    if isinstance(error, Discard):
        return _settled(attempt, "discarded", error=_error("discard", message_of(error)))
    if isinstance(error, Retry):
        more = {} if error.delay_ms is None else {"delay_ms": error.delay_ms}
        return _settled(attempt, "failed", error=_error("retry", message_of(error)), **more)
    if attempt.stop_reason is StopReason.CANCELLED and isinstance(error, asyncio.CancelledError):
        return _settled(attempt, "failed", error=_error("cancelled", "The job was cancelled while it ran."))
    return _settled(attempt, "failed", error=_error(type(error).__qualname__, message_of(error), _frames(error)))


def _frames(error: BaseException) -> str:
    """Return the traceback from the handler on: how the worker called it helps nobody."""
    found = error.__traceback__
    while found is not None and found.tb_frame.f_globals.get("__name__", "").startswith("ironforge_client.worker."):
        found = found.tb_next
    try:
        return "".join(traceback.format_exception(type(error), error, found))
    except BaseException:  # noqa: BLE001 (the report must not fail where the job did)
        return ""


def _settled(attempt: Attempt, outcome: str, **more: object) -> Document:
    duration_ms = round((time.monotonic() - attempt.started) * 1000)
    return {**attempt.lease.key(), "outcome": outcome, "duration_ms": duration_ms, **more}


def _error(kind: str, message: str, frames: str = "") -> Document:
    # The end of a traceback says most.
    return {"type": plain(kind), "message": plain(message)[:_MAX_MESSAGE], "traceback": plain(frames)[-_MAX_TRACEBACK:]}
