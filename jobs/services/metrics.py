"""What `/metrics` shows, and to whom."""

from __future__ import annotations

import logging

from django.db import Error as DatabaseFailure

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.models import Namespace
from jobs.access.scopes import Action, Scope
from jobs.backends.base import Inspector
from jobs.domain.naming import DEFAULT_NAMESPACE
from jobs.services.apart import answers_apart
from jobs.telemetry.exposition import exposition
from jobs.telemetry.logs import get_logger, log_event
from jobs.telemetry.metrics import NamespaceReading, families, store_families

_MINUTES = 1
_log = get_logger("server")
# So many namespaces are read in one round trip.
_AT_ONCE = 50

# While the database is away, the tenants that were there before are still measured.
_last_names: list[str] = [DEFAULT_NAMESPACE]


def metrics_text(actor: Actor | None) -> bytes:
    """Return the metrics as Prometheus reads them.

    None stands for a program on this machine: it sees everything, as an admin of the default namespace does. Another
    actor needs `jobs:read` or `admin` and sees its own namespace. Raises NotPermitted or BackendUnavailable.
    """
    if actor is not None and Scope.ADMIN not in actor.scopes:
        policy.authorize(actor, Action.METRICS_READ)
    sees_all = actor is None or (actor.namespace == DEFAULT_NAMESPACE and Scope.ADMIN in actor.scopes)
    names = _namespaces() if sees_all or actor is None else [actor.namespace]
    found = families(_read(names))
    if sees_all:
        found += store_families(wiring.store_memory())
    return exposition(found, with_process=sees_all)


def _namespaces() -> list[str]:
    try:
        names = list(Namespace.objects.filter(deleted_at__isnull=True).order_by("name").values_list("name", flat=True))
    except DatabaseFailure:
        return list(_last_names)
    if DEFAULT_NAMESPACE not in names:
        names.append(DEFAULT_NAMESPACE)
    _last_names[:] = names
    return names


def _read(names: list[str]) -> list[NamespaceReading]:
    readings = []
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        inspectors: list[Inspector] = [wiring.backend().inspector(name) for name in some]
        overviews = answers_apart([inspector.overview(_MINUTES) for inspector in inspectors])
        workers = answers_apart([inspector.worker_count() for inspector in inspectors])
        for name, overview, alive in zip(some, overviews, workers, strict=True):
            failure = next((answer for answer in (overview, alive) if isinstance(answer, Exception)), None)
            if failure is not None:
                # Who reads all gets all others; who reads this one alone is told.
                if len(names) == 1:
                    raise failure
                log_event(_log, "metrics.unread", level=logging.ERROR, exception=failure, namespace=name)
            elif not isinstance(overview, Exception) and not isinstance(alive, Exception):
                readings.append(NamespaceReading(name, overview, alive))
    return readings
