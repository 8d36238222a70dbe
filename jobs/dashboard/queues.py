"""Queues: how deep, how old, how fast; paused, resumed and purged here."""

from __future__ import annotations

import re

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from django.views.decorators.http import require_GET, require_POST

from jobs.dashboard.queue_rows import rows_of
from jobs.dashboard.visit import Visit, page
from jobs.dashboard.worker_rows import alive_of
from jobs.services import limits, sharing, workers
from jobs.services import queues as queue_service

_TITLE = gettext_noop("Queues")

_REASON_LENGTH = 200
# As in the API, where they are refused; a database may refuse a NUL after the queue was paused.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@require_GET
@page("queues", _TITLE, is_alike=True)
def show(visit: Visit) -> HttpResponse:
    """Show every known queue."""
    seen = queue_service.overview(visit.actor)
    alive = alive_of(workers.list_workers(visit.actor), seen.server_time)
    rows = rows_of(seen.queues, alive, sharing.list_shares(visit.actor), limits.list_limits(visit.actor))
    return visit.show("queues/queues.html", {"rows": rows})


@require_POST
@page("queues", _TITLE)
def pause(visit: Visit, name: str) -> HttpResponse:
    """Stop handing out the queue's jobs."""
    reason = _CONTROL.sub(" ", visit.request.POST.get("reason", "")).strip()[:_REASON_LENGTH]
    queue_service.pause_queue(visit.actor, name, reason=reason)
    return visit.done(_("Paused %s. Jobs that run go on; no new one starts.") % name, reverse("console:queues"))


@require_POST
@page("queues", _TITLE)
def resume(visit: Visit, name: str) -> HttpResponse:
    """Hand out the queue's jobs again."""
    queue_service.resume_queue(visit.actor, name)
    return visit.done(_("Resumed %s.") % name, reverse("console:queues"))


@require_POST
@page("queues", _TITLE)
def purge(visit: Visit, name: str) -> HttpResponse:
    """Delete what waits in the queue, if its name was typed."""
    done = queue_service.purge_queue(visit.actor, name, confirm=visit.request.POST.get("confirm", "").strip())
    told = ngettext(
        "Purged %(queue)s: %(n)s ready job was deleted.",
        "Purged %(queue)s: %(n)s ready jobs were deleted.",
        done.purged,
    ) % {"queue": name, "n": done.purged}
    rest = "" if done.operation is None else f" {_('The rest follows within seconds.')}"
    return visit.done(f"{told}{rest}", reverse("console:queues"))
