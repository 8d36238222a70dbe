"""What becomes of an operation whose step failed: tried again later and later, shown, and stopped in the end."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone

from jobs.access.operation import Operation
from jobs.domain.errors import BackendUnavailable, IronForgeError
from jobs.services.operation_states import PURGE, WISHES, Changes, obeyed
from jobs.telemetry.logs import log_event

_log = logging.getLogger(__name__)
MAX_FAILURES = 12
_FIRST_S, _LONGEST_S = 1.0, 60.0
# The store comes back, and is not to be waited for much longer than it is away.
_AWAY_S = 2.0
_TEXT_LENGTH = 200


def note_failure(row: Operation, failure: Exception) -> None:
    """Write a failed step down: when it is tried again, after 12 in a row that it stopped. A purge never stops."""
    is_away = isinstance(failure, BackendUnavailable)
    text = failure.detail if isinstance(failure, IronForgeError) else f"unexpected: {type(failure).__name__}"
    failures = row.failures if is_away else row.failures + 1
    wait_s = _AWAY_S if is_away else min(_FIRST_S * 2 ** (failures - 1), _LONGEST_S)
    changes: Changes = {
        "failures": failures,
        "error": text[:_TEXT_LENGTH],
        "next_at": timezone.now() + timedelta(seconds=wait_s),
    }
    is_over = failures >= MAX_FAILURES and not is_away and row.action != PURGE
    if is_over:
        reason = f"Gave up after {failures} tries in a row: {text}"[:_TEXT_LENGTH]
        changes |= {"status": "stopped", "stop_reason": reason, "paused_at_status": row.status}
    if not is_away:
        log_event(
            _log, "operation.failed", level=logging.ERROR, exception=failure, operation=row.id,
            namespace=row.namespace, failures=failures, stopped=is_over or None,
        )  # fmt: skip
    here = Operation.objects.filter(pk=row.pk, step=row.step)
    for wanted in WISHES:
        if here.filter(wanted=wanted).update(**(obeyed(changes, row.status, wanted) if is_over else changes)):
            return
