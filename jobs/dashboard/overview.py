"""The first page: what is waiting, running and failing in this namespace now, and for the last quarter of an hour."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from django.views.decorators.http import require_GET
from msgspec import structs

from jobs.backends.overview import Overview
from jobs.conf import conf
from jobs.dashboard import deploys
from jobs.dashboard.charts import THROUGHPUT, Chart, Drawn, lines_for_reader
from jobs.dashboard.error_groups import row_of
from jobs.dashboard.history_panels import throughput_of
from jobs.dashboard.queue_rows import QueueRow, rows_of
from jobs.dashboard.visit import Visit, page
from jobs.dashboard.worker_rows import alive_of
from jobs.domain.history_range import Range
from jobs.domain.queue import Minute, WorkerRecord
from jobs.domain.status import Status
from jobs.services import alerts, circuits, error_groups, health, history, queues, workers

_TITLE = gettext_noop("Overview")

# What the store tells by the minute, and what the history does.
_MINUTES = {"15m": 15, "1h": 60}
_DAYS = {"24h": Range.DAY, "7d": Range.WEEK}
_RANGES = (*_MINUTES, *_DAYS)
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
@page("overview", _TITLE, is_alike=True)
def show(visit: Visit) -> HttpResponse:
    """Show the overview."""
    chosen = visit.request.GET.get("range", "")
    chosen = chosen if chosen in _RANGES else "15m"
    seen = queues.overview(visit.actor, _MINUTES.get(chosen, 15))
    known = workers.list_workers(visit.actor)
    alive = alive_of(known, seen.server_time)
    rows = rows_of(seen.queues, alive)
    context: dict[str, object] = {
        "counts": _counts(seen),
        "rates": _rates(seen.minutes),
        "oldest_ms": _oldest_ms(seen),
        "rows": _foremost(rows),
        "more_queues": len(rows) if len(rows) > _QUEUES_SHOWN else 0,
        "workers": alive,
        "silent": len(known) - len(alive),
        "slots": _slots(alive),
        **_throughput(visit, seen.minutes, _DAYS.get(chosen)),
        "ranges": _RANGES,
        "range": chosen,
        "groups": [row_of(now) for now in error_groups.list_groups(visit.actor, _GROUPS_SHOWN).groups],
        "alerts": alerts.firing_alerts(visit.actor),
        "circuits": circuits.resting_circuits(visit.actor),
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


def _throughput(visit: Visit, minutes: tuple[Minute, ...], wanted: Range | None) -> dict[str, object]:
    """Return the chart of how attempts ended, what a point of it is, what it says in words, and its deploy marks."""
    if wanted is not None:
        found = history.history_of(visit.actor, wanted)
        panel, start, end = throughput_of(found), found.span.start, found.span.end
        drawn, per, told = panel.drawn, panel.note, panel.told
    else:
        drawn, per, told = (
            _live_throughput(minutes),
            ngettext("per minute", "per %(n)s minutes", 1),
            _told(_rates(minutes)),
        )
        start = minutes[0].at // 1000 if minutes else 0
        end = minutes[-1].at // 1000 + 60 if minutes else 0
    marks = deploys.marks_between(visit, start, end)
    lines = deploys.lines_of(marks)
    return {"throughput": structs.replace(drawn, lines=lines), "per": per, "told": told, "marks": marks}


def _told(last: Rates) -> str:
    """Say the chart of the last minutes in words."""
    said = _("In the last full minute %(done)s, %(failed)s and %(dead)s.") % {
        "done": ngettext("%(n)s job completed", "%(n)s jobs completed", last.done) % {"n": last.done},
        "failed": ngettext("%(n)s attempt failed", "%(n)s attempts failed", last.failed) % {"n": last.failed},
        "dead": ngettext("%(n)s job became a dead letter", "%(n)s jobs became dead letters", last.dead)
        % {"n": last.dead},
    }
    return f"{_('Completed jobs, failed attempts that are retried, and new dead letters in each minute.')} {said}"


def _live_throughput(minutes: tuple[Minute, ...]) -> Drawn:
    columns = (
        [minute.at // 1000 for minute in minutes],
        [minute.completed for minute in minutes],
        [minute.retried for minute in minutes],
        [minute.dead for minute in minutes],
    )
    return Drawn(Chart("bars", "n", 60, lines_for_reader(THROUGHPUT), _("Nothing finished in this time")), columns)
