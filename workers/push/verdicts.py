"""From what a receiver answered to how the attempt ends."""

from __future__ import annotations

import time
from contextlib import suppress
from email.utils import parsedate_to_datetime

from jobs.domain.payload import read_json
from jobs.outbound.posting import Answer, Unsent
from workers.verdict import StatedDiscard, StatedFailure, StatedSnooze

GONE, TOO_MANY = 410, 429
DEFAULT_SNOOZE_S, MAX_SNOOZE_S = 30.0, 3_600.0
# A receiver that always asks for later is failing: from this attempt on it is told so.
MAX_SNOOZED_ATTEMPTS = 100
SHOWN_BYTES = 1_024


def result_of(came: Answer | Unsent, attempt: int) -> object:
    """Return what becomes the job's result: a JSON body of a 2xx, None for any other.

    Raises StatedSnooze for 429 and any refusal with `Retry-After`, StatedDiscard for 410, else StatedFailure.
    """
    if isinstance(came, Unsent):
        raise StatedFailure(came.code, came.detail)
    if 200 <= came.status < 300:
        return _json_of(came)
    error_type, detail = f"http_{came.status}", f"The receiver answered {came.status}{shown(came)}"
    delay_s = retry_after_s(came, time.time())
    if delay_s is not None and attempt < MAX_SNOOZED_ATTEMPTS:
        raise StatedSnooze(error_type, detail, delay_s)
    if came.status == GONE:
        raise StatedDiscard(error_type, detail)
    raise StatedFailure(error_type, detail)


def shown(came: Answer) -> str:
    """Return the beginning of a body for people, after a colon; nothing for an empty one."""
    text = came.body[:SHOWN_BYTES].decode("utf-8", "replace").strip()
    return f": {text}" if text else "."


def retry_after_s(came: Answer, now_s: float) -> float | None:
    """Return for how long a receiver wants to be left alone, bounded; None if it does not say so."""
    text = (came.retry_after or "").strip()
    wanted: float | None = DEFAULT_SNOOZE_S if came.status == TOO_MANY else None
    if text.isascii() and text.isdigit():
        wanted = float(text[:12])
    elif text:
        with suppress(ValueError, TypeError, OverflowError):
            wanted = parsedate_to_datetime(text).timestamp() - now_s
    return None if wanted is None else min(max(wanted, 1.0), MAX_SNOOZE_S)


def _json_of(came: Answer) -> object:
    if came.is_cut or not came.is_json or not came.body.strip():
        return None
    try:
        return read_json(came.body)
    except Exception:  # noqa: BLE001 (the work is done; what cannot be read is no result)
        return None
