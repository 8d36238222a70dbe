"""What every act of an operator has in common: it is named once, and it lands in the audit log."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping

from django.db import Error as DatabaseFailure
from django.db import connection

from jobs.access import audit
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.errors import BackendUnavailable
from jobs.telemetry.logs import get_logger, log_event

_log = get_logger("server")


def act_id() -> str:
    """Return a name for one act, which makes its repetition after a lost reply safe.

    Never the caller's request id: two acts under one name would count as one.
    """
    return secrets.token_hex(16)


def require_audit_log() -> None:
    """Pass if the audit log can be reached: nothing is done that leaves no record. Raises BackendUnavailable."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseFailure as failure:
        raise database_unavailable() from failure


def database_unavailable() -> BackendUnavailable:
    """Return the error of a database that does not answer."""
    return BackendUnavailable("The database cannot be reached now.", code="database_unavailable")


def record_act(
    actor: Actor,
    action: Action,
    target_kind: str,
    target_id: str,
    *,
    reason: str = "",
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """Write an act that is done into the audit log; into the log, if the database went away in between."""
    try:
        audit.record(actor, action, target_kind, target_id, reason=reason, before=before, after=after)
    except DatabaseFailure as failure:
        log_event(
            _log,
            "audit.lost",
            level=logging.ERROR,
            exception=failure,
            actor=actor.label,
            action=action.value,
            target=f"{target_kind}:{target_id}",
            namespace=actor.namespace,
        )
