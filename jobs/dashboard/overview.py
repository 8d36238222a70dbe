"""The first page: what is waiting, running and failing in this namespace now, and for the last quarter of an hour."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from jobs.backends.overview import Overview
from jobs.conf import conf
from jobs.dashboard.charts import THROUGHPUT, Chart, Drawn
from jobs.dashboard.queue_rows import QueueRow, rows_of
from jobs.dashboard.visit import Visit, page
from jobs.dashboard.worker_rows import alive_of
from jobs.domain.queue import Minute, WorkerRecord
from jobs.domain.status import Status
from jobs.services import alerts, dead_letters, health, queues, workers

_RANGES = {"15m": 15, "1h": 60, "6h": 360}
_GROUPS_FROM = 200
_GROUPS_SHOWN = 5
_QUEUES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Rates:
    """What happened in the last full minute, and in the running one so far."""

    done: int
    failed: int
    dead: int
    done_now: int
    failed_now: int


@require_GET
@page("overview", "Overview")
def show(visit: Visit) -> HttpResponse:
    """Show the overview."""
    chosen = visit.request.GET.get("range", "15m")
    minutes = _RANGES.get(chosen, 15)
    seen = queues.overview(visit.actor, minutes)
    known = workers.list_workers(visit.actor)
    alive = alive_of(known, seen.server_time)
    rows = rows_of(seen.queues, alive)
    letters = dead_letters.list_groups(visit.actor, _GROUPS_FROM)
    context: dict[str, object] = {
        "counts": _counts(seen),
        "rates": _rates(seen.minutes),
        "oldest_ms": _oldest_ms(seen),
        "rows": _foremost(rows),
        "more_queues": len(rows) if len(rows) > _QUEUES_SHOWN else 0,
        "workers": alive,
        "silent": len(known) - len(alive),
        "slots": _slots(alive),
        "throughput": _throughput(seen.minutes),
        "ranges": tuple(_RANGES),
        "range": chosen if chosen in _RANGES else "15m",
        "groups": letters.groups[:_GROUPS_SHOWN],
        "alerts": alerts.firing_alerts(visit.actor),
        "is_empty": not any(row.ready or row.running or row.dead or row.completed for row in rows),
        "health": health.system_health(),
        "address": f"{visit.request.scheme}://{visit.request.get_host()}{conf().base_path}",
    }
    return visit.show("overview/overview.html", context)


def _counts(seen: Overview) -> dict[str, int]:
    """Return the jobs of the namespace by status; names are those of the statuses."""
    return {status.value: sum(queue.total(status) for queue in seen.queues) for status in Status}


def _rates(minutes: tuple[Minute, ...]) -> Rates:
    now = minutes[-1] if minutes else Minute(0)
    last = minutes[-2] if len(minutes) > 1 else Minute(0)
    return Rates(last.completed, _went_wrong(last), last.dead, now.completed, _went_wrong(now))


def _went_wrong(minute: Minute) -> int:
    """Count each mishap once: a death is mostly the last of the job's failed attempts."""
    return minute.failed + minute.dead_unfailed


def _foremost(rows: list[QueueRow]) -> list[QueueRow]:
    """Return the queues that matter most now, those that need somebody first, in the order of their names."""
    by_weight = sorted(
        rows, key=lambda row: (row.pause is None and row.has_workers, -row.ready, -row.in_rate, row.name)
    )
    return sorted(by_weight[:_QUEUES_SHOWN], key=lambda row: row.name)


def _oldest_ms(seen: Overview) -> int | None:
    waiting = [queue.oldest_ready_at for queue in seen.queues if queue.oldest_ready_at and not queue.pause]
    return max(seen.server_time - min(waiting), 0) if waiting else None


def _slots(alive: list[WorkerRecord]) -> tuple[int, int]:
    return sum(worker.busy for worker in alive), sum(worker.concurrency for worker in alive)


def _throughput(minutes: tuple[Minute, ...]) -> Drawn:
    columns = (
        [minute.at // 1000 for minute in minutes],
        [minute.completed for minute in minutes],
        [minute.retried for minute in minutes],
        [minute.dead for minute in minutes],
    )
    return Drawn(Chart("bars", "n", 60, THROUGHPUT, "Nothing finished in this time"), columns)
