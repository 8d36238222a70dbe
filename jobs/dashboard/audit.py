"""The audit log: who did what to what, when."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from jobs.dashboard.visit import Visit, page
from jobs.services import audit_log

_PAGE = 50


@require_GET
@page("audit", "Audit")
def show(visit: Visit) -> HttpResponse:
    """Show one page of entries, newest first."""
    before = visit.request.GET.get("before", "")
    place = int(before) if before.isdecimal() and len(before) < 19 else None
    entries = audit_log.list_entries(visit.actor, before=place, limit=_PAGE + 1)
    shown = entries[:_PAGE]
    next_url = f"{reverse('console:audit')}?before={shown[-1].pk}" if len(entries) > _PAGE else ""
    return visit.show("audit/audit.html", {"entries": shown, "next_url": next_url, "is_first": place is None})
