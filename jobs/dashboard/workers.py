"""Workers: who lives, where, and how busy."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from jobs.dashboard.visit import Visit, page
from jobs.dashboard.worker_rows import rows_of
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
        "versions": sorted({worker.version for worker in alive}),
    }
    return visit.show("workers/workers.html", context)
