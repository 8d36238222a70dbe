"""Deletion of namespaces: keys first, then all that the store has of it in steps, then the rows of the database.

What was done is written down after each step and each may be repeated, so that any process can go on where one died.
The name is not given away for 28 hours: what is left in the store ends by itself within 27.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta

from django.apps import apps
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from jobs import wiring
from jobs.access import audit, policy
from jobs.access.actor import Actor
from jobs.access.credentials import forget_keys
from jobs.access.models import ApiKey, AuditEntry, Namespace, Schedule
from jobs.access.scopes import Action
from jobs.backends.base import MAX_BATCH
from jobs.domain.errors import BackendUnavailable, InvalidInput, Problem, StateConflict
from jobs.domain.naming import DEFAULT_NAMESPACE
from jobs.domain.quota import CLOSED
from jobs.services.namespaces import NamespaceDetails, details_of
from jobs.services.reach import reached
from jobs.telemetry.logs import get_logger, log_event

_CLAIM = timedelta(seconds=30)
_AFTER_FAILURE = timedelta(minutes=1)
_log = get_logger("server")
# A revocation counts in every process by then.
_AFTER_KEYS = timedelta(seconds=3)
_NAME_KEPT = timedelta(hours=28)
_GIVEN_BACK = 100


def delete_namespace(actor: Actor, name: str, *, confirm: str, reason: str = "") -> NamespaceDetails:
    """Begin to delete a namespace: from now on its keys and people are refused. Again is no error.

    Raises NotPermitted, NotFound, InvalidInput unless `confirm` is its name, or StateConflict for `default` and for the
    namespace that the actor itself acts in.
    """
    policy.authorize(actor, Action.NAMESPACE_DELETE)
    row = reached(actor, name)
    if name == DEFAULT_NAMESPACE:
        raise StateConflict("The namespace default is always there.", code="default_namespace")
    if name == actor.namespace:
        detail = "Delete it with a credential of another namespace: its own are revoked first."
        raise StateConflict(detail, code="own_namespace")
    if confirm != name:
        raise InvalidInput([Problem("/confirm", "confirmation_mismatch", "confirm must be the name of the namespace.")])
    if row.deleting_since is None:
        _begin(actor, row, reason)
    return details_of(reached(actor, name))


def work_on_next() -> bool:
    """Do one step of the oldest deletion that waits, if any; True if so. Safe in any number of processes.

    One that fails waits a minute, and others go on. Authorizes nothing: its request was authorized when it was made.
    Raises BackendUnavailable.
    """
    now = timezone.now()
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)
    waiting = Namespace.objects.filter(free, deleting_since__lte=now - _AFTER_KEYS, deleted_at__isnull=True)
    row = waiting.order_by("deleting_since").first()
    if row is None or not waiting.filter(pk=row.pk).update(claimed_until=now + _CLAIM):
        return False
    again_at = None
    try:
        _step(row.name)
    except BackendUnavailable:
        raise
    except Exception as failure:  # noqa: BLE001 - what is damaged there holds up no other's deletion or operation
        log_event(_log, "namespace.undeleted", level=logging.ERROR, exception=failure, namespace=row.name)
        again_at = timezone.now() + _AFTER_FAILURE
    finally:
        Namespace.objects.filter(pk=row.pk).update(claimed_until=again_at)
    return True


def give_names_back() -> int:
    """Forget namespaces that were deleted 28 hours ago; return how many."""
    gone = Namespace.objects.filter(deleted_at__lte=timezone.now() - _NAME_KEPT)
    names = list(gone.values_list("name", flat=True)[:_GIVEN_BACK])
    for name in names:
        with transaction.atomic():
            # A request or a loop that began before the deletion may have written after it: the next tenant of this
            # name would inherit it, a schedule and somebody else's alert with it.
            _remove_rows(name)
            gone.filter(name=name).delete()
    return len(names)


def _begin(actor: Actor, row: Namespace, reason: str) -> None:
    now = timezone.now()
    with transaction.atomic():
        begun = Namespace.objects.filter(pk=row.pk, deleting_since__isnull=True)
        if not begun.update(deleting_since=now, deleted_by=actor.label[:200]):
            return
        revoked = ApiKey.objects.filter(namespace=row, revoked_at__isnull=True).update(revoked_at=now)
        audit.record(
            actor, Action.NAMESPACE_DELETE, "namespace", row.name, reason=reason, after={"keys_revoked": revoked}
        )
    forget_keys()
    # The loop does it again; what is let in meanwhile is removed with the rest.
    with suppress(BackendUnavailable):
        wiring.runner().run(wiring.backend().tenants(row.name).set_quota(CLOSED))


def _step(name: str) -> None:
    tenants = wiring.backend().tenants(name)
    wiring.runner().run(tenants.set_quota(CLOSED))
    # Before the jobs: no row may bring new ones.
    _forget_schedules(name)
    _remove_rows(name)
    drained = wiring.runner().run(tenants.drain(MAX_BATCH))
    ended = {} if drained.more else {"deleted_at": timezone.now()}
    Namespace.objects.filter(name=name).update(deleted_jobs=F("deleted_jobs") + drained.jobs, **ended)


def _forget_schedules(name: str) -> None:
    """Let whoever has read one decide nothing more; what the store keeps of them ends."""
    schedules = wiring.backend().schedules(name)
    rows = Schedule.objects.filter(namespace=name).values_list("id", flat=True)
    wiring.runner().run_many([schedules.amend(schedule_id, 0, "remove") for schedule_id in rows])


def _remove_rows(name: str) -> None:
    """Remove all that any table has of the namespace, but for its own row and the audit log, which nobody changes."""
    for model in apps.get_app_config("ironforge_access").get_models():
        field = next((field for field in model._meta.get_fields() if field.name == "namespace"), None)
        if field is None or model is AuditEntry:
            continue
        lookup = "namespace__name" if field.is_relation else "namespace"
        model._base_manager.filter(**{lookup: name}).delete()
