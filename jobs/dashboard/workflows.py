"""Workflows: the list, one with its graph and steps, and what may be done to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_POST

from jobs.dashboard.look import word_of
from jobs.dashboard.visit import Visit, page, page_number
from jobs.dashboard.workflow_graph import draw
from jobs.dashboard.workflow_view import GROUPS, WORKFLOW_LOOK, acts_of, counts_of, progress_of, rows_of
from jobs.domain.errors import InvalidInput
from jobs.domain.status import Status
from jobs.domain.workflow import Workflow, WorkflowStatus
from jobs.domain.workflow_layout import MAX_DRAWN
from jobs.services import audit_log, workflows
from jobs.services.workflow_cursor import cursor_of, place_of

_ALL = gettext_noop("Workflows")
_ONE = gettext_noop("Workflow")

_PAGE = 50
_STEPS_PAGE = 100
_FAILURES_NAMED = 5
_REASON = 200


@dataclass(frozen=True, slots=True)
class Tab:
    """What a list can be narrowed to; a count of None is not known."""

    label: str
    url: str
    is_current: bool
    count: int | None = None


@require_GET
@page("workflows", _ALL, is_alike=True)
def show_all(visit: Visit) -> HttpResponse:
    """Show one page of workflows, the newest start first."""
    query = visit.request.GET
    wanted = query.get("status", "")
    status = WorkflowStatus(wanted) if wanted in tuple(WorkflowStatus) else None
    cursor = query.get("cursor")
    try:
        place = place_of(cursor)
    except InvalidInput:
        # One that was cut on its way: the first page is what was meant.
        cursor, place = None, None
    found = workflows.list_workflows(visit.actor, status, place, _PAGE)
    address = reverse("console:workflows")
    narrowed = {"status": status.value} if status else {}
    after = cursor_of(found.after)
    context: dict[str, object] = {
        "tabs": [
            Tab(_("All"), address, status is None),
            *(Tab(WORKFLOW_LOOK[it].label, f"{address}?status={it.value}", it is status) for it in WorkflowStatus),
        ],
        "rows": [progress_of(workflow) for workflow in found.workflows],
        "status": narrowed.get("status", ""),
        "nothing": _nothing(status, has_more=bool(after), is_first=not cursor),
        "first_url": f"{address}?{urlencode(narrowed)}" if cursor else "",
        "next_url": f"{address}?{urlencode({**narrowed, 'cursor': after})}" if after else "",
        "api": visit.request.build_absolute_uri(reverse("api-workflows")),
    }
    return visit.show("workflows/workflows.html", context)


@require_GET
@page("workflows", _ONE, is_alike=True)
def show(visit: Visit, workflow_id: str) -> HttpResponse:
    """Show how far one is, its graph, and a page of its steps."""
    details = workflows.get_workflow(visit.actor, workflow_id)
    workflow, steps = details.workflow, details.steps
    group = visit.request.GET.get("state", "")
    group = group if group in GROUPS else ""
    matching = [step for step in steps if not group or step.status in GROUPS[group][1]]
    pages = max(1, -(-len(matching) // _STEPS_PAGE))
    number = min(page_number(visit.request.GET), pages)
    first = (number - 1) * _STEPS_PAGE
    context: dict[str, object] = {
        "workflow": workflow,
        "progress": progress_of(workflow),
        "acts": acts_of(workflow, visit.shell.may),
        "drawing": draw(steps),
        "is_large": len(steps) > MAX_DRAWN,
        "failures": [step for step in steps if step.status is Status.DEAD_LETTER][:_FAILURES_NAMED],
        "history": audit_log.history_of_workflow(visit.actor, workflow.id),
        "tabs": _step_tabs(workflow, group),
        "rows": rows_of(steps, matching[first : first + _STEPS_PAGE]),
        "first": first + 1,
        "last": min(first + _STEPS_PAGE, len(matching)),
        "matching": len(matching),
        "prev_url": _steps_url(workflow, group, number - 1) if number > 1 else "",
        "next_url": _steps_url(workflow, group, number + 1) if number < pages else "",
    }
    return visit.show("workflows/workflow.html", context)


@require_POST
@page("workflows", _ONE)
def cancel(visit: Visit, workflow_id: str) -> HttpResponse:
    """Cancel what has not ended."""
    reason = visit.request.POST.get("reason", "")[:_REASON]
    workflow = workflows.cancel_workflow(visit.actor, workflow_id, reason=reason).workflow
    return visit.done(
        _("Cancelled the rest of %(name)s %(id)s.") % {"name": workflow.name, "id": workflow.id}, _address(workflow)
    )


@require_POST
@page("workflows", _ONE)
def retry(visit: Visit, workflow_id: str) -> HttpResponse:
    """Run again what failed or was cancelled."""
    reason = visit.request.POST.get("reason", "")[:_REASON]
    workflow = workflows.retry_workflow(visit.actor, workflow_id, reason=reason).workflow
    return visit.done(
        _("%(name)s %(id)s runs on from what failed.") % {"name": workflow.name, "id": workflow.id}, _address(workflow)
    )


def _nothing(status: WorkflowStatus | None, *, has_more: bool, is_first: bool) -> str:
    """Say why a page of the list is empty."""
    if has_more:
        return _("None of those looked at is %s.") % word_of(status.value) if status else _("None of those is here.")
    if status is None:
        return _("No workflow.") if is_first else _("No more workflow.")
    return (_("No workflow is %s.") if is_first else _("No more workflow is %s.")) % word_of(status.value)


def _step_tabs(workflow: Workflow, group: str) -> Sequence[Tab]:
    counts = counts_of(workflow)
    named = [
        Tab(_(label), _steps_url(workflow, name), name == group, counts[name])
        for name, (label, _states) in GROUPS.items()
        if counts[name] or name == group
    ]
    return [Tab(_("All"), _steps_url(workflow), not group, workflow.steps), *named]


def _steps_url(workflow: Workflow, group: str = "", number: int = 1) -> str:
    asked = {"state": group} if group else {}
    if number > 1:
        asked["page"] = str(number)
    return f"{_address(workflow)}?{urlencode(asked)}" if asked else _address(workflow)


def _names(workflow: Workflow) -> dict[str, str]:
    return {"name": workflow.name, "id": workflow.id}


def _address(workflow: Workflow) -> str:
    return reverse("console:workflow", args=[workflow.id])
