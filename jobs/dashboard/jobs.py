"""The list of jobs: state tabs with counts, filters, pages. All of its state is in its address."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET

from jobs.backends.overview import Overview
from jobs.dashboard.error_groups import choices_of
from jobs.dashboard.job_columns import COLUMNS, Column, shown_columns
from jobs.dashboard.job_filters import FILTERS, Filters, read_filters
from jobs.dashboard.job_search import Search, begin_search, go_on
from jobs.dashboard.look import STATUS
from jobs.dashboard.visit import Visit, page
from jobs.domain.errors import NotFound
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from jobs.services import job_reading, job_views, queues
from jobs.services.job_list import JobFilter

_TITLE = gettext_noop("Jobs")
_FIND = gettext_noop("Find a job")

_BULK_ACTIONS = (
    ("cancel", gettext_noop("Cancel")),
    ("move", gettext_noop("Move to another queue")),
    ("reprioritise", gettext_noop("Give another priority")),
    ("retry", gettext_noop("Re-inject dead letters")),
    ("discard", gettext_noop("Discard dead letters")),
)
# The states in the order in which lists name them.
TABS = (
    Status.QUEUED, Status.RUNNING, Status.SCHEDULED, Status.FAILED, Status.DEAD_LETTER, Status.COMPLETED,
    Status.CANCELLED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tab:
    """One state; `count` is of the whole namespace, whatever the other filters."""

    label: str
    url: str
    is_current: bool
    count: int | None
    icon: str = ""


@require_GET
@page("jobs", _TITLE)
def show(visit: Visit) -> HttpResponse:
    """Show one page of jobs, or more rows of a page whose search goes on."""
    started = time.monotonic()
    query = visit.request.GET
    filters = read_filters(query)
    if visit.is_fragment and "search" in query and not filters.errors:
        return visit.show(
            "jobs/more.html", {"search": go_on(visit.actor, filters, query), "columns": _columns(visit, filters)}
        )
    seen = queues.overview(visit.actor)
    search = begin_search(visit.actor, filters, query.get("cursor") or None, started)
    context: dict[str, object] = {
        "tabs": _tabs(filters, seen),
        "search": search,
        "filters": filters,
        "columns": _columns(visit, filters),
        "all_columns": COLUMNS.values(),
        "views": job_views.list_views(visit.actor),
        "priorities": tuple(Priority),
        "error_groups": choices_of(visit.actor, filters.texts.get("error_group", "")),
        "queue_names": sorted({queue.name for queue in seen.queues}),
        "clear_url": filters.address(**dict.fromkeys(FILTERS, "")),
        "without_group_url": filters.address(error_type="", error_group=""),
        "bulk_actions": [(action, _(label)) for action, label in _BULK_ACTIONS],
        "nothing": _nothing(filters, search),
    }
    return visit.show("jobs/jobs.html", context, status=422 if filters.errors else 200)


@require_GET
@page("jobs", _FIND)
def find(visit: Visit) -> HttpResponse:
    """Lead from an id to its job; anything else is taken for a kind."""
    text = visit.request.GET.get("q", "").strip()
    try:
        job = job_reading.get_job(visit.actor, text)
    except NotFound:
        return HttpResponseRedirect(Filters({"kind": text} if text else {}, JobFilter(), {}).address())
    return HttpResponseRedirect(reverse("console:job", args=[job.id]))


def _columns(visit: Visit, filters: Filters) -> tuple[Column, ...]:
    if named := filters.texts.get("columns"):
        return shown_columns(named)
    return shown_columns(job_views.chosen_columns(visit.actor))


def _tabs(filters: Filters, seen: Overview) -> list[Tab]:
    current = filters.wanted.status
    tabs = [Tab(_("All"), filters.address(status=""), current is None, None)]
    for status in TABS:
        count = sum(queue.total(status) for queue in seen.queues)
        look = STATUS[status]
        tabs.append(Tab(look.label, filters.address(status=status.value), current is status, count, look.icon))
    return tabs


def _nothing(filters: Filters, search: Search) -> str:
    """Say why the list is empty; an empty text if it is not."""
    if search.jobs or search.is_cut:
        return ""
    if filters.errors:
        return _("Put the filters right that are marked.")
    if filters.is_set:
        return _("No job matches these filters. Kinds, queues and tags match as a whole, exactly.")
    if filters.wanted.status is not None:
        return _("No job is %s now.") % STATUS[filters.wanted.status].label.lower()
    return _("Submit one over HTTP and it appears here at once.")
