"""Deploy marks: made, listed and removed."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import Error as DatabaseFailure
from django.db import transaction

from jobs.access import audit, policy
from jobs.access.actor import Actor
from jobs.access.deploy import Deploy
from jobs.access.scopes import Action
from jobs.domain.deploy import MAX_DEPLOYS, require_sound
from jobs.domain.errors import NotFound
from jobs.services.acts import database_unavailable

_MAX_DIGITS = 18


def list_deploys(actor: Actor, since_ms: int = 0, until_ms: int | None = None) -> list[Deploy]:
    """Return the marks of a stretch, newest first, at most MAX_DEPLOYS. Raises NotPermitted or BackendUnavailable."""
    policy.authorize(actor, Action.DEPLOY_READ)
    found = Deploy.objects.filter(namespace=actor.namespace, at__gte=since_ms)
    if until_ms is not None:
        found = found.filter(at__lt=until_ms)
    try:
        return list(found[:MAX_DEPLOYS])
    except DatabaseFailure as failure:
        raise database_unavailable() from failure


def mark_deploy(
    actor: Actor,
    version: str,
    *,
    at_ms: int | None = None,
    note: str = "",
    link: str = "",
    wall: Callable[[], float] = time.time,
) -> Deploy:
    """Mark that a version came, now or at a time. Raises NotPermitted, InvalidInput or BackendUnavailable."""
    policy.authorize(actor, Action.DEPLOY_MARK)
    now_ms = int(wall() * 1000)
    at_ms = now_ms if at_ms is None else at_ms
    require_sound(version, link, at_ms, now_ms)
    try:
        with transaction.atomic():
            row = put_mark(Deploy(
                namespace=actor.namespace, version=version, at=at_ms, note=note, link=link, by=actor.label[:200]
            ))  # fmt: skip
            audit.record(actor, Action.DEPLOY_MARK, "deploy", str(row.pk), after={"version": version, "note": note})
    except DatabaseFailure as failure:
        raise database_unavailable() from failure
    return row


def remove_deploy(actor: Actor, deploy_id: str, *, reason: str = "") -> Deploy:
    """Take a mark away and return it. Raises NotPermitted, NotFound or BackendUnavailable."""
    policy.authorize(actor, Action.DEPLOY_REMOVE)
    is_number = deploy_id.isascii() and deploy_id.isdigit() and len(deploy_id) <= _MAX_DIGITS
    try:
        with transaction.atomic():
            row = Deploy.objects.filter(namespace=actor.namespace, pk=int(deploy_id)).first() if is_number else None
            if row is None:
                raise NotFound("There is no such deploy mark.")
            audit.record(
                actor, Action.DEPLOY_REMOVE, "deploy", deploy_id, reason=reason, before={"version": row.version}
            )
            Deploy.objects.filter(pk=row.pk).delete()
    except DatabaseFailure as failure:
        raise database_unavailable() from failure
    return row


def put_mark(row: Deploy) -> Deploy:
    """Write a mark; the namespace's oldest make room. In a transaction of the caller's."""
    row.save()
    kept = Deploy.objects.filter(namespace=row.namespace).values_list("pk", flat=True)[:MAX_DEPLOYS]
    Deploy.objects.filter(namespace=row.namespace).exclude(pk__in=list(kept)).delete()
    return row
