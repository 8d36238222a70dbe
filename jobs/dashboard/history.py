"""The history: hours and days of a namespace, of one of its queues or of one kind, beside the stretch before."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET

from jobs.backends.overview import Overview
from jobs.dashboard import deploys
from jobs.dashboard.history_panels import panels_of
from jobs.dashboard.history_parts import change_of, kind_rows, queue_rows
from jobs.dashboard.visit import Visit, page
from jobs.domain.history import OTHERS, QueueMoment, quantile
from jobs.domain.history_range import Range
from jobs.domain.naming import is_kind, is_queue
from jobs.services import history, queues
from jobs.services.history import History

_TITLE = gettext_noop("History")


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

    @property
    def css(self) -> str:
        """Return the class that says whether the change is good or bad news; empty where it is neither."""
        if not self.is_worse:
            return ""
        return "worse" if self.change is not None and self.change > 0 else "better"


@require_GET
@page("history", _TITLE, is_alike=True)
def show(visit: Visit) -> HttpResponse:
    """Show figures and charts of a range; what cannot be a name is as none."""
    asked = visit.request.GET
    wanted = next((each for each in Range if each.value == asked.get("range")), Range.DAY)
    queue, kind = asked.get("queue", "").strip(), asked.get("kind", "").strip()
    queue = queue if is_queue(queue) else ""
    kind = kind if is_kind(kind) and not queue else ""
    found = history.history_of(visit.actor, wanted, queue=queue, kind=kind)
    marks = deploys.marks_between(visit, found.span.start, found.span.end)
    seen, is_whole = queues.overview(visit.actor), not queue and not kind
    context: dict[str, object] = {
        "range": wanted.value,
        "ranges": tuple(each.value for each in Range),
        "queue": queue,
        "kind": kind,
        "queue_names": [each.name for each in seen.queues],
        "kind_names": sorted(_kinds_of(seen) | found.whole.kinds.keys() - {OTHERS}),
        "figures": _of_queue(found, queue) if queue else _of_attempts(found, is_whole=not kind),
        "panels": panels_of(found, queue, deploys.lines_of(marks), is_whole=not kind),
        "by_queue": queue_rows(found) if is_whole else [],
        "by_kind": kind_rows(found) if is_whole else [],
        "marks": marks,
        "may_mark": deploys.may_mark(visit),
    }
    return visit.show("history/history.html", context)


def _kinds_of(seen: Overview) -> set[str]:
    """Return the kinds of which an attempt ever ended."""
    ends = ("completed:", "failed:", "dead:")
    return {name.partition(":")[2] for name in seen.totals if name.startswith(ends)}


def _of_queue(found: History, name: str) -> list[Figure]:
    now, before = (part.queues.get(name, QueueMoment()) for part in (found.whole, found.before))
    return [
        _count(_("Came in"), "inbox", now.coming, before.coming),
        _count(_("Failed"), "circle-x", now.failed, before.failed, is_worse=True),
        _count(_("Most ready"), "clock", now.ready, before.ready, is_worse=True),
        _time(_("Oldest"), "hourglass", now.oldest_s, before.oldest_s),
        *_times(found),
    ]


def _of_attempts(found: History, *, is_whole: bool) -> list[Figure]:
    now, before = found.whole, found.before
    figures = [
        _count(_("Completed"), "circle-check", now.completed, before.completed),
        _count(_("Failed"), "circle-x", now.failed, before.failed, is_worse=True),
        _count(_("Dead letters"), "skull", now.dead, before.dead, is_worse=True),
        *_times(found),
    ]
    if is_whole:
        figures.insert(0, _count(_("Submitted"), "inbox", now.submitted, before.submitted))
    return figures


def _times(found: History) -> list[Figure]:
    now, before = found.whole, found.before
    return [
        _time(_("Wait, 95 %"), "hourglass", quantile(now.waits, 0.95), quantile(before.waits, 0.95)),
        _time(_("Run, 95 %"), "bolt", quantile(now.runs(), 0.95), quantile(before.runs(), 0.95)),
    ]


def _count(label: str, icon: str, now: int, before: int, *, is_worse: bool = False) -> Figure:
    return Figure(label, icon, now, is_time=False, change=change_of(now, before), is_worse=is_worse)


def _time(label: str, icon: str, now: float | None, before: float | None) -> Figure:
    return Figure(label, icon, now, is_time=True, change=change_of(now, before), is_worse=True)
