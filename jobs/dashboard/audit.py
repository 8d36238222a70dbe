"""The audit log: who did what to what, when."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from jobs.dashboard.visit import Visit, page
from jobs.services import audit_log
from jobs.services.audit_log import AuditFilter

_PAGE = 50
_LONGEST = 200
_FILTERS = ("actor", "action", "target_kind", "target_id")


@require_GET
@page("audit", "Audit")
def show(visit: Visit) -> HttpResponse:
    """Show one page of entries, newest first."""
    asked = visit.request.GET
    wanted = {name: asked.get(name, "").strip()[:_LONGEST] for name in _FILTERS}
    cursor = asked.get("cursor", "")
    meant = AuditFilter(wanted["actor"], wanted["action"], wanted["target_kind"], wanted["target_id"])
    found = audit_log.list_entries(visit.actor, meant, cursor=cursor, limit=_PAGE)
    kept = {name: text for name, text in wanted.items() if text}
    context: dict[str, object] = {
        "entries": found.entries,
        "wanted": wanted,
        "is_filtered": bool(kept),
        "next_url": _address(kept, found.next),
        "prev_url": _address(kept, found.prev),
    }
    return visit.show("audit/audit.html", context)


def _address(kept: dict[str, str], cursor: str | None) -> str:
    return f"{reverse('console:audit')}?{urlencode({**kept, 'cursor': cursor})}" if cursor else ""
