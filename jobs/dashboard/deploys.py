"""Deploy marks in the console: beside the charts, made by hand and removed."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from jobs.access import policy
from jobs.access.deploy import Deploy
from jobs.access.scopes import Action
from jobs.dashboard.charts import Mark
from jobs.dashboard.job_filters import moment_of
from jobs.dashboard.visit import Visit, page
from jobs.domain.deploy import MAX_NOTE
from jobs.domain.errors import BackendUnavailable, InvalidInput, Problem
from jobs.services import deploys

_TITLE = gettext_noop("History")


def marks_between(visit: Visit, start_s: int, end_s: int) -> list[Deploy]:
    """Return the marks of a stretch of a chart, newest first; none while the database is away."""
    try:
        return deploys.list_deploys(visit.actor, start_s * 1000, end_s * 1000)
    except BackendUnavailable:
        return []


def lines_of(marks: Sequence[Deploy]) -> tuple[Mark, ...]:
    """Return marks as charts draw them."""
    return tuple(Mark(mark.at / 1000, mark.version) for mark in marks)


def may_mark(visit: Visit) -> bool:
    """Tell whether the person may make and remove marks."""
    return policy.can(visit.actor, Action.DEPLOY_MARK)


@require_POST
@page("history", _TITLE)
def mark(visit: Visit) -> HttpResponse:
    """Mark a deployment, now or when the form says."""
    policy.authorize(visit.actor, Action.DEPLOY_MARK)  # before a word about the form
    form = visit.request.POST
    text = form.get("at", "").strip()
    at_ms = moment_of(text) if text else None
    if text and at_ms is None:
        raise InvalidInput([Problem("/at", "invalid_time", _("When: a date and a time, such as 2026-01-17T10:30."))])
    note, link = form.get("note", "").strip()[:MAX_NOTE], form.get("link", "").strip()
    made = deploys.mark_deploy(visit.actor, form.get("version", "").strip(), at_ms=at_ms, note=note, link=link)
    return visit.done(_("Marked the deployment of %s.") % made.version, reverse("console:history"))


@require_POST
@page("history", _TITLE)
def remove(visit: Visit, deploy_id: str) -> HttpResponse:
    """Take a mark away."""
    gone = deploys.remove_deploy(visit.actor, deploy_id)
    return visit.done(_("Removed the mark of %s.") % gone.version, reverse("console:history"))
