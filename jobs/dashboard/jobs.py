"""The list of jobs: state tabs with counts, filters, pages. All of its state is in its address."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_GET

from jobs.backends.overview import Overview
from jobs.dashboard.look import STATUS
from jobs.dashboard.visit import Visit, page
from jobs.domain.errors import InvalidInput, NotFound
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from jobs.services import job_reading, queues
from jobs.services.job_list import JobFilter, JobPage, list_jobs

_PAGE = 50
_BULK_ACTIONS = (
    ("cancel", "Cancel"), ("move", "Move to another queue"), ("reprioritise", "Give another priority"),
    ("retry", "Re-inject dead letters"), ("discard", "Discard dead letters"),
)  # fmt: skip
_FILTERS = ("queue", "kind", "priority", "tag")
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
@page("jobs", "Jobs")
def show(visit: Visit) -> HttpResponse:
    """Show one page of jobs."""
    query = visit.request.GET
    wanted = _filter(query)
    seen = queues.overview(visit.actor)
    try:
        found = list_jobs(visit.actor, wanted, query.get("cursor") or None, _PAGE)
    except InvalidInput:
        # A cursor of another list, or one that was cut on its way: the first page is what was meant.
        found = list_jobs(visit.actor, wanted, None, _PAGE)
    context: dict[str, object] = {
        "tabs": _tabs(query, wanted, seen),
        "found": found,
        "wanted": wanted,
        "status": wanted.status.value if wanted.status else "",
        "tag": wanted.tags[0] if wanted.tags else "",
        "priorities": tuple(Priority),
        "queue_names": sorted({queue.name for queue in seen.queues}),
        "next_url": _paged(query, found.next_cursor),
        "prev_url": _paged(query, found.prev_cursor),
        "is_filtered": any(query.get(name) for name in _FILTERS),
        "clear_url": _address({"status": wanted.status.value} if wanted.status else {}),
        "bulk_actions": _BULK_ACTIONS,
        "nothing": _nothing(query, wanted, found),
    }
    return visit.show("jobs/jobs.html", context)


@require_GET
@page("jobs", "Find a job")
def find(visit: Visit) -> HttpResponse:
    """Lead from an id to its job; anything else is taken for a kind."""
    text = visit.request.GET.get("q", "").strip()
    try:
        job = job_reading.get_job(visit.actor, text)
    except NotFound:
        return HttpResponseRedirect(_address({"kind": text}) if text else reverse("console:jobs"))
    return HttpResponseRedirect(reverse("console:job", args=[job.id]))


def _filter(query: QueryDict) -> JobFilter:
    """Read the filters; a state or a priority that does not exist is left out."""
    status = query.get("status", "")
    priority = query.get("priority", "")
    tag = query.get("tag", "").strip()
    return JobFilter(
        status=Status(status) if status in set(Status) else None,
        queue=query.get("queue", "").strip() or None,
        kind=query.get("kind", "").strip() or None,
        priority=Priority(priority) if priority in set(Priority) else None,
        tags=(tag,) if tag else (),
    )


def _tabs(query: QueryDict, wanted: JobFilter, seen: Overview) -> list[Tab]:
    kept = {name: query.get(name, "") for name in _FILTERS if query.get(name)}
    tabs = [Tab("All", _address(kept), wanted.status is None, None)]
    for status in TABS:
        count = sum(queue.total(status) for queue in seen.queues)
        look = STATUS[status]
        url = _address({"status": status.value, **kept})
        tabs.append(Tab(look.label, url, wanted.status is status, count, look.icon))
    return tabs


def _nothing(query: QueryDict, wanted: JobFilter, found: JobPage) -> str:
    """Say why the list is empty; an empty text if it is not."""
    if found.jobs:
        return ""
    if found.searched_newest:
        return f"None among the {found.searched_newest} looked at so far."
    if any(query.get(name) for name in _FILTERS):
        return "No job matches these filters. They match whole words, exactly."
    if wanted.status is not None:
        return f"No job is {STATUS[wanted.status].label.lower()} now."
    return "Submit one over HTTP and it appears here at once."


def _paged(query: QueryDict, cursor: str | None) -> str:
    if cursor is None:
        return ""
    kept = {name: query.get(name, "") for name in ("status", *_FILTERS) if query.get(name)}
    return _address({**kept, "cursor": cursor})


def _address(query: dict[str, str]) -> str:
    base = reverse("console:jobs")
    return f"{base}?{urlencode(query)}" if query else base
