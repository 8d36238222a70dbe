"""Workers: who lives, where, and how busy."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from jobs.dashboard.visit import Visit, page
from jobs.dashboard.worker_rows import rows_of
from jobs.domain.worker import WorkerOrder
from jobs.services import queues
from jobs.services import workers as worker_service


@require_GET
@page("workers", "Workers")
def show(visit: Visit) -> HttpResponse:
    """Show the workers seen in the last 30 seconds, the silent ones among them marked."""
    rows = rows_of(worker_service.list_workers(visit.actor), queues.overview(visit.actor).server_time)
    alive = [row.worker for row in rows if row.silent_ms is None]
    context: dict[str, object] = {
        "rows": rows,
        "busy": sum(worker.busy for worker in alive),
        "slots": sum(worker.concurrency for worker in alive),
        # Those of programs that speak HTTP are their own.
        "versions": sorted({worker.version for worker in alive if worker.via == "store"}),
    }
    return visit.show("workers/workers.html", context)


@require_POST
@page("workers", "Workers")
def quiet(visit: Visit, worker_id: str) -> HttpResponse:
    """Have a worker take nothing new."""
    return _told(visit, worker_id, WorkerOrder.QUIET, "takes nothing new; what runs goes on")


@require_POST
@page("workers", "Workers")
def resume(visit: Visit, worker_id: str) -> HttpResponse:
    """Have a worker take jobs again."""
    return _told(visit, worker_id, WorkerOrder.RUN, "takes jobs again")


@require_POST
@page("workers", "Workers")
def terminate(visit: Visit, worker_id: str) -> HttpResponse:
    """Have a worker stop in good order."""
    return _told(visit, worker_id, WorkerOrder.TERMINATE, "drains and stops")


def _told(visit: Visit, worker_id: str, order: WorkerOrder, what: str) -> HttpResponse:
    worker = worker_service.order_worker(visit.actor, worker_id, order)
    return visit.done(f"{worker.host} {what} from its next heartbeat on.", reverse("console:workers"))
