"""The history: hours and days of a namespace, of one of its queues or of one kind, beside the stretch before."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from jobs.dashboard.history_panels import panels_of
from jobs.dashboard.visit import Visit, page
from jobs.domain.history import QueueMoment, quantile
from jobs.domain.history_range import Range
from jobs.domain.naming import is_kind, is_queue
from jobs.services import history, queues
from jobs.services.history import History


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the stretch; `change` is by how much per cent it differs from that of the stretch before.

    `is_worse` says whether more of it is bad news.
    """

    label: str
    icon: str
    value: float | None
    is_time: bool
    change: int | None
    is_worse: bool


@require_GET
@page("history", "History")
def show(visit: Visit) -> HttpResponse:
    """Show figures and charts of a range; what cannot be a name is as none."""
    asked = visit.request.GET
    wanted = next((each for each in Range if each.value == asked.get("range")), Range.DAY)
    queue, kind = asked.get("queue", "").strip(), asked.get("kind", "").strip()
    queue = queue if is_queue(queue) else ""
    kind = kind if is_kind(kind) and not queue else ""
    found = history.history_of(visit.actor, wanted, queue=queue, kind=kind)
    context: dict[str, object] = {
        "range": wanted.value,
        "ranges": tuple(each.value for each in Range),
        "queue": queue,
        "kind": kind,
        "queue_names": [each.name for each in queues.overview(visit.actor).queues],
        "kind_names": sorted(found.whole.kinds) if not queue and not kind else [],
        "figures": _of_queue(found, queue) if queue else _of_attempts(found, is_whole=not kind),
        "panels": panels_of(found, queue, is_whole=not kind),
    }
    return visit.show("history/history.html", context)


def _of_queue(found: History, name: str) -> list[Figure]:
    now, before = (part.queues.get(name, QueueMoment()) for part in (found.whole, found.before))
    return [
        _count("Came in", "inbox", now.coming, before.coming),
        _count("Went out", "circle-check", now.gone, before.gone),
        _count("Most ready", "clock", now.ready, before.ready, is_worse=True),
        _time("Oldest", "hourglass", now.oldest_s, before.oldest_s),
    ]


def _of_attempts(found: History, *, is_whole: bool) -> list[Figure]:
    now, before = found.whole, found.before
    figures = [
        _count("Completed", "circle-check", now.completed, before.completed),
        _count("Failed", "circle-x", now.failed, before.failed, is_worse=True),
        _count("Dead letters", "skull", now.dead, before.dead, is_worse=True),
        _time("Run, 95 %", "bolt", _p95(now.runs()), _p95(before.runs())),
    ]
    if is_whole:
        figures.insert(0, _count("Submitted", "inbox", now.submitted, before.submitted))
        figures.append(_time("Wait, 95 %", "hourglass", _p95(now.waits), _p95(before.waits)))
    return figures


def _p95(buckets: dict[str, int]) -> float | None:
    return quantile(buckets, 0.95)


def _count(label: str, icon: str, now: int, before: int, *, is_worse: bool = False) -> Figure:
    return Figure(label, icon, now, is_time=False, change=_change(now, before), is_worse=is_worse)


def _time(label: str, icon: str, now: float | None, before: float | None) -> Figure:
    return Figure(label, icon, now, is_time=True, change=_change(now, before), is_worse=True)


def _change(now: float | None, before: float | None) -> int | None:
    """Return the difference in per cent, None where there is nothing to compare."""
    return round((now - before) * 100 / before) if now is not None and before else None
