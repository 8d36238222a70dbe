"""The audit log as people may read it."""

from __future__ import annotations

from jobs.access import audit, policy
from jobs.access.actor import Actor
from jobs.access.models import AuditEntry
from jobs.access.scopes import Action

_MAX_LIMIT = 200


def list_entries(actor: Actor, *, before: int | None = None, limit: int = 50) -> list[AuditEntry]:
    """Return the newest entries of the namespace, those before entry `before` if it is given. Raises NotPermitted."""
    policy.authorize(actor, Action.AUDIT_READ)
    entries = AuditEntry.objects.filter(namespace=actor.namespace)
    if before is not None:
        entries = entries.filter(pk__lt=before)
    return list(entries[: min(limit, _MAX_LIMIT)])


def history_of_job(actor: Actor, job_id: str) -> list[AuditEntry]:
    """Return what was done to one job, newest first, to all who may read the job. Raises NotPermitted."""
    policy.authorize(actor, Action.JOB_READ)
    return audit.newest(actor, target_kind="job", target_id=job_id)
