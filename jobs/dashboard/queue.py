"""One queue: what stands in it, how long its jobs wait and run, who takes them."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET

from jobs.dashboard import deploys
from jobs.dashboard.history_panels import queue_panels
from jobs.dashboard.history_parts import times_of
from jobs.dashboard.queue_rows import row_of
from jobs.dashboard.visit import Visit, page
from jobs.dashboard.worker_rows import alive_of
from jobs.domain.history_range import Range
from jobs.domain.limit import LimitBy
from jobs.services import history, limits, sharing, workers
from jobs.services import queues as queue_service

_WORKERS_SHOWN = 20
_RANGES = (Range.HOUR, Range.SIX_HOURS, Range.DAY)


@require_GET
@page("queues", gettext_noop("Queues"), is_alike=True)
def show(visit: Visit, name: str) -> HttpResponse:
    """Show one queue; 404 for one that no job and no pause ever named."""
    now = queue_service.look_at_queue(visit.actor, name)
    alive = alive_of(workers.list_workers(visit.actor), now.server_time)
    takers = [worker for worker in alive if name in worker.queues]
    share, limit = sharing.find_share(visit.actor, name), limits.find_limit(visit.actor, name, LimitBy.QUEUE)
    wanted = next((each for each in _RANGES if each.value == visit.request.GET.get("range")), Range.HOUR)
    found = history.history_of(visit.actor, wanted, queue=name)
    marks = deploys.marks_between(visit, found.span.start, found.span.end)
    context: dict[str, object] = {
        "row": row_of(now.stats, share, limit, has_workers=bool(takers)),
        "takers": takers[:_WORKERS_SHOWN],
        "amount": len(takers),
        "range": wanted.value,
        "ranges": tuple(each.value for each in _RANGES),
        "waits": times_of(found.whole.waits, found.before.waits),
        "runs": times_of(found.whole.runs(), found.before.runs()),
        "panels": queue_panels(found, deploys.lines_of(marks)),
    }
    return visit.show("queues/queue.html", context)
