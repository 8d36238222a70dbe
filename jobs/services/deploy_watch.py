"""Marks the deployment of a version when a worker of it first appears.

Called by the process that took on the minute: see history_recording.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec
from django.db import transaction

from jobs import wiring
from jobs.access.deploy import Deploy, RunningVersions
from jobs.access.models import Namespace
from jobs.backends.base import Inspector
from jobs.domain.deploy import newly_running
from jobs.domain.queue import WorkerRecord
from jobs.services.deploys import put_mark

BY = "worker"
_AT_ONCE = 50
# Somebody who marks a deployment does so about when its workers start.
_SAME_MS = 3_600_000
_read = msgspec.json.Decoder(dict[str, int]).decode


def look(wall: Callable[[], float] = time.time) -> None:
    """Look at the workers of each namespace, once. Raises BackendUnavailable."""
    names = list(Namespace.objects.filter(deleting_since__isnull=True).order_by("name").values_list("name", flat=True))
    for first in range(0, len(names), _AT_ONCE):
        some = names[first : first + _AT_ONCE]
        inspectors: list[Inspector] = [wiring.backend().inspector(name) for name in some]
        seen = wiring.runner().run_many([inspector.workers() for inspector in inspectors])
        known = {row.namespace: row for row in RunningVersions.objects.filter(namespace__in=some)}
        for name, workers in zip(some, seen, strict=True):
            _note(name, workers, known.get(name), int(wall() * 1000))


def _note(name: str, workers: Sequence[WorkerRecord], row: RunningVersions | None, now_ms: int) -> None:
    before = _read(row.versions) if row else {}
    after, new = newly_running(before, workers, now_ms)
    if after == before:
        return
    with transaction.atomic():
        text = msgspec.json.encode(after).decode()
        RunningVersions.objects.update_or_create(namespace=name, defaults={"versions": text})
        for version, began_at in new.items():
            marked = Deploy.objects.filter(namespace=name, version=version)
            if not marked.filter(at__gte=began_at - _SAME_MS).exists():
                put_mark(Deploy(namespace=name, version=version, at=min(began_at, now_ms), by=BY, is_automatic=True))
