"""Queues: how deep, how old, how fast; paused, resumed and purged here."""

from __future__ import annotations

import re

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from jobs.dashboard.queue_rows import rows_of
from jobs.dashboard.visit import Visit, page
from jobs.dashboard.worker_rows import alive_of
from jobs.services import queues as queue_service
from jobs.services import workers

_REASON_LENGTH = 200
# As in the API, where they are refused; a database may refuse a NUL after the queue was paused.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@require_GET
@page("queues", "Queues")
def show(visit: Visit) -> HttpResponse:
    """Show every known queue."""
    seen = queue_service.overview(visit.actor)
    rows = rows_of(seen.queues, alive_of(workers.list_workers(visit.actor), seen.server_time))
    return visit.show("queues/queues.html", {"rows": rows})


@require_POST
@page("queues", "Queues")
def pause(visit: Visit, name: str) -> HttpResponse:
    """Stop handing out the queue's jobs."""
    reason = _CONTROL.sub(" ", visit.request.POST.get("reason", "")).strip()[:_REASON_LENGTH]
    queue_service.pause_queue(visit.actor, name, reason=reason)
    return visit.done(f"Paused {name}. Jobs that run go on; no new one starts.", reverse("console:queues"))


@require_POST
@page("queues", "Queues")
def resume(visit: Visit, name: str) -> HttpResponse:
    """Hand out the queue's jobs again."""
    queue_service.resume_queue(visit.actor, name)
    return visit.done(f"Resumed {name}.", reverse("console:queues"))


@require_POST
@page("queues", "Queues")
def purge(visit: Visit, name: str) -> HttpResponse:
    """Delete what waits in the queue, if its name was typed."""
    done = queue_service.purge_queue(visit.actor, name, confirm=visit.request.POST.get("confirm", "").strip())
    told = "1 ready job was" if done.purged == 1 else f"{done.purged} ready jobs were"
    rest = "" if done.operation is None else " The rest follows within seconds."
    return visit.done(f"Purged {name}: {told} deleted.{rest}", reverse("console:queues"))
