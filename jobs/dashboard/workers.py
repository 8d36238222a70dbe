"""Workers: who lives, where, and how busy."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_POST

from jobs import __version__
from jobs.dashboard.visit import Visit, page, page_number
from jobs.dashboard.worker_rows import rows_of
from jobs.domain.worker import WorkerOrder
from jobs.services import queues
from jobs.services import workers as worker_service

_TITLE = gettext_noop("Workers")

# A page of the table, and how many jobs of each are named.
_PAGE = 50
_JOBS_NAMED = 4


@require_GET
@page("workers", _TITLE, is_alike=True)
def show(visit: Visit) -> HttpResponse:
    """Show the workers seen in the last 30 seconds, the silent ones among them marked."""
    every = rows_of(worker_service.list_workers(visit.actor), queues.overview(visit.actor).server_time)
    pages = max(1, -(-len(every) // _PAGE))
    number = min(page_number(visit.request.GET), pages)
    rows = every[(number - 1) * _PAGE : number * _PAGE]
    jobs = worker_service.jobs_of(visit.actor, [row.worker for row in rows], _JOBS_NAMED)
    alive = [row.worker for row in every if row.silent_ms is None]
    context: dict[str, object] = {
        "lines": [(row, jobs[row.worker.id], row.worker.busy - len(jobs[row.worker.id])) for row in rows],
        "amount": len(every),
        "server_version": __version__,
        "prev_url": f"?page={number - 1}" if number > 1 else "",
        "next_url": f"?page={number + 1}" if number < pages else "",
        "busy": sum(worker.busy for worker in alive),
        "slots": sum(worker.concurrency for worker in alive),
        # Those of programs that speak HTTP are their own.
        "versions": sorted({worker.version for worker in alive if worker.via == "store"}),
    }
    return visit.show("workers/workers.html", context)


@require_POST
@page("workers", _TITLE)
def quiet(visit: Visit, worker_id: str) -> HttpResponse:
    """Have a worker take nothing new."""
    said = _("%s takes nothing new; what runs goes on from its next heartbeat on.")
    return _told(visit, worker_id, WorkerOrder.QUIET, said)


@require_POST
@page("workers", _TITLE)
def resume(visit: Visit, worker_id: str) -> HttpResponse:
    """Have a worker take jobs again."""
    return _told(visit, worker_id, WorkerOrder.RUN, _("%s takes jobs again from its next heartbeat on."))


@require_POST
@page("workers", _TITLE)
def terminate(visit: Visit, worker_id: str) -> HttpResponse:
    """Have a worker stop in good order."""
    return _told(visit, worker_id, WorkerOrder.TERMINATE, _("%s drains and stops from its next heartbeat on."))


def _told(visit: Visit, worker_id: str, order: WorkerOrder, said: str) -> HttpResponse:
    worker = worker_service.order_worker(visit.actor, worker_id, order)
    return visit.done(said % worker.host, reverse("console:workers"))
